package wire

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// TestReadsKnowWhenTheBytesCame, and are those of the connection in all else.
func TestReadsKnowWhenTheBytesCame(t *testing.T) {
	t.Parallel()
	far, near := tcpPair(t)
	s := newStamps(near)
	if s == nil {
		t.Fatal("the system does not say when something came")
	}
	begin := time.Now()
	if _, err := far.Write([]byte("one")); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 2)
	for _, want := range []string{"on", "e"} {
		if n, err := s.Read(b); err != nil || string(b[:n]) != want {
			t.Errorf("%q, %v, want %q", b[:n], err, want)
		}
		if s.came.Before(begin.Round(0).Add(-time.Second)) || s.came.After(time.Now().Round(0).Add(time.Second)) {
			t.Errorf("%q came at %v, want about %v", want, s.came, begin)
		}
	}
	if err := near.SetReadDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read(b); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("after the deadline: %v", err)
	}
	if err := near.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	far.Close()
	if n, err := s.Read(b); n != 0 || err != io.EOF {
		t.Errorf("at the end: %d, %v", n, err)
	}
	near.Close()
	if _, err := s.Read(b); !errors.Is(err, net.ErrClosed) {
		t.Errorf("when closed: %v", err)
	}
}

// TestReadsCostNothing: they are as cheap to the collector as others are.
func TestReadsCostNothing(t *testing.T) {
	far, near := tcpPair(t)
	s := newStamps(near)
	b, out := make([]byte, 200), make([]byte, 200)
	if n := testing.AllocsPerRun(100, func() {
		if _, err := far.Write(out); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(s, b); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("a read costs %v allocations", n)
	}
}

// TestAMessageKnowsHowLongItWaited for us.
func TestAMessageKnowsHowLongItWaited(t *testing.T) {
	t.Parallel()
	far, near := tcpPair(t)
	accepted := make(chan *Conn, 1)
	go func() {
		c, err := Accept(near, Defaults())
		if err != nil {
			t.Error(err)
		}
		accepted <- c
	}()
	if err := clientHandshake(far); err != nil {
		t.Fatal(err)
	}
	c := <-accepted
	if c == nil {
		return
	}
	defer c.Close()
	var out chunkWriter
	out.size = startChunk
	if _, err := far.Write(out.append(nil, audio(0, "x"))); err != nil {
		t.Fatal(err)
	}
	m, err := c.Read()
	if err != nil || !bytes.Equal(m.Body, []byte("x")) {
		t.Fatalf("%v, %v", m, err)
	}
	if c.Waited() <= 0 {
		t.Errorf("it waited %v", c.Waited())
	}
}
