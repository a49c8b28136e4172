package rtmp

import (
	"sync"

	"gateway/bridge"
	"gateway/codec"
)

// A phone is the far side of a call by commands: that of one client, or, as long as
// it rings, those of all clients of an account. machine.go says what happens; a
// tongue, how it is said. Clients are released before they are told, for they
// may begin the next call at once.
type phone struct {
	house *house
	name  string // the account
	leg   *leg
	told  []*session // that have the call; the hub's lock guards it

	mu    sync.Mutex // guards the rest: clients and the leg's goroutine have their say
	stage stage
	from  string // who calls, and who is called, as clients are told
	to    string
	rang  bool // progress with sound has been told
	list  bool // the client has said which formats it has
}

var _ far = (*phone)(nil)

func newPhone(h *house, name string, s stage) *phone {
	return &phone{house: h, name: name, stage: s}
}

// step gives the machine an input and gives what is to be done.
func (p *phone) step(in input) (was stage, do deed) {
	p.mu.Lock()
	defer p.mu.Unlock()
	was = p.stage
	m := next(was, in)
	p.stage = m.to
	return was, m.deeds
}

// has reports whether a deed is among those to be done.
func (d deed) has(one deed) bool { return d&one != 0 }

// dial implements far: the clients are told.
func (p *phone) dial(l *leg) {
	p.from, p.to = p.house.uri(l.inv.From, l.inv.Private), p.house.uri(l.inv.To, false)
	for _, s := range p.sessions() {
		s.tongue().invited(s, p)
	}
	p.house.bridge.Changed(p.house.address(p.name))
	l.rings()
}

func (p *phone) sessions() []*session {
	h := p.house.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]*session(nil), p.told...)
}

// owner is the client whose call it is; nil if there is none, or not yet.
func (p *phone) owner() *session {
	if all := p.sessions(); len(all) == 1 {
		return all[0]
	}
	return nil
}

// ring implements far.
func (p *phone) ring(early bool) {
	_, do := p.step(inRing)
	s := p.owner()
	if s == nil || !do.has(tellRinging) {
		return
	}
	if early {
		s.speaksIn(p)
	}
	if !p.rang {
		p.rang = early
		s.tongue().ringing(s, p, early)
	}
}

// accepted implements far.
func (p *phone) accepted() {
	_, do := p.step(inTaken)
	s := p.owner()
	if s == nil || !do.has(tellAccepted) {
		return
	}
	front := s.speaksIn(p)
	s.tongue().accepted(s, p, front)
	if !front {
		p.hold(true) // the client has turned to another call meanwhile
	}
}

// accept takes the call for one client, by the first word.
func (p *phone) accept(by *session) {
	_, do := p.step(inAccept)
	if !do.has(takeCall) {
		return
	}
	for _, s := range p.house.hub.take(p, by) {
		s.tongue().cancelled(s, p)
	}
	p.leg.sound.setTaste(by.taste())
	by.toFront(p)
	by.speaksIn(p)
	p.leg.take()
	if !p.leg.over {
		by.tongue().accepted(by, p, true)
	}
}

// refuse is a client that does not take the call, or ends it.
func (p *phone) refuse(by *session, in input, c bridge.Cause) {
	p.mu.Lock()
	rings := p.stage == invited
	p.mu.Unlock()
	if rings && c != bridge.Declined && len(p.sessions()) > 1 {
		p.house.hub.release(p, by)
		return // it rings on elsewhere
	}
	was, do := p.step(in)
	if !do.has(endCall) {
		return
	}
	switch was {
	case talking:
		c = bridge.Normal
	case placing, ringing:
		c = bridge.Cancelled
	case invited:
		for _, s := range p.house.hub.take(p, by) {
			s.tongue().cancelled(s, p)
		}
	}
	p.leg.quit(c)
}

// gone is the end of a client's connection.
func (p *phone) gone(s *session) {
	p.leg.box.put(func() { p.refuse(s, inGone, bridge.Unavailable) })
}

// held implements far.
func (p *phone) held(on bool) {
	if _, do := p.step(inHeld); do.has(tellHeld) {
		if s := p.owner(); s != nil {
			s.tongue().held(s, p, on)
		}
	}
}

// pressed implements far.
func (p *phone) pressed(r rune) {
	if _, do := p.step(inKey); do.has(tellKey) {
		if s := p.owner(); s != nil {
			s.tongue().pressed(s, p, r)
		}
	}
}

// transferred implements far: the end of the call follows, if it is done.
func (p *phone) transferred(c bridge.Cause) {
	if s := p.owner(); s != nil && c != 0 {
		s.tongue().untransferred(s, p, c)
	}
}

// ended implements far.
func (p *phone) ended(c bridge.Cause, reason string) {
	was, do := p.step(inEnded)
	for _, s := range p.sessions() {
		to, turned := s.leaves(p)
		if turned && (p.leg.taken || !p.leg.out) { // else it only rang there
			s.tongue().turned(s, to)
		}
		if do.has(tellOver) {
			s.tongue().over(s, p, was, c, reason)
		} else {
			s.tongue().hungUp(s, p, c)
		}
	}
	p.house.bridge.Changed(p.house.address(p.name))
}

// hold has the client's side go one way only, or both again.
func (p *phone) hold(on bool) {
	if _, do := p.step(inHold); do.has(passHold) {
		way := bridge.SendReceive
		if on {
			way = bridge.SendOnly
		}
		p.leg.turn(way)
	}
}

// digit passes a key on.
func (p *phone) digit(r rune) {
	if _, do := p.step(inDigit); do.has(passDigit) {
		p.leg.press(r)
	}
}

// uri is a party as siprtmp's clients are told of it.
func (h *house) uri(p bridge.Party, private bool) string {
	if private {
		return `"Anonymous" <sip:anonymous@anonymous.invalid>`
	}
	name, err := h.set.naming.Parse(p.Name)
	uri := "sip:" + name.Main
	if err != nil {
		uri = "sip:" + p.Name
	}
	if d := oneLine(p.Display, maxDisplay); d != "" {
		return `"` + d + `" <` + uri + `>`
	}
	return uri
}

// The tokens for formats in siprtmp's invite and accept. Of ulaw and alaw Flash has
// Speex: they say what the other side may have.
var tokens = map[string][]codec.Format{
	"wideband": {speexWide}, "narrowband": {speexNarrow}, "pcmu": {pcmu}, "pcma": {pcma}, "ulaw": {speexWide}, "alaw": {speexWide},
}

// choose notes which formats a client has for the call that begins.
func (s *session) choose(args []any) (listed bool) {
	var t taste
	for _, a := range args {
		word, _ := a.(string)
		for _, f := range tokens[word] {
			if !(taste{hear: t.hear}).native(f) {
				t.hear = append(t.hear, f)
			}
		}
		listed = listed || word != ""
	}
	if len(t.hear) > 0 {
		t.send, t.strict = t.hear, true
		s.mu.Lock()
		s.liking = t
		s.mu.Unlock()
	}
	return listed
}
