package main

import (
	"bufio"
	"bytes"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// patience bounds the wait for what must come.
const patience = 10 * time.Second

func await(t *testing.T, l *load) {
	t.Helper()
	select {
	case <-l.done:
	case <-time.After(patience):
		t.Fatal(l.stuck())
	}
}

func TestPhonesTellTextsAndAnswersToEachOther(t *testing.T) {
	t.Parallel()
	var current atomic.Pointer[load]
	one, err := newSIPEnd("127.0.0.1:0", "127.0.0.1:9", "a.example", "b.example", &current)
	if err != nil {
		t.Fatal(err)
	}
	defer one.close()
	two, err := newSIPEnd("127.0.0.1:0", one.local, "b.example", "a.example", &current)
	if err != nil {
		t.Fatal(err)
	}
	defer two.close()
	l := newLoad(3, 2, 0, true)
	current.Store(l)
	for i := range 2 {
		if err := two.send(mark{3, i}, "1000", "u0"); err != nil {
			t.Fatal(err)
		}
	}
	await(t, l)
	if n := l.refused.Load(); n > 0 {
		t.Errorf("%d refused", n)
	}
}

func TestAnswerRepeatsWhatTheRequestSaid(t *testing.T) {
	t.Parallel()
	got := string(okTo([]byte("MESSAGE sip:a SIP/2.0\r\nVia: one\r\nVia: two\r\nTo: <sip:a>\r\nFrom: <sip:b>;tag=1\r\nCall-ID: c\r\nCSeq: 1 MESSAGE\r\nX: y\r\n\r\nVia: no")))
	want := "SIP/2.0 200 OK\r\nVia: one\r\nVia: two\r\nTo: <sip:a>;tag=phones\r\nFrom: <sip:b>;tag=1\r\nCall-ID: c\r\nCSeq: 1 MESSAGE\r\nContent-Length: 0\r\n\r\n"
	if got != want {
		t.Errorf("%q", got)
	}
}

func FuzzSIPPacket(f *testing.F) {
	f.Add([]byte("SIP/2.0 200 OK\r\nTo: a\r\n\r\n"))
	f.Add([]byte("MESSAGE sip:a SIP/2.0\r\nVia: x\r\nTo : a\r\n\r\nbody"))
	f.Fuzz(func(t *testing.T, packet []byte) {
		if code, ok := status(packet); ok && (code < 0 || code > 999) {
			t.Errorf("status %d", code)
		}
		if answer := okTo(packet); !bytes.HasSuffix(answer, []byte("\r\n\r\n")) {
			t.Errorf("%q", answer)
		}
	})
}

// serve speaks an XMPP server's part of a login, then, when the client is in,
// says more in pieces.
func serve(t *testing.T, l net.Listener, in <-chan struct{}, more ...string) {
	c, err := l.Accept()
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	r := bufio.NewReader(c)
	features := "<stream:stream><stream:features></stream:features>"
	for _, step := range []struct{ until, say string }{
		{"streams'>", features}, {"</auth>", "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"}, {"streams'>", features},
		{"</iq>", "<iq type='result' id='bind'></iq>"}, {"<presence/>", "<presence from='u0@example.org/desk'/>"},
	} {
		var got strings.Builder
		for !strings.HasSuffix(got.String(), step.until) {
			b, err := r.ReadByte()
			if err != nil {
				t.Errorf("%v after %q", err, got.String())
				return
			}
			got.WriteByte(b)
		}
		if _, err := c.Write([]byte(step.say)); err != nil {
			t.Error(err)
			return
		}
	}
	<-in
	for _, m := range more {
		if _, err := c.Write([]byte(m)); err != nil {
			t.Error(err)
			return
		}
	}
	if _, err := r.ReadByte(); err == nil {
		t.Error("the client says more")
	}
}

func TestClientLogsInAndSeesTextsThatComeInPieces(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	var current atomic.Pointer[load]
	l := newLoad(2, 2, 0, false)
	current.Store(l)
	in, served := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(served)
		serve(t, listener, in, "<message><body>[[2.", "0]]</body></message><message type='error'><error type='cancel'/></message><message><body>[[2.1]", "]</body>")
	}()
	e, err := newXMPPEnd(listener.Addr().String(), "u0", "example.org", "pw", &current)
	close(in)
	if err != nil {
		t.Fatal(err)
	}
	await(t, l)
	e.close()
	<-served
	if n := e.errors.Load(); n != 1 {
		t.Errorf("%d errors seen", n)
	}
}
