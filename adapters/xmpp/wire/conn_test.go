package wire

import (
	"bytes"
	"errors"
	"io"
	"net"
	"runtime"
	"testing"
	"time"
)

// connected gives both ends of a connection by TCP, one of them guarded.
func connected(t *testing.T) (*Conn, net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ours, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ours.Close() })
	theirs, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { theirs.Close() })
	return NewConn(ours, Defaults(), time.Minute, func(Drop) {}), theirs
}

func TestWhatTheSystemTakesIsWrittenAndNoMore(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		c, _ := connected(t)
		if n, err := c.WriteNow([]byte("x")); n != 0 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		return
	}
	c, far := connected(t)
	chunk := bytes.Repeat([]byte("0123456789"), 100_000)
	sent := 0
	for {
		n, err := c.WriteNow(chunk[sent%10 : len(chunk)-10+sent%10]) // so that it goes on where it has stopped
		if err != nil {
			t.Fatal(err)
		}
		sent += n
		if n < len(chunk)-10 {
			break // nobody reads: there is no more room
		}
	}
	got := make([]byte, sent)
	if _, err := io.ReadFull(far, got); err != nil {
		t.Fatal(err)
	}
	for i, b := range got {
		if b != '0'+byte(i%10) {
			t.Fatalf("byte %d of %d is %q", i, sent, b)
		}
	}
	c.Close()
	if _, err := c.WriteNow(chunk); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}

func TestAConnectionIsReadToItsEnd(t *testing.T) {
	t.Parallel()
	c, far := connected(t)
	go func() {
		for _, s := range []string{testHeader, good, good[:10], good[10:]} {
			io.WriteString(far, s)
		}
		far.Close()
	}()
	for range 2 {
		st, err := c.Stanza()
		if err != nil || st.Start().Name.Local != "message" {
			t.Fatal(err)
		}
	}
	if _, err := c.Stanza(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
	c.Close()
	if _, err := sourceOf(c.Conn).Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}
