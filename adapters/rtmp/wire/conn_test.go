package wire

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"
)

// long bounds what a test waits for; nothing takes it unless something is broken.
const long = 30 * time.Second

// serving runs Serve on a port of the loopback, and gives the URL of app at it.
func serving(t *testing.T, l Limits, take func(context.Context, *Conn)) URL {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() {
		if err := Serve(ctx, ln, l, take); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); all.Wait() })
	u, err := ParseURL("rtmp://" + ln.Addr().String() + "/app/name")
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// answering is a server that says yes to everything, and sends sound back.
func answering(_ context.Context, c *Conn) {
	defer c.Close()
	for {
		m, err := c.Read()
		if err != nil {
			return
		}
		if !m.IsCommand() {
			c.Write(m)
			continue
		}
		cmd, err := ParseCommand(m, c.Limits().AMF)
		if err != nil {
			return
		}
		switch cmd.Name {
		case "connect":
			c.Establish()
			c.Write(cmd.Result(Obj("fmsVer", "x"), Obj("level", "status", "code", "NetConnection.Connect.Success", "args", cmd.Args)).Message())
		case "createStream":
			c.Write(cmd.Result(nil, 1).Message())
		case "publish":
			c.Write(Status(cmd.Stream, "status", PublishStart, "").Message())
		case "play":
			if Text(cmd.Arg(0)) != "name" {
				c.Write(Status(cmd.Stream, "error", "NetStream.Play.StreamNotFound", "none").Message())
				continue
			}
			c.Tell(StreamBegin, cmd.Stream)
			c.Write(Status(cmd.Stream, "status", PlayStart, "").Message())
		case "fail":
			c.Write(cmd.Error(nil, Obj("level", "error", "code", "Call.Failed", "description", "as asked")).Message())
		}
	}
}

func TestClientAndServerSpeakWithEachOther(t *testing.T) {
	t.Parallel()
	u := serving(t, Defaults(), answering)
	ctx, cancel := context.WithTimeout(context.Background(), long)
	defer cancel()
	got := make(chan Message, 100)
	c, err := Connect(ctx, u, Connecting{Limits: Defaults(), Args: []any{"alice", "secret"}, On: func(m Message) { got <- m }})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	stream, err := c.Publish(ctx, u.Stream)
	if err != nil || stream != 1 {
		t.Fatalf("publish: %d, %v", stream, err)
	}
	for i := range uint32(50) {
		if err := c.Write(Message{Type: TypeAudio, Stream: stream, Time: 20 * i, Body: []byte{HeadMuLaw, byte(i)}}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range uint32(50) {
		if m := <-got; m.Time != 20*i || m.Stream != 1 || m.Type != TypeAudio || len(m.Body) != 2 || m.Body[1] != byte(i) {
			t.Fatalf("message %d came back as %v", i, m)
		}
	}
	var status *StatusError
	if _, err := c.Call(ctx, "fail"); !errors.As(err, &status) || status.Code != "Call.Failed" {
		t.Errorf("a call that fails: %v", err)
	}
	if _, err := c.Play(ctx, "nobody"); !errors.As(err, &status) || status.Code != "NetStream.Play.StreamNotFound" {
		t.Errorf("play nobody: %v", err)
	}
	if _, err := c.Play(ctx, "name"); err != nil {
		t.Errorf("play: %v", err)
	}
	if err := c.DeleteStream(stream); err != nil {
		t.Error(err)
	}
	c.Stop()
	if _, err := c.Call(ctx, "late"); err == nil {
		t.Error("a call after the end was answered")
	}
}
