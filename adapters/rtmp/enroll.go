package rtmp

import (
	"errors"
	"time"

	"gateway/bridge"
)

// enrollTime is how long connect is held back for the answer of the peer.
const enrollTime = 10 * time.Second

// An enrolment is a name that is registered at a peer with the credentials that a
// client has shown. Clients that show the same share it. The hub's lock guards it.
type enrolment struct {
	password bridge.Secret
	users    int
	leave    func()
}

var errEnrollTime = errors.New("the peer has not answered in time")

// enroll registers somebody at the peer of one of the adapters, that to which the
// domain belongs, or the first, and waits for what comes of it.
func (s *session) enroll(who address, login string, password bridge.Secret, try attempt) error {
	hub := s.house.hub
	if hub.share(who.user, password) {
		s.house.tries.succeeded(try)
		s.enrolled(who.user)
		return nil
	}
	at := s.house.set.enroll[0]
	for _, name := range s.house.set.enroll {
		if who.domain != "" && s.house.bridge.EnrollsFor(name, who.domain) {
			at = name
			break
		}
	}
	user := login
	if party, ok := parseAddress(login); ok {
		user = party.user
	}
	told := make(chan error, 1)
	leave := s.house.bridge.Enroll(bridge.Enrolment{
		At: at, User: who.user, Domain: who.domain, Login: user, Password: password,
	}, func(err error) {
		select {
		case told <- err:
		default: // the first word counts; what comes later is for the adapter's own state
		}
	})
	err := s.answerOf(told)
	if err != nil {
		leave()
		if e := asError(err); e.Cause == bridge.Unauthorized || e.Cause == bridge.Forbidden || e.Cause == bridge.NotFound {
			s.house.tries.failed(try)
		}
		return err
	}
	s.house.tries.succeeded(try)
	hub.enroll(who.user, password, leave)
	s.enrolled(who.user)
	return nil
}

func (s *session) answerOf(told <-chan error) error {
	timer := time.NewTimer(enrollTime)
	defer timer.Stop()
	select {
	case err := <-told:
		return err
	case <-timer.C:
		return &bridge.Error{Op: loginOp, Cause: bridge.GatewayTimeout, Err: errEnrollTime}
	case <-s.house.stopped:
		return &bridge.Error{Op: loginOp, Cause: bridge.Unavailable, Err: errNotRunning}
	}
}

// enrolled notes who the client is; with its end, its part of the enrolment ends.
func (s *session) enrolled(name string) {
	s.proven(name)
	s.leave = func() { s.house.hub.unenroll(name) }
}

// share joins an enrolment that there is with the same password.
func (h *hub) share(name string, password bridge.Secret) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	e := h.enrolled[name]
	if e == nil || !same(e.password, password) {
		return false
	}
	e.users++
	return true
}

// enroll notes an enrolment; one that there was goes on with the new password, which
// the peer has just taken.
func (h *hub) enroll(name string, password bridge.Secret, leave func()) {
	h.mu.Lock()
	was := h.enrolled[name]
	e := &enrolment{password: password, users: 1, leave: leave}
	if was != nil {
		e.users += was.users
	}
	h.enrolled[name] = e
	h.mu.Unlock()
	if was != nil {
		was.leave()
	}
}

// unenroll is the end of one client's part.
func (h *hub) unenroll(name string) {
	h.mu.Lock()
	e := h.enrolled[name]
	if e != nil {
		e.users--
	}
	last := e != nil && e.users == 0
	if last {
		delete(h.enrolled, name)
	}
	h.mu.Unlock()
	if last {
		e.leave()
	}
}
