package rtmp

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"gateway/adapters/rtmp/wire"
	"gateway/bridge"
)

// answerTime is how long a client may take to answer for a text. One that never
// answers is not waited for again, but for its connection's sign of life.
const answerTime = 3 * time.Second

// sendText is sendMessage(text), to the other side of the call, or
// sendMessage(address, text).
func (s *session) sendText(c wire.Command) error {
	if len(c.Args) > 1 {
		return s.sendPage(c)
	}
	to, ok := s.partner()
	if !ok {
		s.failed(c, "", &bridge.Error{Op: sendOp, Cause: bridge.NotFound, Reason: "there is no call to write to"})
		return nil
	}
	s.handOn(c, to, wire.Text(c.Arg(0)))
	return nil
}

// sendPage is sendPagingMessage(address, text).
func (s *session) sendPage(c wire.Command) error {
	party, err := s.address(wire.Text(c.Arg(0)))
	if err != nil {
		s.failed(c, wire.Text(c.Arg(0)), asError(err))
		return nil
	}
	s.handOn(c, party.user, wire.Text(c.Arg(1)))
	return nil
}

// partner is who is at the other end of the client's call in front.
func (s *session) partner() (string, bool) {
	p := s.house.hub.phoneOf(s)
	if p == nil {
		return "", false
	}
	return s.house.writable(p)
}

// writable is who is at the other end of a call, for texts; false: that is withheld.
func (h *house) writable(p *phone) (string, bool) {
	if p.leg.out && p.leg.inv.Private {
		return "", false
	}
	name, err := h.set.naming.Parse(p.partner().Name)
	return name.Main, err == nil
}

// handOn hands a text of the client's on, and answers for it when its fate is
// known.
func (s *session) handOn(c wire.Command, to, text string) {
	if text == "" || s.house.draws.Load() {
		cause := bridge.Malformed
		if text != "" {
			cause = bridge.Unavailable
		}
		s.failed(c, to, &bridge.Error{Op: sendOp, Cause: cause})
		return
	}
	m := bridge.Message{
		Kind: bridge.Text, From: bridge.Party{Address: s.house.address(s.name), Display: s.display},
		To: bridge.Party{Address: s.house.address(to)}, Bodies: []bridge.Body{{Text: strings.ToValidUTF8(text, "\ufffd")}},
		Hops: maxHops, Once: c.ID == 0, At: time.Now(),
	}
	s.house.bridge.Message(m, func(o bridge.Outcome, err error) {
		if err != nil {
			s.failed(c, to, asError(err))
			return
		}
		s.reply(c, o.String())
	})
}

// failed tells a client that its text was refused: by an error, or, if it does not
// expect an answer, by messageFailed(address, reason).
func (s *session) failed(c wire.Command, to string, e *bridge.Error) {
	text := statusText(e.Cause, e.Reason)
	if c.ID == 0 {
		s.call("messageFailed", to, text)
		return
	}
	s.cannot(c, e.Cause, e.Reason)
}

// textHandlers are the names by which NetStream.send carries a text.
var textHandlers = map[string]bool{"message": true, "sendMessage": true, "receivedMessage": true, "onMessage": true}

// data takes what a publisher says beside sound: a text for the other side of the
// call, by NetStream.send; metadata is nobody's concern.
func (s *session) data(m wire.Message) {
	st := s.stream(m.Stream)
	if st == nil || st.role != publishing || !s.pace.Allow() {
		return
	}
	d, err := wire.ParseData(m, s.conn.Limits().AMF)
	if err != nil {
		s.house.metrics.drop(dropForm)
		return
	}
	if !textHandlers[d.Name] || len(d.Args) == 0 || wire.Text(d.Args[0]) == "" {
		return
	}
	to, ok := s.partner()
	if st.line != nil {
		to, ok = st.line.key.name, !st.line.key.waits()
	}
	if ok {
		s.handOn(wire.Command{}, to, wire.Text(d.Args[0]))
	}
}

