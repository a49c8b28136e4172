package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pion/dtls/v3"
)

// How a handshake is bounded besides Config.
const (
	candidates = 4 // hellos of different clients that wait for their cookie, or for keys
	// fresh is how long they may wait for a cookie: a client whose hello is lost
	// three times sends it again after seven seconds.
	fresh = 10 * time.Second
	// turn is after how long one of them makes room for another.
	turn = time.Second
)

// A session is how far a Handshake has come:
//
//	client:    ──▶ chosen ──▶ agreed
//	               ▲    │ failed, and again after a while
//	               └────┘
//	server:    ──▶ waiting ──▶ chosen ──▶ agreed
//	           hello  ▲  cookie   │ failed
//	                  └───────────┘
//	validated: ──▶ waiting ──▶ agreed
//	           hello
//
// Each attempt has the library's own machine in it. Only the time, and a
// certificate that is not the announced one, end the whole.
type session struct {
	waiting []*attempt // of a server, the oldest first; each is of another client
	chosen  *attempt
	puzzle  puzzle
	limit   *time.Timer // ends the whole; nil: it has not begun
	retry   *time.Timer // when a client tries again
	conn    *dtls.Conn  // what was agreed on; it repeats the last flight
	over    bool        // nothing is said or done any more
	last    error
}

// errTooMany says that Config.AtOnce was reached.
var errTooMany = errors.New("too many handshakes at once")

// errHello says that a client was heard with which nothing can be agreed on.
var errHello = errors.New("a hello with nothing in it that we take")

// start has the time run.
func (h *Handshake) start() {
	if h.session.limit == nil {
		h.session.limit = time.AfterFunc(h.endpoint.config.Timeout, h.expire)
	}
}

// try begins as a client. Where that fails it is called again after a while.
func (h *Handshake) try() {
	s := &h.session
	if s.over {
		return
	}
	if s.chosen = h.begin(nil, h.endpoint.config.Timeout); s.chosen == nil {
		h.tryLater()
	}
}

func (h *Handshake) tryLater() {
	h.session.retry = time.AfterFunc(resend, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.try()
	})
}

// expire ends what takes too long.
func (h *Handshake) expire() {
	h.mu.Lock()
	s := &h.session
	if s.over || s.conn != nil {
		h.mu.Unlock()
		return
	}
	h.conclude()
	err := fmt.Errorf("%w: %w", ErrHandshake, context.DeadlineExceeded)
	if s.last != nil {
		err = fmt.Errorf("%w after %w", err, s.last)
	}
	if alert := h.alerted.Load(); alert != 0 {
		err = fmt.Errorf("%w; the peer may have said alert %d", err, alert)
	}
	h.mu.Unlock()
	h.done(Outcome{Err: err})
}

// conclude ends all that there is.
func (h *Handshake) conclude() {
	s := &h.session
	s.over = true
	for _, t := range []*time.Timer{s.limit, s.retry} {
		if t != nil {
			t.Stop()
		}
	}
	h.choose(nil)
	if conn := s.conn; conn != nil {
		s.conn = nil
		h.endpoint.running.Go(func() { _ = conn.Close() })
	}
}

// choose ends all attempts but one.
func (h *Handshake) choose(a *attempt) {
	s := &h.session
	for _, other := range append(s.waiting, s.chosen) {
		if other != nil && other != a {
			other.end()
		}
	}
	s.waiting, s.chosen = nil, a
}

// route brings a datagram to the attempt that it is for; false: nobody takes it.
func (h *Handshake) route(datagram []byte) bool {
	s := &h.session
	if s.over {
		return false
	}
	if datagram = s.puzzle.add(datagram); datagram == nil {
		return true
	}
	hello, ok := parseHello(datagram)
	switch {
	case s.chosen != nil:
		return (!ok || s.chosen.repeats(hello)) && s.chosen.take(datagram)
	case h.said.Client:
		return false
	case !ok:
		return h.share(datagram)
	}
	h.start()
	switch {
	case !hello.fits:
		s.last = errHello
		return false
	case len(hello.cookie) == 0:
		return h.greet(hello, datagram)
	case h.validated:
		return false // nobody has asked for one
	default:
		return h.welcome(hello, datagram)
	}
}

// share gives what is no hello to everybody who waits, if they are known to be
// heard: it is good for one of them, and the others lose nothing by it.
func (h *Handshake) share(datagram []byte) bool {
	taken := false
	if h.validated {
		for _, a := range h.session.waiting {
			taken = a.take(bytes.Clone(datagram)) || taken
		}
	}
	return taken
}

// greet lets the library answer a hello: by asking for a cookie, unless the peer
// is validated. Each client, told apart by what it drew at random, has an attempt
// of its own, so that a forger can't spoil that of the peer.
func (h *Handshake) greet(hello hello, datagram []byte) bool {
	s := &h.session
	for _, a := range s.waiting {
		if bytes.Equal(a.random, hello.random) {
			return a.take(datagram)
		}
	}
	if len(s.waiting) == candidates {
		oldest := s.waiting[0]
		if time.Since(oldest.born) < turn {
			return false
		}
		oldest.end()
		s.waiting = slices.Delete(s.waiting, 0, 1)
	}
	long := fresh
	if h.validated {
		long = h.endpoint.config.Timeout
	}
	a := h.begin(hello.random, long)
	if a == nil {
		return false
	}
	s.waiting = append(s.waiting, a)
	return a.take(datagram)
}

// welcome goes on with the client that has repeated its cookie, if that is one
// of those who wait.
func (h *Handshake) welcome(hello hello, datagram []byte) bool {
	waiting := h.session.waiting
	i := slices.IndexFunc(waiting, func(a *attempt) bool { return a.repeats(hello) })
	if i < 0 || !waiting[i].limit.Reset(h.endpoint.config.Timeout) {
		return false // unknown, or its time is up
	}
	h.choose(waiting[i])
	return waiting[i].take(datagram)
}

// settle takes what has come of an attempt, whose goroutine calls it.
func (h *Handshake) settle(a *attempt, conn *dtls.Conn, o Outcome) {
	h.mu.Lock()
	kept, told := h.judge(a, conn, o)
	h.mu.Unlock()
	if conn != nil && !kept {
		_ = conn.Close()
	}
	if told {
		h.done(o)
	}
}

// judge decides whether a connection is kept, and whether an outcome is that of the
// whole.
func (h *Handshake) judge(a *attempt, conn *dtls.Conn, o Outcome) (kept, told bool) {
	s := &h.session
	ours := a == s.chosen
	if i := slices.Index(s.waiting, a); i >= 0 {
		s.waiting = slices.Delete(s.waiting, i, i+1)
		ours = h.validated // else it has only waited for its cookie
	}
	switch {
	case s.over || !ours:
		return false, false
	case o.Err == nil:
		h.finished.Store(true)
		h.choose(a)
		s.limit.Stop()
		s.conn = conn
		return true, true
	case errors.Is(o.Err, ErrFingerprint):
		// The peer has signed what we drew at random: it is no forger's
		// doing but that of whoever is on the way.
		h.conclude()
		return false, true
	}
	s.last = o.Err
	if a == s.chosen {
		s.chosen = nil
	}
	if h.said.Client {
		h.tryLater()
	}
	return false, false
}
