package sip

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// A fullListener has no file for a connection, so many times.
type fullListener struct {
	left   int
	closed chan struct{}
}

func (l *fullListener) Accept() (net.Conn, error) {
	if l.left > 0 {
		l.left--
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: syscall.EMFILE}
	}
	<-l.closed
	return nil, net.ErrClosed
}

func (l *fullListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 5060} }

func (l *fullListener) Close() error {
	close(l.closed)
	return nil
}

// TestStrangersWhoTakeAllFilesEndNobody: whoever holds connections open at any of our doors
// must not be able to end the process by it.
func TestStrangersWhoTakeAllFilesEndNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		book := new(logBook)
		e := &engine{log: slog.New(slog.NewTextHandler(book, nil))}
		l := &fullListener{left: 1000, closed: make(chan struct{})}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			e.runAccept(context.Background(), door{l, "tcp"})
		}()
		time.Sleep(time.Hour)
		select {
		case <-ended:
			t.Fatal("it has ended")
		default:
		}
		if said := book.take(); strings.Count(said, "\n") != 1 || !strings.Contains(said, "too many open files") {
			t.Errorf("said:\n%s", said)
		}
		l.Close()
		<-ended
	})
}
