package rtmp

import (
	"errors"
	"sync/atomic"
	"time"

	"gateway/adapters/rtmp/wire"
	"gateway/bridge"
)

// Bounds on what strangers make a peer be asked.
const (
	enrollTime  = 10 * time.Second // that connect is held back for the answer of the peer
	enrollTurns = 64               // that wait for the peer at once; others wait for them
	enrollRate  = 20               // a second
	enrollBurst = 200
)

// An enrolment is a name that is registered at a peer with the credentials that a
// client has shown. Clients that show the same share it. The hub's lock guards it.
type enrolment struct {
	as      bridge.Enrolment
	clients map[*session]bool
	leave   func()
	lost    bool // the peer does not want it any more
}

var (
	errEnrollTime = errors.New("the peer has not answered in time")
	errEnrollRate = errors.New("too many register")
	errLogin      = errors.New("the login is not that of the name")
	errOther      = errors.New("the name is that of somebody in another domain")
)

// enroll registers somebody at the peer, and waits for what comes of it. A name
// that is registered already is shared by whoever knows its password, and the
// peer is not asked: else a guess that it refuses would cost nothing.
func (s *session) enroll(who address, login string, password bridge.Secret, try attempt) error {
	user := login
	if party, ok := parseAddress(login); ok {
		user = party.user
	}
	if user != who.user && !s.house.set.otherLogins {
		s.house.tries.failed(try)
		return &bridge.Error{Op: loginOp, Cause: bridge.Unauthorized, Reason: "log in by your own name", Err: errLogin}
	}
	e := &enrolment{as: bridge.Enrolment{At: s.house.set.enroll[0], User: who.user, Login: user, Password: password}}
	if s.house.bridge.EnrollsFor(e.as.At, who.domain) { // else it is one of ours, which the peer does not know
		e.as.Domain = who.domain
	}
	there, err := s.house.hub.share(e.as, s)
	if !there {
		err = s.ask(e)
	}
	switch cause := asError(err).Cause; {
	case err == nil:
		s.house.tries.succeeded(try)
		s.proven(who.user)
	case refuses(cause):
		s.house.tries.failed(try)
	default:
		s.house.tries.spent(try.from)
	}
	return err
}

// refuses reports whether that is a peer's word that it does not know the name, or not
// with that password.
func refuses(c bridge.Cause) bool {
	return c == bridge.Unauthorized || c == bridge.Forbidden || c == bridge.NotFound
}

// ask asks the peer.
func (s *session) ask(e *enrolment) error {
	timer := time.NewTimer(enrollTime)
	defer timer.Stop()
	hub := s.house.hub
	if !hub.asks.Allow() {
		return &bridge.Error{Op: loginOp, Cause: bridge.Overloaded, Retry: true, Err: errEnrollRate}
	}
	select {
	case hub.turns <- struct{}{}:
		defer func() { <-hub.turns }()
	case <-timer.C:
		return &bridge.Error{Op: loginOp, Cause: bridge.Overloaded, Retry: true, Err: errEnrollRate}
	case <-s.house.stopped:
		return &bridge.Error{Op: loginOp, Cause: bridge.Unavailable, Err: errNotRunning}
	}
	told := make(chan error, 1)
	var heard atomic.Bool
	leave := s.house.bridge.Enroll(e.as, func(err error) {
		if !heard.Swap(true) {
			told <- err // it has room for one
			return
		}
		if err != nil && refuses(asError(err).Cause) {
			hub.lose(e, asError(err))
		}
	})
	err := s.answerOf(timer.C, told)
	there := false
	switch {
	case err == nil:
		there, err = hub.enroll(e, s, leave)
	case asError(err).Cause == bridge.Conflict: // perhaps with another client of the same name, which came first
		if joined, other := hub.share(e.as, s); joined {
			err = other
		}
	}
	if !there {
		leave()
	}
	return err
}

func (s *session) answerOf(late <-chan time.Time, told <-chan error) error {
	select {
	case err := <-told:
		return err
	case <-late:
		return &bridge.Error{Op: loginOp, Cause: bridge.GatewayTimeout, Err: errEnrollTime}
	case <-s.house.stopped:
		return &bridge.Error{Op: loginOp, Cause: bridge.Unavailable, Err: errNotRunning}
	}
}

// share joins the enrolment of a name; there: there is one. The error is a
// *bridge.Error.
func (h *hub) share(as bridge.Enrolment, s *session) (there bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	e := h.enrolled[as.User]
	if e == nil {
		return false, nil
	}
	return true, e.admit(as, s)
}

// admit lets a client share it. For callers that hold the hub's lock.
func (e *enrolment) admit(as bridge.Enrolment, s *session) error {
	switch {
	case !same(e.as.Password, as.Password) || e.as.Login != as.Login:
		return &bridge.Error{Op: loginOp, Cause: bridge.Unauthorized, Err: errSecret}
	case e.as.Domain != as.Domain && e.as.Domain != "" && as.Domain != "":
		return &bridge.Error{Op: loginOp, Cause: bridge.Conflict, Err: errOther}
	}
	e.clients[s] = true
	s.leave = func() { s.house.hub.unenroll(e, s) }
	return nil
}

// enroll notes an enrolment that the peer has taken. Where another client came
// first it is shared, and this one is not kept.
func (h *hub) enroll(e *enrolment, s *session, leave func()) (kept bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if e.lost {
		return false, &bridge.Error{Op: loginOp, Cause: bridge.Unauthorized, Err: errSecret}
	}
	if was := h.enrolled[e.as.User]; was != nil {
		return false, was.admit(e.as, s)
	}
	e.leave, e.clients = leave, map[*session]bool{}
	h.enrolled[e.as.User] = e
	return true, e.admit(e.as, s)
}

// unenroll is the end of one client's part.
func (h *hub) unenroll(e *enrolment, s *session) {
	h.mu.Lock()
	delete(e.clients, s)
	last := len(e.clients) == 0 && h.enrolled[e.as.User] == e
	if last {
		delete(h.enrolled, e.as.User)
	}
	h.mu.Unlock()
	if last {
		e.leave()
	}
}

// lose ends an enrolment that the peer has taken and refuses now, with its clients'
// connections.
func (h *hub) lose(e *enrolment, why *bridge.Error) {
	h.mu.Lock()
	e.lost = true
	there := h.enrolled[e.as.User] == e
	var clients []*session
	if there {
		delete(h.enrolled, e.as.User)
		for s := range e.clients {
			clients = append(clients, s)
		}
	}
	h.mu.Unlock()
	if !there {
		return
	}
	e.leave()
	h.house.noise.Do(func() {
		h.house.log.Info("the peer refuses who is logged in", "account", e.as.User, "cause", why.Cause)
	})
	for _, s := range clients {
		s.write(wire.Command{Name: "onStatus", Args: []any{
			wire.Obj("level", "error", "code", codeRejected, "description", statusText(why.Cause, why.Reason)),
		}}.Message())
		s.finish()
	}
}
