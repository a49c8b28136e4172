package wire

import (
	"context"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// What ends the process that go-rtmp reads it in, before anybody has connected:
// an array that says it has 2^31 values, and objects within each other.
func TestWhatKillsGoRTMPEndsOneConnection(t *testing.T) {
	t.Parallel()
	u := serving(t, Defaults(), answering)
	ctx, cancel := context.WithTimeout(context.Background(), long)
	defer cancel()
	living, err := Connect(ctx, u, Connecting{Limits: Defaults()})
	if err != nil {
		t.Fatal(err)
	}
	defer living.Close()
	head := AppendAMF0(nil, "connect", 1)
	for _, tt := range []struct {
		name string
		body string
	}{
		{"an array of 2^31 values", "\x0a\x7f\xff\xff\xf0"},
		{"objects within each other, as many as fit", strings.Repeat("\x03\x00\x01a", 3000)},
		{"objects within each other, 16 MB of them", strings.Repeat("\x03\x00\x01a", 4_000_000)},
	} {
		before := memory()
		wide := Defaults()
		wide.QueueBytes = 2 * maxChunk
		c, err := Dial(ctx, u, nil, wide)
		if err != nil {
			t.Fatal(err)
		}
		body := append(append([]byte{}, head...), tt.body...)
		if err := c.Write(Message{Type: TypeCommandAMF0, Body: body}); err != nil {
			t.Fatal(err)
		}
		if m, err := c.Read(); err == nil {
			t.Errorf("%s was answered: %v", tt.name, m)
		}
		c.Close()
		if grown := memory() - before; grown > 64<<20 {
			t.Errorf("%s: %d bytes more", tt.name, grown)
		}
	}
	if _, err := living.Call(ctx, "createStream"); err != nil {
		t.Errorf("who was connected: %v", err)
	}
}

// memory is what the process has in use, for heap and stacks.
func memory() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapInuse + m.StackInuse)
}

// A pipeListener gives connections that are made in memory.
type pipeListener struct {
	made   chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{made: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.made:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

func (l *pipeListener) dial() net.Conn {
	a, b := net.Pipe()
	l.made <- b
	return a
}

func TestThousandsThatSendAByteCostLittle(t *testing.T) {
	const many = 10_000
	ctx, cancel := context.WithCancel(context.Background())
	ln := newPipeListener()
	var all sync.WaitGroup
	all.Go(func() {
		if err := Serve(ctx, ln, Defaults(), answering); err != nil {
			t.Error(err)
		}
	})
	defer all.Wait()
	defer cancel()
	count := &counter{Conn: ln.dial()}
	if err := clientHandshake(count); err != nil {
		t.Fatal(err)
	}
	live := newConn(count, bufioOf(count), Defaults(), false)
	defer live.Close()
	live.Establish()
	live.Write(Command{Name: "connect", ID: 1, Object: Obj()}.Message())
	if _, err := live.Read(); err != nil {
		t.Fatal(err)
	}
	before := memory()
	idle := make([]net.Conn, many)
	for i := range idle {
		idle[i] = ln.dial()
		defer idle[i].Close()
		if _, err := idle[i].Write([]byte{plainVersion}); err != nil && err != io.ErrClosedPipe {
			t.Fatal(err)
		}
		// The live one's sound goes there and back all the while.
		if err := live.Write(audio(uint32(20*i), "\xb2sound")); err != nil {
			t.Fatal(err)
		}
		if m, err := live.Read(); err != nil || m.Time != uint32(20*i) || string(m.Body) != "\xb2sound" {
			t.Fatalf("sound %d: %v, %v", i, m, err)
		}
	}
	grown := memory() - before
	t.Logf("%d connections: %d bytes more", many, grown)
	if grown > 32<<20 {
		t.Errorf("%d bytes more", grown)
	}
	kept := 0
	for _, c := range idle {
		c.SetReadDeadline(time.Now())
		if _, err := c.Read(make([]byte, 1)); err != io.EOF {
			kept++
		}
	}
	if want := Defaults().Waiting; kept > want {
		t.Errorf("%d are kept, of at most %d", kept, want)
	}
}

func TestWhoDoesNotConnectGivesWay(t *testing.T) {
	t.Parallel()
	l := Defaults()
	l.Waiting = 2
	u := serving(t, l, answering)
	ctx, cancel := context.WithTimeout(context.Background(), long)
	defer cancel()
	connected, err := Connect(ctx, u, Connecting{Limits: Defaults()})
	if err != nil {
		t.Fatal(err)
	}
	defer connected.Close()
	var waiting []*Conn
	for range 3 {
		c, err := Dial(ctx, u, nil, Defaults())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		waiting = append(waiting, c)
	}
	if _, err := waiting[0].Read(); err == nil {
		t.Error("the oldest is still there")
	}
	if _, err := connected.Call(ctx, "createStream"); err != nil {
		t.Errorf("who was connected: %v", err)
	}
}