// sendMessage hands a text to an account's clients.
func (h *house) sendMessage(ctx context.Context, m bridge.Message) (bridge.Outcome, error) {
	name, err := h.set.naming.Parse(m.To.Name)
	if err != nil {
		return 0, &bridge.Error{Op: sendOp, Cause: bridge.BadAddress, Err: err}
	}
	all := h.hub.there(name.Main)
	switch {
	case ctx.Err() != nil:
		return 0, &bridge.Error{Op: sendOp, Cause: bridge.Timeout, Retry: true, Err: ctx.Err()}
	case len(all) == 0 && !h.set.known(name.Main):
		return 0, &bridge.Error{Op: sendOp, Cause: bridge.NotFound}
	case len(all) == 0:
		return 0, &bridge.Error{Op: sendOp, Cause: bridge.Unavailable, Reason: "not connected", Retry: true}
	}
	from := h.uri(m.From, false)
	switch m.Kind {
	case bridge.Text, bridge.Signal:
	case bridge.Failed:
		for _, s := range all {
			s.call("messageFailed", from, statusText(m.Cause, m.Reason))
		}
		return bridge.Taken, nil
	default:
		return 0, &bridge.Error{Op: sendOp, Cause: bridge.Unsupported, Err: fmt.Errorf("a message of kind %d", m.Kind)}
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	return h.deliver(ctx, all, m, from)
}

// A delivery is a text on its way to one client, with a ping behind it: who has answered
// that has been reached by the text as well.
type delivery struct {
	s      *session
	answer <-chan wire.Command
	back   <-chan struct{}
}

// deliver calls all clients of an account, and gives the best of their answers.
func (h *house) deliver(ctx context.Context, all []*session, m bridge.Message, from string) (bridge.Outcome, error) {
	var calls []delivery
	for _, s := range all {
		c := delivery{s: s}
		id, answer := s.asked.expect()
		defer s.asked.forget(id)
		c.answer = answer
		name, args := "receivedPagingMessage", []any{from, m.Body()}
		if who, ok := s.partner(); ok && who == mainOf(h, m.From) {
			name, args = "receivedMessage", args[1:]
		}
		if s.app.kind == appPhone { // mod_rtmp's have one function for whatever happens
			name, args = "event", []any{wire.Obj("Event-Name", "MESSAGE", "from", from, "_body", m.Body())}
		}
		if s.tryWrite(wire.Command{Name: name, ID: id, Args: args, AMF3: s.amf3}.Message()) != nil {
			continue
		}
		back, forget, err := s.conn.Ping()
		if err != nil {
			continue
		}
		defer forget()
		c.back = back
		calls = append(calls, c)
	}
	var best bridge.Outcome
	failure := errAway()
	for _, c := range calls {
		o, err := c.outcome(ctx)
		if best = max(best, o); err != nil {
			failure = err
		}
	}
	if best != 0 {
		return best, nil
	}
	return 0, failure
}

// outcome waits for what becomes of it: the client's answer, or, of one that gives
// none, that it was reached. A connection that is silent may be dead, and what was
// written to it lost.
func (c delivery) outcome(ctx context.Context) (bridge.Outcome, *bridge.Error) {
	if c.s.mute.Load() {
		select {
		case <-c.back:
			return bridge.Relayed, nil
		case answer, ok := <-c.answer:
			return answered(answer, ok)
		case <-ctx.Done():
			return 0, errAway()
		}
	}
	answer, err := await(ctx, c.answer)
	if ctx.Err() == nil || err == nil {
		return answered(answer, err == nil)
	}
	select {
	case <-c.back:
		c.s.mute.Store(true)
		return bridge.Relayed, nil
	default:
		return 0, errAway()
	}
}

// answered is what a client's answer says; not ok: it has gone.
func answered(c wire.Command, ok bool) (bridge.Outcome, *bridge.Error) {
	switch {
	case !ok:
		return 0, errAway()
	case c.Name == "_result":
		return bridge.Arrived, nil
	}
	return 0, refusedWith(c)
}

func mainOf(h *house, p bridge.Party) string {
	name, err := h.set.naming.Parse(p.Name)
	if err != nil {
		return ""
	}
	return name.Main
}

// errAway is for a client that went while it was being called.
func errAway() *bridge.Error {
	return &bridge.Error{Op: sendOp, Cause: bridge.Unavailable, Reason: "not connected", Retry: true}
}

// refusedWith reads an _error: "404 Not Found", or that there is no such function,
// as Flash says of a client without one.
func refusedWith(answer wire.Command) *bridge.Error {
	text := ""
	if o, ok := answer.Arg(0).(wire.Object); ok {
		text = wire.Text(o.Get("description"))
	} else {
		text = wire.Text(answer.Arg(0))
	}
	word, reason, _ := strings.Cut(text, " ")
	cause := bridge.Unsupported
	if _, err := strconv.Atoi(word); err == nil {
		cause = causeOf(text)
	}
	return &bridge.Error{Op: sendOp, Cause: cause, Reason: oneLine(reason, maxReason), Retry: cause.Passing()}
}
