package xmpp

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"sync"
	"time"

	xmpplib "mellium.im/xmpp"
	"mellium.im/xmpp/component"
	"mellium.im/xmpp/jid"
	"mellium.im/xmpp/stream"

	"gateway/adapters/xmpp/wire"
	"gateway/bridge"
)

const (
	handshakeTime = 30 * time.Second // from dialling to being let in
	writeTime     = 30 * time.Second // for the server to take a piece of the stream
	askEvery      = 60 * time.Second // whether the server is still there
	answerTime    = 30 * time.Second // for it to say so
	farewell      = 3 * time.Second  // from our time to go to the end of all sessions
)

// A session is one stream with the server.
type session struct {
	conn    *wire.Conn
	stream  *xmpplib.Session
	barrier barrier

	pen    sync.Mutex // held by who writes; it guards what follows
	buf    []byte     // what was taken last
	left   []byte     // of that, what the system did not take at once
	wrote  int        // bytes of it before left
	closed bool       // nobody but runWriter writes any more

	gone chan struct{} // closed when the session ends

	mu      sync.Mutex         // guards waiting: senders add and remove, the reader answers
	waiting map[string]*waiter // by the stanza's id
}

// A waiter is a message whose barrier has not come back.
type waiter struct{ refused *bridge.Error }

// connect dials the server and gets let in (XEP-0114 section 3).
func (a *Adapter) connect(ctx context.Context) (*session, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTime)
	defer cancel()
	raw, err := a.dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("the server can't be reached: %w", err)
	}
	conn := wire.NewConn(raw, wire.Defaults(), writeTime, a.droppedSafely)
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	// The library would refuse domains that servers accept.
	addr := jid.NewUnsafe("", a.domain, "").JID
	// Nor may it see ctx end: for a moment after the handshake it would
	// still cut reads and writes short then.
	st, err := component.NewSession(context.WithoutCancel(ctx), addr, []byte(a.secret.Reveal()), conn)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		conn.Close()
		return nil, handshakeError(ctx, err)
	}
	s := &session{conn: conn, stream: st, gone: make(chan struct{}), waiting: map[string]*waiter{}}
	s.barrier.prefix = "b-" + rand.Text() + "-"
	s.barrier.ask = func(id string) { a.ask(s, id) }
	s.barrier.flush = func() { a.flush(s) }
	s.barrier.batch = func(f func()) { f() }
	return s, nil
}

// handshakeError says in words for the operator why we were not let in.
func handshakeError(ctx context.Context, err error) error {
	var refused stream.Error
	switch {
	case errors.As(err, &refused):
		return fmt.Errorf("handshake refused: %w", streamError(err))
	case ctx.Err() != nil, errors.Is(err, os.ErrDeadlineExceeded):
		return errors.New("no answer to the handshake")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the server hung up during the handshake")
	}
	return fmt.Errorf("handshake: %w", err)
}

// streamError adds to a stream error what the server said of it.
func streamError(err error) error {
	var e stream.Error
	if !errors.As(err, &e) {
		return err
	}
	name := oneLine(e.Err, maxReason)
	if name == "" {
		name = "undefined-condition"
	}
	for _, t := range e.Text {
		if text := oneLine(t.Value, maxReason); text != "" {
			return fmt.Errorf("%s (%s)", name, text)
		}
	}
	return errors.New(name)
}

// runWriter writes what the queue has for s until life is done, or just work:
// then it writes the end of the stream too.
func (a *Adapter) runWriter(life, work context.Context, s *session) error {
	defer s.shut(a.out)
	for {
		if err := a.write(s, math.MaxInt); err != nil {
			return err
		}
		select {
		case <-a.out.wake:
			continue
		default:
		}
		select {
		case <-a.out.wake:
		case <-work.Done():
			if life.Err() != nil {
				return context.Cause(life)
			}
			// Not for ever: what we read on makes more.
			if err := a.write(s, queueMax/writeSize+1); err != nil {
				return err
			}
			s.shut(a.out)
			return s.stream.Close()
		}
	}
}

// write empties the queue, or takes from it so many times.
func (a *Adapter) write(s *session, times int) error {
	s.pen.Lock()
	defer s.pen.Unlock()
	for range times {
		if len(s.left) == 0 {
			s.buf, s.wrote = a.out.take(s.buf[:0], s), 0
			s.left = s.buf
		}
		if len(s.left) == 0 {
			return nil
		}
		n, err := s.conn.Write(s.left)
		s.left, s.wrote = s.left[n:], s.wrote+n
		if err == nil {
			continue
		}
		if errors.Is(err, net.ErrClosed) {
			return errors.New("the connection is closed")
		}
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// flush writes what the queue has for s as far as that can be done without waiting. The
// rest is runWriter's.
func (a *Adapter) flush(s *session) {
	if !s.pen.TryLock() {
		a.out.rouse() // who writes now may have taken its last
		return
	}
	defer s.pen.Unlock()
	for len(s.left) == 0 && !s.closed {
		s.buf, s.wrote = a.out.take(s.buf[:0], s), 0
		if len(s.buf) == 0 {
			return
		}
		n, err := s.conn.WriteNow(s.buf)
		s.left, s.wrote = s.buf[n:], n
		if err != nil {
			break // it is runWriter's to say so
		}
	}
	a.out.rouse()
}

// shut ends flush for good. What was not written goes out in another session, if it
// may.
func (s *session) shut(q *queue) {
	s.pen.Lock()
	defer s.pen.Unlock()
	s.closed = true
	if len(s.left) > 0 {
		q.back(s.wrote)
		s.left = nil
	}
}

// runKeepAlive asks the server now and then whether it is still there. Its error
// is that it is not.
func (s *session) runKeepAlive(ctx context.Context) error {
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		patience := time.NewTimer(answerTime)
		select {
		case <-ctx.Done():
			patience.Stop()
			return nil
		case <-s.barrier.join():
			patience.Stop()
		case <-patience.C:
			return errors.New("the server does not answer")
		}
	}
}

// expect notes that an error for id is waited for. It is false if it is
// already.
func (s *session) expect(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting[id] != nil {
		return false
	}
	s.waiting[id] = &waiter{}
	return true
}

// settle ends that, and gives the error if one came.
func (s *session) settle(id string) *bridge.Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.waiting[id]
	delete(s.waiting, id)
	if w == nil {
		return nil
	}
	return w.refused
}

// refuse hands an error to whoever waits for it, if anybody does.
func (s *session) refuse(id string, err *bridge.Error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.waiting[id]
	if w == nil {
		return false
	}
	if w.refused == nil {
		w.refused = err
	}
	return true
}
