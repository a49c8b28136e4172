package sip

import (
	"context"
	"errors"
	"sync"
	"time"

	"gateway/adapters/sip/wire"
	"gateway/bridge"
)

const (
	enrollOp  = "register"
	leaveTime = 5 * time.Second // for the last REGISTER
)

var (
	_ bridge.Enroller = (*Adapter)(nil)

	errNoPeer = errors.New("there is no peer to register at")
	errTaken  = errors.New("the name is a line, an account, or registered already")
)

// CanEnroll says why nobody can be registered at the peer; "" if they can.
func (c *Config) CanEnroll() string {
	if c.Peer == "" {
		return "has no peer at which anybody could register"
	}
	return ""
}

// Enroll implements bridge.Enroller: a name is registered as a line is, with a
// Contact of its own. That it is not so for some time is no trouble of the
// adapter's.
func (a *Adapter) Enroll(e bridge.Enrolment, told func(error)) (leave func()) {
	engine := a.engine.Load()
	if engine == nil {
		told(&bridge.Error{Op: enrollOp, Cause: bridge.Unavailable, Retry: true, Err: errNotRunning})
		return func() {}
	}
	return engine.enroll(e, told)
}

// EnrollsFor implements bridge.Enroller.
func (a *Adapter) EnrollsFor(domain string) bool {
	host, ok := foldHost(domain)
	if !ok || a.set.peer == nil {
		return false
	}
	peer, _ := foldHost(a.set.peer.host)
	return host == peer || host == a.set.domain
}

// enrolled are the lines that others register at the peer. A name is a line's
// when the peer has taken its REGISTER: before that it is anybody's, whose
// credentials may be wrong.
type enrolled struct {
	mu    sync.Mutex       // guards all
	lines map[string]*line // by name, those that the peer has taken
	byTok map[string]*line // by the user of the Contact, all
}

// add adds a line that has still to be taken by the peer; false: the name is
// another's.
func (n *enrolled) add(l *line) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.lines[l.name] != nil {
		return false
	}
	if n.lines == nil {
		n.lines, n.byTok = map[string]*line{}, map[string]*line{}
	}
	n.byTok[l.token] = l
	return true
}

// taken gives a line its name; false: another's REGISTER was taken before.
func (n *enrolled) taken(l *line) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.byTok[l.token] != l {
		return true // it has just been left, and nobody is told any more
	}
	if n.lines[l.name] == nil {
		n.lines[l.name] = l
	}
	return n.lines[l.name] == l
}

func (n *enrolled) remove(l *line) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.lines[l.name] == l {
		delete(n.lines, l.name)
	}
	delete(n.byTok, l.token)
}

func (n *enrolled) all() []*line {
	n.mu.Lock()
	defer n.mu.Unlock()
	var all []*line
	for _, l := range n.byTok {
		all = append(all, l)
	}
	return all
}

// lineNamed is the line of a name, if others have registered it one that the peer has
// taken; nil if it is none.
func (e *engine) lineNamed(name string) *line {
	for _, l := range e.lines {
		if l.name == name {
			return l
		}
	}
	e.enrolled.mu.Lock()
	defer e.enrolled.mu.Unlock()
	return e.enrolled.lines[name]
}

// lineAt is the line whose Contact has that user; nil if it is none.
func (e *engine) lineAt(token string) *line {
	for _, l := range e.lines {
		if l.token == token {
			return l
		}
	}
	e.enrolled.mu.Lock()
	defer e.enrolled.mu.Unlock()
	return e.enrolled.byTok[token]
}

// enroll registers a name at the peer until leave is called.
func (e *engine) enroll(who bridge.Enrolment, told func(error)) (leave func()) {
	refuse := func(c bridge.Cause, err error) func() {
		told(&bridge.Error{Op: enrollOp, Cause: c, Err: err})
		return func() {}
	}
	if e.peer == nil {
		return refuse(bridge.Unsupported, errNoPeer)
	}
	host := who.Domain
	if host == "" {
		host = e.set.peer.host
	}
	name := e.set.named(who.User, host)
	if name == "" {
		return refuse(bridge.BadAddress, nil)
	}
	parsed, err := e.set.naming.Parse(name)
	if err != nil {
		return refuse(bridge.BadAddress, err)
	}
	l := newLine(name, lineSettings{name: parsed, user: who.Login, password: who.Password.Reveal()})
	if _, account := e.set.passwords[name]; account || e.set.hasLine(name) || !e.enrolled.add(l) {
		return refuse(bridge.Conflict, errTaken)
	}
	var stay stay
	tell := func(err error) {
		if err == nil && !e.enrolled.taken(l) {
			err = errTaken
			defer stay.end()
		}
		if !stay.over() {
			told(enrollError(err))
		}
	}
	if !e.spawn(func(within context.Context) {
		ctx, cancel := context.WithCancel(within)
		defer cancel()
		stay.endBy(cancel)
		e.keepLine(ctx, l, 0, tell)
	}) {
		e.enrolled.remove(l)
		return refuse(bridge.Unavailable, errNotRunning)
	}
	return func() {
		stay.end()
		e.enrolled.remove(l)
		e.spawn(func(within context.Context) {
			bye, done := context.WithTimeout(within, leaveTime)
			defer done()
			e.unregister(bye, l)
		})
	}
}

// A stay is how long a line is kept. The zero stay is not over.
type stay struct {
	mu     sync.Mutex // guards the rest
	ended  bool
	cancel context.CancelFunc // nil: nothing has begun
}

// endBy says what ends it.
func (s *stay) endBy(cancel context.CancelFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cancel = cancel; s.ended {
		cancel()
	}
}

func (s *stay) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended = true; s.cancel != nil {
		s.cancel()
	}
}

func (s *stay) over() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

func (s *settings) hasLine(name string) bool {
	_, ok := s.lines[name]
	return ok
}

// enrollError is what came of a REGISTER, in the bridge's words; nil for nil.
func enrollError(err error) error {
	if err == nil {
		return nil
	}
	var refused *registerError
	switch {
	case errors.As(err, &refused):
		cause := causeOf(refused.status)
		return &bridge.Error{Op: enrollOp, Cause: cause, Reason: wire.Phrase(refused.phrase), Retry: again(refused.status), Err: err}
	case errors.Is(err, errTaken):
		return &bridge.Error{Op: enrollOp, Cause: bridge.Conflict, Err: err}
	case errors.Is(err, errNoAnswer):
		return &bridge.Error{Op: enrollOp, Cause: bridge.GatewayTimeout, Retry: true, Err: err}
	}
	return &bridge.Error{Op: enrollOp, Cause: bridge.NoRoute, Retry: true, Err: err}
}
