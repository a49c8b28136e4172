package bridge

import (
	"errors"
	"fmt"
)

// A Router knows every map: who lives where, and what they are called
// elsewhere. It is immutable and does nothing but think, and remember what it has thought,
// so any goroutine may use it without a lock; a reload makes another one.
type Router struct {
	adapters map[string]*space
	maps     []*mapping
	width    int // of the widest map: values in a match
	ways     knownWays
}

// A Target is one place that something goes to.
type Target struct {
	From Party // the sender as To's adapter shows it
	To   Party // one home of whom was addressed
	Hop  bool  // the word of the next hop counts as delivery there
}

// Words for the peer.
const (
	saysBadName   = "not a good address"
	saysNobody    = "nobody has that address"
	saysForbidden = "this sender may not write there"
	saysNameless  = "this sender has no name there"
	saysSelf      = "that is the sender's own address"
)

var (
	errAdapter  = errors.New("no such adapter")
	errNameless = errors.New("no map gives the sender a name there")
	errBorrowed = errors.New("the sender's name there is another party's home")
	errAstray   = errors.New("the sender's name there does not lead back")
	errSelf     = errors.New("it is the sender")
	errTwice    = errors.New("an earlier home is the same")
)

// Route finds the homes of whom to names, and what from is called where each
// of them is, in the order of the mapping file. Both names are in text form. A
// home that is the sender is left out, and one where the sender has no name.
// The error is an *Error, whose Cause is Malformed (a name is none),
// NotFound (no map takes it) or Forbidden. The targets are not to be changed.
func (r *Router) Route(from Party, to Address) ([]Target, error) {
	w := way{from, to}
	if targets, ok := r.ways.of(w); ok {
		return targets, nil
	}
	targets, _, err := r.route(from.Address, from, to)
	if err == nil {
		r.ways.note(w, targets)
	}
	return targets, err
}

// RouteCall is Route for a call that by asks for and in which from will talk:
// by must be let through to whom to names, and from is shown there. They are
// the same but where by has from's call transferred. Terms are those of the map.
func (r *Router) RouteCall(by Address, from Party, to Address) ([]Target, *Terms, error) {
	targets, m, err := r.route(by, from, to)
	if err != nil {
		return nil, nil, err
	}
	return targets, &m.terms, nil
}

func (r *Router) route(by Address, from Party, to Address) ([]Target, *mapping, error) {
	asks, err := r.locate(by)
	if err != nil {
		return nil, nil, nowhere("sender", err)
	}
	sender, err := r.locate(from.Address)
	if err != nil {
		return nil, nil, nowhere("sender", err)
	}
	dest, err := r.locate(to)
	if err != nil {
		return nil, nil, nowhere("recipient", err)
	}
	t, ok := r.take(&asks, dest)
	switch {
	case !ok:
		return nil, nil, routeError(NotFound, saysNobody, nil)
	case !t.allowed:
		return nil, nil, routeError(Forbidden, saysForbidden, fmt.Errorf("not in allow of [[map]] %d", t.m.number()))
	}
	display := sender.display(from.Display, make([]string, r.width))
	stops := r.stops(&sender, t)
	targets := make([]Target, 0, len(stops))
	for _, s := range stops {
		if s.err == nil {
			targets = append(targets, Target{
				From: Party{Address: s.shown.name.address(), Display: display},
				To:   Party{Address: s.home.address(), Display: t.m.name},
				Hop:  t.m.hop,
			})
		}
	}
	if len(targets) == 0 {
		return nil, nil, noStop(stops)
	}
	return targets, t.m, nil
}

func nowhere(who string, err error) *Error {
	err = fmt.Errorf("%s: %w", who, err)
	if errors.Is(err, errAdapter) {
		return routeError(NotFound, saysNobody, err)
	}
	return routeError(Malformed, saysBadName, err)
}

