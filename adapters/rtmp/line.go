package rtmp

import (
	"slices"

	"gateway/adapters/rtmp/wire"
	"gateway/bridge"
	"gateway/codec"
)

// A lineKey is an account, and whom it calls. An account that calls itself waits for
// calls.
type lineKey struct{ account, name string }

func (k lineKey) waits() bool { return k.account == k.name }

// A line is the far side of a call by URL: one stream that is published, and those
// that are played, by the same account under the same name. What is marked belongs
// to the hub; the rest to the leg's goroutine.
type line struct {
	house *house
	key   lineKey
	// The hub's lock guards these.
	publisher *stream
	players   []*stream
	leg       *leg // nil: there is no call
	placed    bool // the call has been tried
	over      bool
	display   string
	sent      []codec.Format // what the publisher sends, once that is known
}

var _ far = (*line)(nil)

// join adds a stream to its line. The error is a *bridge.Error.
func (h *hub) join(st *stream, key lineKey) error {
	h.mu.Lock()
	l := h.lines[key]
	if l == nil {
		l = &line{house: h.house, key: key, display: st.session.display}
		h.lines[key] = l
	}
	if st.role == publishing && l.publisher != nil {
		h.mu.Unlock()
		return &bridge.Error{Op: dialOp, Cause: bridge.Busy, Reason: "the name is published already"}
	}
	if st.role == publishing {
		l.publisher = st
	} else {
		l.players = append(l.players, st)
	}
	leg, fresh := l.leg, l.leg == nil && key.waits()
	h.mu.Unlock()
	st.session.mu.Lock()
	st.line = l
	st.session.mu.Unlock()
	if st.role == playing {
		name, _ := wire.SplitName(st.name)
		st.session.started(st, name)
	}
	switch {
	case leg != nil:
		l.joined(leg, st)
	case fresh:
		h.house.bridge.Changed(h.house.address(key.account))
	case st.role == playing && !key.waits():
		l.place()
	}
	return nil
}

// joined has a stream take part in the call that there is.
func (l *line) joined(leg *leg, st *stream) {
	if st.role == playing {
		st.hears(leg.sound)
	}
	leg.box.put(func() { leg.turn(l.wayNow()) })
}

// quit takes a stream off its line; with the last, the call ends.
func (l *line) quit(st *stream) {
	h := l.house.hub
	h.mu.Lock()
	if l.publisher == st {
		l.publisher = nil
	}
	l.players = slices.DeleteFunc(l.players, func(o *stream) bool { return o == st })
	empty := l.publisher == nil && len(l.players) == 0
	if empty && h.lines[l.key] == l {
		delete(h.lines, l.key)
	}
	leg := l.leg
	h.mu.Unlock()
	if leg != nil {
		leg.sound.deafen(st.session.conn, st.id)
		leg.box.put(func() {
			if !empty {
				leg.turn(l.wayNow())
				return
			}
			cause := bridge.Normal
			if !leg.taken {
				cause = bridge.Cancelled
			}
			leg.quit(cause)
		})
	}
	if empty && l.key.waits() {
		l.house.bridge.Changed(l.house.address(l.key.account))
	}
}

// way is which way the line goes. For callers that hold the hub's lock.
func (l *line) way() bridge.Dir { return bridge.Way(l.publisher != nil, len(l.players) > 0) }

func (l *line) wayNow() bridge.Dir {
	l.house.hub.mu.Lock()
	defer l.house.hub.mu.Unlock()
	return l.way()
}

// taste is what the line's clients have. For callers that hold the hub's lock.
func (l *line) taste() taste {
	t := taste{send: l.sent, hear: urlTaste().hear}
	if len(l.players) > 0 {
		t.hear = l.players[0].session.taste().hear
	}
	return t
}

