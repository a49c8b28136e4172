package sip

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"gateway/adapters/sip/dialog"
	"gateway/adapters/sip/sdp"
	"gateway/adapters/sip/wire"
	"gateway/bridge"
)

const (
	dialOp = "place a call"
	callOp = "take a call"
	maxCID = 128 // bytes of X-CID
	cid    = "X-CID"
)

var (
	_ bridge.Caller    = (*Adapter)(nil)
	_ bridge.Reentrant = (*Adapter)(nil)
)

// Reentrant implements bridge.Reentrant: legs tell of what has happened with no lock held,
// and put a command that comes meanwhile into their box.
func (a *Adapter) Reentrant() {}

// Dial implements bridge.Caller.
func (a *Adapter) Dial(inv bridge.Invite, ev bridge.Events) bridge.Leg {
	e := a.engine.Load()
	if e == nil {
		ev.Post(bridge.Ended{Cause: bridge.Unavailable, Err: errNotRunning})
		return bridge.NoLeg("")
	}
	if !e.crew.join() {
		ev.Post(bridge.Ended{Cause: bridge.Unavailable, Err: errNotRunning})
		return bridge.NoLeg("")
	}
	l := e.newLeg(newToken(), inv, ev)
	l.out = true
	l.do(l.dial)
	return l
}

// called takes an INVITE that begins a call to the bridge.
func (e *engine) called(x *exchange, c *dialog.Call) {
	inv, s, cause := e.read(x, c)
	if cause != 0 {
		e.turnAway(x, c, cause)
		return
	}
	err := e.h.Incoming(inv, func(events bridge.Events) bridge.Leg {
		if !e.crew.join() {
			c.Hangup()
			events.Post(bridge.Ended{Cause: bridge.Unavailable, Err: errNotRunning})
			return bridge.NoLeg("")
		}
		l := e.newLeg(c.ID(), inv, events)
		b := &branch{call: c, media: s}
		s.heard, s.call = l.heard, inv.ID
		l.branches, l.cur = []*branch{b}, b
		l.talk.begin(inv.Offer)
		e.legs.add(c, l)
		c.Own(l.ear(b))
		return l
	})
	if err == nil {
		return
	}
	wrong := new(bridge.Error)
	if !errors.As(err, &wrong) {
		wrong = &bridge.Error{Op: callOp, Cause: bridge.Internal, Err: err}
	}
	status := callStatusOf(wrong.Cause)
	fields := []wire.Field{reason(wrong.Cause)}
	if wrong.After > 0 {
		fields = append(fields, retryAfter(wrong.After))
	}
	c.Reject(status, phraseOr(wrong.Reason, status), fields...)
}

func phraseOr(text string, status int) string {
	if p := wire.Phrase(text); p != "" {
		return p
	}
	return phrases[status]
}

// turnAway refuses a call for what its INVITE says.
func (e *engine) turnAway(x *exchange, c *dialog.Call, cause bridge.Cause) {
	status := callStatusOf(cause)
	e.complain(x.f, x.m, status, phrases[status])
	c.Reject(status, phrases[status])
}

// read makes an Invite of an INVITE. A cause, if not 0, is the refusal.
func (e *engine) read(x *exchange, c *dialog.Call) (inv bridge.Invite, s *session, cause bridge.Cause) {
	inv = bridge.Invite{ID: callID(x.m), Hops: defaultHops}
	if mf := x.m.Request.MaxForwards(); mf != nil {
		inv.Hops = int(min(mf.Val(), 255))
	}
	var status int
	switch {
	case e.env.Media == nil:
		return inv, nil, bridge.Unsupported
	case inv.Hops == 0:
		return inv, nil, bridge.Looped
	}
	if inv.From, status = x.sender(); status != 0 {
		return inv, nil, causeOf(status)
	}
	if inv.To, status = x.recipient(); status != 0 {
		return inv, nil, causeOf(status)
	}
	inv.Forwarders = x.diverted()
	if other := c.Replaces(); other != nil {
		l := e.legs.of(other)
		if l == nil {
			return inv, nil, bridge.NotFound
		}
		inv.Replaces = l.id
	}
	s = newSession(e, inv.ID, c.Remote().Addr(), localOf(c.Path()), nil)
	sess := c.Session()
	if isWeb(x.f.network()) && (sess.Role != dialog.Offer || hasICE(sess.SDP)) {
		s.browse()
	}
	if sess.Role == dialog.Offer {
		d, err := s.read(sess.SDP)
		if err != nil {
			return inv, nil, bridge.NotAcceptable
		}
		inv.Offer = &bridge.Offer{Seq: 1, Desc: d}
	}
	return inv, s, 0
}

// hasICE reports whether an offer is one of ICE.
func hasICE(body []byte) bool {
	parsed, err := sdp.Parse(body)
	return err == nil && parsed.HasICE()
}

var errNoStream = errors.New("no stream that could be carried")

// read takes an offer of the other side's, unless nothing in it can be
// carried.
func (s *session) read(body []byte) (bridge.Description, error) {
	parsed, err := sdp.Parse(body)
	if err != nil {
		return nil, err
	}
	d, err := s.x.TakeOffer(parsed)
	if err != nil {
		return nil, err
	}
	first := len(s.tracks) == 0
	if first && !slices.ContainsFunc(d, func(st bridge.Stream) bool { return len(st.Formats) > 0 }) {
		s.withdraw()
		return nil, errNoStream
	}
	return d, nil
}

// callID is the origin's identity of a call: what an element before us has
// called it, else its Call-ID.
func callID(m *wire.Message) string {
	if v := m.Get(cid); v != "" && len(v) <= maxCID && wire.Token(strings.ReplaceAll(v, "@", "")) {
		return v
	}
	id := m.Get("Call-ID")
	if len(id) > maxRef {
		sum := sha256.Sum256([]byte(id))
		return hex.EncodeToString(sum[:])
	}
	return id
}