func routeError(c Cause, reason string, err error) *Error {
	return &Error{Op: "route", Cause: c, Reason: reason, Err: err}
}

// noStop says why none of stops is left.
func noStop(stops []stop) *Error {
	bad, self := 0, 0
	var errs []error
	for _, s := range stops {
		errs = append(errs, fmt.Errorf("%s: %w", s.place, s.err))
		switch {
		case s.malformed:
			bad++
		case errors.Is(s.err, errSelf):
			self++
		}
	}
	err := errors.Join(errs...)
	switch len(stops) {
	case bad:
		return routeError(Malformed, saysBadName, err)
	case self:
		return routeError(Forbidden, saysSelf, err)
	}
	return routeError(Forbidden, saysNameless, err)
}

// A spot is a name on an adapter, folded.
type spot struct {
	at   *space
	name Name
}

func (s spot) address() Address {
	return Address{Adapter: s.at.adapter, Name: s.at.naming.Text(s.name)}
}

// is reports whether two spots are the same, their Tails aside.
func (s spot) is(o spot) bool { return s.at == o.at && s.name.bare() == o.name.bare() }

// display is what people read of a sender: the name of the first of its maps
// that has one, else what it says of itself.
func (s spot) display(own string, b []string) string {
	for e := range s.at.home.match(s.name, b) {
		if e.m.name != "" {
			return e.m.name
		}
	}
	return own
}

func (r *Router) locate(a Address) (spot, error) {
	at, ok := r.adapters[a.Adapter]
	if !ok {
		return spot{}, errAdapter
	}
	name, err := at.naming.Parse(a.Name)
	if err != nil {
		return spot{}, err
	}
	return spot{at, name}, nil
}

// A taking is a map that takes something, and how.
type taking struct {
	m       *mapping
	as      *Pattern
	vals    []string // of the map's variables, by slot
	allowed bool
}

// take finds the first map that takes what sender addresses to dest. Without a
// sender, `from` and `allow` let everybody pass.
func (r *Router) take(sender *spot, dest spot) (taking, bool) {
	b, theirs := make([]string, r.width), []string(nil)
	for e := range dest.at.as.match(dest.name, b) {
		t := taking{m: e.m, as: e.p, vals: b, allowed: true}
		if sender == nil || len(e.m.from)+len(e.m.allow) == 0 {
			return t, true
		}
		if theirs == nil {
			theirs = make([]string, r.width)
		}
		if len(e.m.from) > 0 {
			p := admits(e.m.from, *sender, theirs)
			if p == nil {
				continue
			}
			e.m.borrow(p, b, theirs)
		}
		if len(e.m.allow) > 0 {
			p := admits(e.m.allow, *sender, theirs)
			if t.allowed = p != nil; t.allowed {
				e.m.borrow(p, b, theirs)
			}
		}
		return t, true
	}
	return taking{}, false
}

// A stop is one home of a taking, with the reason why nothing goes there.
type stop struct {
	place     place
	home      spot
	shown     identity
	err       error
	malformed bool // err is about the home's name itself
}

// stops looks at the homes of t one by one. Without a sender, it only names them.
func (r *Router) stops(sender *spot, t taking) []stop {
	stops := make([]stop, 0, len(t.m.homes))
	for _, h := range t.m.homes {
		s := stop{place: h}
		name, err := h.p.build(h.at.naming, t.vals)
		s.home = spot{h.at, name}
		switch {
		case err != nil:
			s.err, s.malformed = fmt.Errorf("home: %w", err), true
		case sender != nil && s.home.is(*sender):
			s.err = errSelf
		case goesTo(stops, s.home):
			s.err = errTwice
		case sender != nil:
			s.shown, s.err = r.identify(*sender, t, h.at)
		}
		stops = append(stops, s)
	}
	return stops
}

func goesTo(stops []stop, home spot) bool {
	for _, s := range stops {
		if s.err == nil && s.home == home {
			return true
		}
	}
	return false
}
