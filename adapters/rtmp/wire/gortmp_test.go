package wire

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"testing"

	"github.com/sirupsen/logrus"
	"github.com/yutopp/go-rtmp"
	"github.com/yutopp/go-rtmp/message"
)

// quiet is go-rtmp without its log.
func quiet() *logrus.Logger {
	l := logrus.New()
	l.SetOutput(io.Discard)
	return l
}

// go-rtmp is a client of ours.
func TestGoRTMPPublishesToUs(t *testing.T) {
	t.Parallel()
	const many = 200
	heard := make(chan Message, many)
	u := serving(t, Defaults(), func(ctx context.Context, c *Conn) {
		defer c.Close()
		for {
			m, err := c.Read()
			if err != nil {
				return
			}
			if m.Type == TypeAudio {
				heard <- m
				continue
			}
			if cmd, err := ParseCommand(m, c.Limits().AMF); err == nil {
				switch cmd.Name {
				case "connect":
					c.Establish()
					c.Write(cmd.Result(Obj("fmsVer", "x", "capabilities", 31, "mode", 1), Obj("level", "status", "code", "NetConnection.Connect.Success")).Message())
				case "createStream":
					c.Write(cmd.Result(nil, 1).Message())
				case "publish":
					c.Write(Status(cmd.Stream, "status", PublishStart, "").Message())
				}
			}
		}
	})
	client, err := rtmp.Dial("rtmp", u.Address(), &rtmp.ConnConfig{Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.Connect(nil); err != nil {
		t.Fatal(err)
	}
	stream, err := client.CreateStream(nil, startChunk)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Publish(&message.NetStreamPublish{PublishingName: "name", PublishingType: "live"}); err != nil {
		t.Fatal(err)
	}
	for i := range many {
		if err := stream.Write(4, uint32(20*i), &message.AudioMessage{Payload: bytes.NewReader(bytes.Repeat([]byte{HeadSpeex}, 2*i))}); i > 0 && err != nil {
			t.Fatal(err)
		}
	}
	for i := 1; i < many; i++ { // an empty one it does not send right
		m := <-heard
		if len(m.Body) == 0 {
			m = <-heard
		}
		if m.Time != uint32(20*i) || len(m.Body) != 2*i {
			t.Fatalf("message %d: time %d, %d bytes", i, m.Time, len(m.Body))
		}
	}
}

// hears is a go-rtmp server that hands on what is published.
type hears struct {
	rtmp.DefaultHandler
	heard chan Message
}

func (h *hears) OnAudio(time uint32, payload io.Reader) error {
	b, err := io.ReadAll(payload)
	h.heard <- Message{Time: time, Body: b}
	return err
}

// And we are a client of go-rtmp's, by RTMP and by RTMPS.
func TestWePublishToGoRTMP(t *testing.T) {
	t.Parallel()
	const many = 200
	for _, secure := range []bool{false, true} {
		h := &hears{heard: make(chan Message, many)}
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		scheme := "rtmp://"
		config := &tls.Config{InsecureSkipVerify: true}
		if secure {
			scheme = "rtmps://"
			ln = tls.NewListener(ln, &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}})
		}
		server := rtmp.NewServer(&rtmp.ServerConfig{OnConnect: func(c net.Conn) (io.ReadWriteCloser, *rtmp.ConnConfig) {
			return c, &rtmp.ConnConfig{Handler: h, Logger: quiet()}
		}})
		served := make(chan error, 1)
		go func() { served <- server.Serve(ln) }()
		u, err := ParseURL(scheme + ln.Addr().String() + "/app/name")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), long)
		l := Defaults()
		l.QueueMedia = many
		c, err := Connect(ctx, u, Connecting{Limits: l, TLS: config})
		if err != nil {
			t.Fatal(err)
		}
		stream, err := c.Publish(ctx, u.Stream)
		if err != nil {
			t.Fatal(err)
		}
		for i := range many {
			c.Write(Message{Type: TypeAudio, Stream: stream, Time: uint32(20 * i), Body: bytes.Repeat([]byte{HeadSpeex}, 1+50*i)})
		}
		for i := range many {
			if m := <-h.heard; m.Time != uint32(20*i) || len(m.Body) != 1+50*i {
				t.Fatalf("message %d: time %d, %d bytes", i, m.Time, len(m.Body))
			}
		}
		c.Close()
		cancel()
		server.Close()
		<-served
	}
}
