package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// A rawClient is a client that writes and reads chunks as a test says.
type rawClient struct {
	net.Conn
	in  *chunkReader
	out chunkWriter
}

// rawPair is a rawClient and the Conn at the other end of it, after a plain handshake over a
// pipe in memory.
func rawPair(t *testing.T, l Limits) (*rawClient, *Conn) {
	t.Helper()
	a, b := net.Pipe()
	accepted := make(chan *Conn, 1)
	go func() {
		c, err := Accept(b, l)
		if err != nil {
			t.Error(err)
		}
		accepted <- c
	}()
	count := &counter{Conn: a}
	if err := clientHandshake(count); err != nil {
		t.Fatal(err)
	}
	c := <-accepted
	r := &rawClient{Conn: a, in: newChunkReader(bufioOf(count), Defaults()), out: chunkWriter{size: startChunk}}
	r.in.free.Store(true)
	t.Cleanup(func() { a.Close(); c.Close() })
	return r, c
}

func (r *rawClient) send(t *testing.T, messages ...Message) {
	t.Helper()
	var b []byte
	for _, m := range messages {
		b = r.out.append(b, m)
	}
	if _, err := r.Write(b); err != nil {
		t.Error(err)
	}
}

// next is the next message that has come, control too.
func (r *rawClient) next(t *testing.T) Message {
	t.Helper()
	m, err := r.in.read()
	if err != nil {
		t.Fatal(err)
	}
	if m.Type == TypeSetChunkSize {
		r.in.size = binary.BigEndian.Uint32(m.Body)
	}
	return m
}

// drain reads what comes to the end of the connection.
func drain(c *Conn) {
	for {
		if _, err := c.Read(); err != nil {
			return
		}
	}
}

func controlOf(kind Type, body string) Message { return Message{Type: kind, Body: []byte(body)} }

func TestProtocolControlIsObeyed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, c := rawPair(t, Defaults())
		go drain(c)
		if err := c.Establish(); err != nil {
			t.Fatal(err)
		}
		for _, want := range []Message{
			controlOf(TypeWindowAck, "\x00\x26\x25\xa0"), controlOf(TypePeerBandwidth, "\x00\x26\x25\xa0\x02"),
			controlOf(TypeSetChunkSize, "\x00\x00\x10\x00"), controlOf(TypeUserControl, "\x00\x00\x00\x00\x00\x00"),
		} {
			if got := r.next(t); got.Type != want.Type || !bytes.Equal(got.Body, want.Body) {
				t.Errorf("%v, want %v", got, want)
			}
		}
		r.send(t,
			controlOf(TypeUserControl, "\x00\x06\x01\x02\x03\x04"), // ping
			controlOf(TypeUserControl, "\x00\x03\x00\x00\x00\x01\x00\x00\x00\x64"),
			controlOf(TypeUserControl, "\x00\x1f\x00\x00\x00\x01"), // Flash says that its buffer is empty
			controlOf(TypeUserControl, ""),
			controlOf(TypePeerBandwidth, "\x00\x00\x10\x00\x02"),
			controlOf(TypePeerBandwidth, "\x00\x00\x10\x00\x02"),
			controlOf(TypeAck, "\x00\x00\x10\x00"),
			controlOf(TypeWindowAck, "\x00\x00\x02\x00"),
			Message{Type: TypeSharedAMF0, Body: []byte("x")}, Message{Type: TypeSharedAMF3}, Message{Type: 11, Body: []byte("x")},
			audio(0, string(make([]byte, 300))),
		)
		for _, want := range []Message{
			controlOf(TypeUserControl, "\x00\x07\x01\x02\x03\x04"),
			controlOf(TypeWindowAck, "\x00\x00\x10\x00"), // once
		} {
			if got := r.next(t); got.Type != want.Type || !bytes.Equal(got.Body, want.Body) {
				t.Errorf("%v, want %v", got, want)
			}
		}
		r.send(t, audio(20, string(make([]byte, 300))))
		if got := r.next(t); got.Type != TypeAck || binary.BigEndian.Uint32(got.Body) < 300 {
			t.Errorf("%v, want an acknowledgement", got)
		}
	})
}

func TestControlThatIsNoneEndsTheConnection(t *testing.T) {
	t.Parallel()
	for _, bad := range []Message{
		controlOf(TypeSetChunkSize, "\x00\x00\x00\x00"), controlOf(TypeSetChunkSize, "\x80\x00\x00\x01"), controlOf(TypeSetChunkSize, "\x00"),
		controlOf(TypeWindowAck, ""), controlOf(TypePeerBandwidth, "\x00\x00\x10\x00"), controlOf(TypeAbort, "\x00"),
	} {
		synctest.Test(t, func(t *testing.T) {
			r, c := rawPair(t, Defaults())
			go r.send(t, bad)
			if m, err := c.Read(); err == nil {
				t.Errorf("%v was obeyed: %v", bad, m)
			}
		})
	}
}

func TestASilentPeerIsPingedAndThenGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := Defaults()
		r, c := rawPair(t, l)
		ended := make(chan error, 1)
		go func() {
			_, err := c.Read()
			ended <- err
		}()
		c.Establish()
		for r.next(t).Type != TypeUserControl { // the last of its greeting
		}
		start := time.Now()
		if m := r.next(t); m.Type != TypeUserControl || m.Body[1] != 6 {
			t.Errorf("%v, want a ping", m)
		}
		if err := <-ended; !errors.Is(err, ErrIdle) {
			t.Errorf("it ended with %v", err)
		}
		if d := time.Since(start); d > l.Idle+l.Idle/4 {
			t.Errorf("after %v", d)
		}
	})
}

// TestAPingIsAnsweredByItsOwn: an answer is to one ping, which it names.
func TestAPingIsAnsweredByItsOwn(t *testing.T) {
	t.Parallel()
	r, c := rawPair(t, Defaults())
	go drain(c)
	var asked [2]string
	var back [2]<-chan struct{}
	for i := range back {
		wait, forget, err := c.Ping()
		if err != nil {
			t.Fatal(err)
		}
		defer forget()
		back[i] = wait
		m := r.next(t)
		if m.Type != TypeUserControl || m.Body[1] != 6 {
			t.Fatalf("%v %x is no ping", m.Type, m.Body)
		}
		asked[i] = string(m.Body[2:])
	}
	if asked[0] == asked[1] {
		t.Error("two pings are alike")
	}
	r.send(t, controlOf(TypeUserControl, "\x00\x07"+asked[1]))
	<-back[1]
	select {
	case <-back[0]:
		t.Error("the first is answered, too")
	default:
	}
	c.Close()
	if _, _, err := c.Ping(); err == nil {
		t.Error("a ping goes out on a closed connection")
	}
}

func TestWhoAnswersPingsStays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, c := rawPair(t, Defaults())
		go drain(c)
		c.Establish()
		for pings := 0; pings < 5; {
			if m := r.next(t); m.Type == TypeUserControl && m.Body[1] == 6 {
				pings++
				r.send(t, controlOf(TypeUserControl, "\x00\x07"+string(m.Body[2:])))
			}
		}
	})
}

func TestWhoDoesNotComeToAnEndIsGivenUp(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		sent int // bytes of the handshake
	}{{"nothing", 0}, {"one byte", 1}, {"half of C1", 700}, {"no C2", 1 + packetSize}} {
		synctest.Test(t, func(t *testing.T) {
			l := Defaults()
			a, b := net.Pipe()
			defer a.Close()
			go func() {
				a.Write(append([]byte{3}, make([]byte, packetSize)...)[:tt.sent])
				bufioOf(a).WriteTo(discard{})
			}()
			start := time.Now()
			if _, err := Accept(b, l); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) > l.Handshake {
				t.Errorf("%s: %v after %v", tt.name, err, time.Since(start))
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		l := Defaults()
		r, c := rawPair(t, l)
		start := time.Now()
		stop := make(chan struct{})
		go func() { // bytes that never become a message do not keep it
			defer close(stop)
			b := r.out.append(nil, Message{Type: TypeCommandAMF0, Body: make([]byte, 1000)})
			for _, one := range b {
				if _, err := r.Write([]byte{one}); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		}()
		if _, err := c.Read(); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) > l.Connect {
			t.Errorf("no connect: %v after %v", err, time.Since(start))
		}
		c.Close()
		<-stop
	})
}

// TestStrangersStayBound: whoever has connected without showing who it is has Login
// to do so, whatever it sends meanwhile, and no large messages.
func TestStrangersStayBound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := Defaults()
		r, c := rawPair(t, l)
		go io.Copy(io.Discard, r)
		if err := c.Greet(); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		stop := make(chan struct{})
		go func() {
			defer close(stop)
			for {
				b := r.out.append(nil, Message{Type: TypeAudio, Body: []byte{1}})
				if _, err := r.Write(b); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		}()
		var err error
		for err == nil {
			_, err = c.Read()
		}
		if took := time.Since(start); !errors.Is(err, os.ErrDeadlineExceeded) || took > l.Login {
			t.Errorf("a stranger: %v after %v", err, took)
		}
		c.Close()
		<-stop
	})
	r, c := rawPair(t, Defaults())
	go io.Copy(io.Discard, r)
	if err := c.Greet(); err != nil {
		t.Fatal(err)
	}
	large := func() { _, _ = r.Write(r.out.append(nil, Message{Type: TypeAudio, Body: make([]byte, 20<<10)})) }
	if err := c.Establish(); err != nil { // it has said who it is
		t.Fatal(err)
	}
	go large()
	if _, err := c.Read(); err != nil {
		t.Errorf("a large message of who is known: %v", err)
	}
	r, c = rawPair(t, Defaults())
	go io.Copy(io.Discard, r)
	if err := c.Greet(); err != nil {
		t.Fatal(err)
	}
	go large()
	if _, err := c.Read(); !errors.Is(err, errTooLong) {
		t.Errorf("a large message of a stranger: %v", err)
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
