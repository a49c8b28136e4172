package transport

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// How a handshake is bounded besides Config.
const (
	candidates = 4 // hellos of different clients that wait for their cookie
	// fresh is how long they may: a client whose hello is lost three times
	// sends it again after seven seconds.
	fresh = 10 * time.Second
	// turn is after how long one of them makes room for another.
	turn = time.Second
)

// A session is what the goroutine of a Handshake knows:
//
//	client:  ──▶ chosen ──▶ agreed
//	             ▲    │ failed, and again after a while
//	             └────┘
//	server:  ──▶ waiting ──▶ chosen ──▶ agreed
//	         hello  ▲  cookie   │ failed
//	                └───────────┘
//
// Each attempt has the library's own machine in it. Only the time, and a
// certificate that is not the announced one, end the whole.
type session struct {
	*Handshake
	cert    certificate
	group   sync.WaitGroup
	waiting []*attempt // servers that wait for their cookie, the oldest first
	chosen  *attempt
	puzzle  puzzle
	retry   *time.Timer // when a client tries again
	over    *time.Timer
	begun   bool // over runs
	last    error
}

// run is the goroutine of a handshake: it hands datagrams to the attempts and
// says what has come of them.
func (h *Handshake) run(ctx context.Context, cert certificate) {
	s := &session{Handshake: h, cert: cert, retry: time.NewTimer(0), over: time.NewTimer(h.endpoint.config.Timeout)}
	defer s.group.Wait()
	defer h.stop()
	defer s.over.Stop()
	defer s.retry.Stop()
	s.begun = h.said.Client
	if !s.begun {
		s.over.Stop() // it is the peer who begins, some time
		s.retry.Stop()
	}
	for {
		select {
		case <-ctx.Done():
			return
		case datagram := <-h.in:
			s.route(ctx, datagram)
		case <-s.retry.C:
			s.try(ctx)
		case r := <-h.results:
			if err := s.settle(r); err != nil {
				h.done(Outcome{Err: err})
				return
			}
		case <-s.over.C:
			h.done(Outcome{Err: s.timeout()})
			return
		}
	}
}

func (s *session) timeout() error {
	err := fmt.Errorf("%w: %w", ErrHandshake, context.DeadlineExceeded)
	if s.last != nil {
		err = fmt.Errorf("%w after %w", err, s.last)
	}
	if alert := s.alerted.Load(); alert != 0 {
		err = fmt.Errorf("%w; the peer may have said alert %d", err, alert)
	}
	return err
}

// try begins as a client.
func (s *session) try(ctx context.Context) {
	s.chosen = s.begin(ctx, &s.group, s.cert, nil, s.endpoint.config.Timeout)
	if s.chosen == nil {
		s.last = errTooMany
		s.retry.Reset(resend)
	}
}

// errTooMany says that Config.AtOnce was reached.
var errTooMany = errors.New("too many handshakes at once")

// errHello says that a client was heard with which nothing can be agreed on.
var errHello = errors.New("a hello with nothing in it that we take")

// route brings a datagram to the attempt that it is for.
func (s *session) route(ctx context.Context, datagram []byte) {
	if datagram = s.puzzle.add(datagram); datagram == nil {
		return
	}
	h, ok := parseHello(datagram)
	if s.chosen != nil {
		if !ok || s.chosen.repeats(h) {
			s.chosen.take(datagram)
		}
		return
	}
	if s.said.Client || !ok {
		return
	}
	if !s.begun {
		s.begun = true
		s.over.Reset(s.endpoint.config.Timeout)
	}
	switch {
	case !h.fits:
		s.last = errHello
	case len(h.cookie) == 0:
		s.greet(ctx, h, datagram)
	default:
		s.welcome(h, datagram)
	}
}

// greet lets the library ask for a cookie. Each client, told apart by what it
// drew at random, has an attempt of its own, so that a forger can't spoil that
// of the peer.
func (s *session) greet(ctx context.Context, h hello, datagram []byte) {
	for _, a := range s.waiting {
		if string(a.random) == string(h.random) {
			a.take(datagram)
			return
		}
	}
	if len(s.waiting) == candidates {
		oldest := s.waiting[0]
		if time.Since(oldest.born) < turn {
			return
		}
		oldest.end()
		s.waiting = slices.Delete(s.waiting, 0, 1)
	}
	a := s.begin(ctx, &s.group, s.cert, h.random, fresh)
	if a == nil {
		s.last = errTooMany
		return
	}
	s.waiting = append(s.waiting, a)
	a.take(datagram)
}

// welcome goes on with the client that has repeated its cookie, if that is one
// of those who wait.
func (s *session) welcome(h hello, datagram []byte) {
	i := slices.IndexFunc(s.waiting, func(a *attempt) bool { return a.repeats(h) })
	if i < 0 || !s.waiting[i].limit.Reset(s.endpoint.config.Timeout) {
		return // unknown, or its time is up
	}
	s.chosen = s.waiting[i]
	for _, a := range s.waiting {
		if a != s.chosen {
			a.end()
		}
	}
	s.waiting = nil
	s.chosen.take(datagram)
}

// settle takes what has come of an attempt. An error ends the handshake.
func (s *session) settle(r result) error {
	switch {
	case r.of != s.chosen:
		s.waiting = slices.DeleteFunc(s.waiting, func(a *attempt) bool { return a == r.of })
		return nil
	case r.outcome.Err == nil:
		s.finished.Store(true)
		s.over.Stop()
		s.done(r.outcome)
		return nil
	case errors.Is(r.outcome.Err, ErrFingerprint):
		// The peer has signed what we drew at random: it is no forger's
		// doing but that of whoever is on the way.
		return r.outcome.Err
	}
	s.chosen.end()
	s.last, s.chosen = r.outcome.Err, nil
	if s.said.Client {
		s.retry.Reset(resend)
	}
	return nil
}