// place begins the call of the line, once.
func (l *line) place() {
	h := l.house.hub
	h.mu.Lock()
	if l.placed || l.key.waits() || l.over {
		h.mu.Unlock()
		return
	}
	l.placed = true
	inv := bridge.Invite{
		From: bridge.Party{Address: l.house.address(l.key.account), Display: l.display},
		To:   bridge.Party{Address: l.house.address(l.key.name)}, Hops: maxHops,
	}
	leg := l.house.newLeg(inv, l, l.way(), l.taste())
	inv.ID = leg.id
	l.leg = leg
	players := slices.Clone(l.players)
	h.mu.Unlock()
	for _, st := range players {
		st.hears(leg.sound)
	}
	if err := l.house.begin(leg, inv); err != nil {
		l.ended(asError(err).Cause, asError(err).Reason)
	}
}

// begin offers the bridge a call of a client's. The error is a *bridge.Error.
func (h *house) begin(l *leg, inv bridge.Invite) error {
	if err := l.sound.open(inv.ID, l.heard); err != nil {
		return &bridge.Error{Op: dialOp, Cause: bridge.Constrained, Err: err}
	}
	inv.Offer = &bridge.Offer{Seq: 1, Desc: l.offering()}
	l.seq, l.open, l.streams = 1, true, inv.Offer.Desc
	err := h.bridge.Incoming(inv, func(ev bridge.Events) bridge.Leg {
		l.ev = ev
		if !l.start(func() {}) {
			ev.Post(bridge.Ended{Cause: bridge.Unavailable, Err: errNotRunning})
			l.sound.close()
			return bridge.NoLeg(l.id)
		}
		return l
	})
	if err != nil {
		l.sound.close()
		return asError(err)
	}
	return nil
}

// feed takes sound of the publisher's: with the first, it is known what can be
// offered, and the call begins.
func (l *line) feed(st *stream, p pulse) {
	h := l.house.hub
	h.mu.Lock()
	leg := l.leg
	if len(l.sent) == 0 || l.sent[0] != p.format {
		l.sent = []codec.Format{p.format}
	}
	h.mu.Unlock()
	if leg != nil {
		leg.sound.feed(st, p)
		return
	}
	l.place()
}

// dial implements far: whoever waits by URL takes every call.
func (l *line) dial(leg *leg) {
	l.house.hub.mu.Lock()
	players := slices.Clone(l.players)
	l.house.hub.mu.Unlock()
	for _, st := range players {
		st.hears(leg.sound)
	}
	leg.rings()
	leg.take()
	l.house.bridge.Changed(l.house.address(l.key.account))
}

// ring implements far: there is no way to say so by URL.
func (l *line) ring(bool) {}

// accepted implements far. Who has come while it rang is told of now.
func (l *line) accepted() { l.leg.want = l.wayNow() }

// held implements far.
func (l *line) held(bool) {}

// pressed implements far: there is no way to say so by URL.
func (l *line) pressed(rune) {}

// transferred implements far: nobody can ask for that by URL.
func (l *line) transferred(bridge.Cause) {}

// ended implements far: a line that has called is over with its call, one that waits
// for calls waits for the next.
func (l *line) ended(c bridge.Cause, reason string) {
	h := l.house.hub
	h.mu.Lock()
	leg := l.leg
	l.leg = nil
	players := slices.Clone(l.players)
	publisher := l.publisher
	if !l.key.waits() {
		l.over = true
		if h.lines[l.key] == l {
			delete(h.lines, l.key)
		}
	}
	h.mu.Unlock()
	if l.key.waits() {
		for _, st := range players {
			leg.sound.deafen(st.session.conn, st.id)
		}
		l.house.bridge.Changed(l.house.address(l.key.account))
		return
	}
	failed := leg == nil || !leg.taken
	for _, st := range players {
		if failed {
			st.session.status(st.id, "error", streamCode(false, c), statusText(c, reason))
		} else {
			_ = st.session.conn.Tell(wire.StreamEOF, st.id) // fails as what follows
			st.session.status(st.id, "status", codePlayOver, l.key.name)
			st.session.status(st.id, "status", codePlayStop, l.key.name)
		}
		st.session.finish()
	}
	if publisher != nil {
		if failed {
			publisher.session.status(publisher.id, "error", streamCode(true, c), statusText(c, reason))
		} else {
			publisher.session.status(publisher.id, "status", codeUnpublished, statusText(c, reason))
		}
		publisher.session.finish()
	}
}
