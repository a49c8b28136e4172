package sip

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"gateway/adapters/sip/dialog"
	"gateway/adapters/sip/sdp"
	"gateway/bridge"
)

// A negotiation is what a leg and the bridge have said to each other of the
// session.
type negotiation struct {
	seq    uint32   // of the last offer that the bridge was told of
	theirs openness // of that offer
	fork   string   // its dialog's remote tag
	// ours is the bridge's offer under way; own: it is our own.
	ours bool
	own  bool
	mine bridge.Offer
	// body is our first description, until Accept sends it.
	body []byte
	// told is what the bridge has last described, as far as it was agreed on;
	// heard is what it was told.
	told, heard bridge.Description
	// before is what was heard before the offer that is open.
	before bridge.Description
}

// openness says where the answer to an offer of the other side's goes.
type openness uint8

const (
	closed     openness = iota // there is none open
	inInvite                   // into the responses to the INVITE
	inAck                      // into the ACK
	inDialog                   // to where it came in
	afterwards                 // it has been answered already: what differs is offered anew
	takenBack                  // nowhere: who has made it has taken it back, which the bridge does not know
)

// begin takes note of the offer in an INVITE, if there is one.
func (n *negotiation) begin(o *bridge.Offer) {
	if o != nil {
		n.offered(o.Seq, "", inInvite, o.Desc)
	}
}

func (n *negotiation) offered(seq uint32, fork string, where openness, d bridge.Description) {
	n.seq, n.fork, n.theirs, n.before, n.heard = seq, fork, where, n.heard, d
}

// next opens another offer of the other side's.
func (n *negotiation) next(fork string, where openness, d bridge.Description) bridge.Offered {
	n.offered(n.seq+1, fork, where, d)
	return bridge.Offered{Offer: bridge.Offer{Seq: n.seq, Desc: d}}
}

// narrow is what was offered, as far as the answer takes it.
func narrow(offered, answer bridge.Description) bridge.Description {
	var all bridge.Description
	for _, st := range offered {
		i := slices.IndexFunc(answer, func(a bridge.Stream) bool { return a.ID == st.ID })
		if i < 0 {
			continue
		}
		kept := st
		kept.Formats = nil
		for _, f := range st.Formats {
			if slices.ContainsFunc(answer[i].Formats, f.Same) {
				kept.Formats = append(kept.Formats, f)
			}
		}
		all = append(all, kept)
	}
	return all
}

// willing is told with the ways that the other side had left no room for: what
// can be offered to somebody who asks for an offer.
func willing(told, heard bridge.Description) bridge.Description {
	all := slices.Clone(told)
	for i := range all {
		j := slices.IndexFunc(heard, func(h bridge.Stream) bool { return h.ID == all[i].ID })
		if j < 0 {
			continue
		}
		mine, theirs := all[i].Dir, heard[j].Dir
		all[i].Dir = bridge.Way(mine.Sends() || !theirs.Hears(), mine.Hears() || !theirs.Sends())
	}
	return all
}

// offer is the command: the bridge proposes o.
func (l *leg) offer(o bridge.Offer) {
	n := &l.talk
	switch {
	case l.cur == nil || n.theirs != closed || n.ours:
		l.post(bridge.Refused{Seq: o.Seq, Cause: bridge.Conflict})
		return
	case !l.out && !l.accepted: // the INVITE had no offer
		s, err := l.cur.media.x.MakeOffer(o.Desc, l.cur.media.locate)
		if err != nil {
			l.unoffered(o.Seq, err)
			return
		}
		n.body, n.ours, n.own, n.mine = s.Bytes(), true, false, o
		return
	}
	l.propose(o, false)
}

// propose sends an offer within the dialog. own: the bridge knows nothing of
// it.
func (l *leg) propose(o bridge.Offer, own bool) {
	n, b := &l.talk, l.cur
	s, err := b.media.x.MakeOffer(o.Desc, b.media.locate)
	if err == nil {
		err = b.call.Offer(s.Bytes())
	}
	if err == nil {
		n.ours, n.own, n.mine = true, own, o
		return
	}
	if own {
		b.media.withdraw()
		l.logger().Info("renegotiation given up", "err", err)
		return
	}
	l.unoffered(o.Seq, err)
}

// unoffered tells the bridge that its offer has got nowhere.
func (l *leg) unoffered(seq uint32, err error) {
	cause := refusalOf(err).cause
	if errors.Is(err, dialog.ErrGlare) || errors.Is(err, dialog.ErrNotYet) {
		cause = bridge.Conflict
	}
	l.cur.media.withdraw()
	l.logger().Info("offer not made", "cause", cause, "err", err)
	l.post(bridge.Refused{Seq: seq, Cause: cause})
}

// answered takes the answer to an offer of ours.
func (l *leg) answered(b *branch, ev dialog.Answered) {
	n := &l.talk
	parsed, err := sdp.Parse(ev.SDP)
	var d bridge.Description
	var agreed []sdp.Agreed
	switch {
	case err != nil:
		err = fmt.Errorf("%w: %w", sdp.ErrAnswer, err)
	case ev.Refresh:
		d, agreed, err = b.media.x.TakeRepeat(parsed)
	default:
		d, agreed, err = b.media.x.TakeAnswer(parsed)
	}
	if err != nil {
		// The other side believes in something that we can't do.
		l.logger().Info("answer not taken", "err", err)
		l.hangup(refusalOf(err).cause)
		return
	}
	l.post(b.media.settle(agreed)...)
	if ev.Refresh || n.own {
		n.ours, n.own = false, false
		if !ev.Refresh {
			n.told = narrow(n.mine.Desc, d)
		}
		if !reflect.DeepEqual(d, n.heard) && n.theirs == closed {
			l.post(n.next(ev.Fork, afterwards, d))
		}
		return
	}
	n.ours = false
	n.told, n.heard = narrow(n.mine.Desc, d), d
	l.post(bridge.Answered{Seq: n.mine.Seq, Desc: d})
}

// refused: our offer was not taken.
func (l *leg) refused(b *branch, ev dialog.Refused) {
	n := &l.talk
	b.media.withdraw()
	own := n.own
	n.ours, n.own = false, false
	if own {
		return
	}
	cause := bridge.Timeout
	if ev.Status != 0 {
		cause = causeOf(ev.Status)
	}
	l.post(bridge.Refused{Seq: n.mine.Seq, Cause: cause})
}

// proposed takes an offer of the other side's within the dialog, or the wish for
// one of ours.
func (l *leg) proposed(b *branch, ev dialog.Offered) {
	n := &l.talk
	if n.theirs != closed || n.ours || b != l.cur {
		_ = b.call.Refuse(ev.Fork, 491, phrases[491]) // fails only if the call is over
		return
	}
	if ev.Session.Role == dialog.NoSession {
		l.invited(b, ev.Fork)
		return
	}
	d, err := b.media.read(ev.Session.SDP)
	if err != nil {
		l.logger().Info("offer not understood", "err", err)
		_ = b.call.Refuse(ev.Fork, 488, phrases[488])
		return
	}
	l.post(n.next(ev.Fork, inDialog, d))
}

// invited answers the wish for an offer with what the bridge's side can.
func (l *leg) invited(b *branch, fork string) {
	n := &l.talk
	o := bridge.Offer{Desc: willing(n.told, n.heard)}
	s, err := b.media.x.MakeOffer(o.Desc, b.media.locate)
	if err == nil {
		err = b.call.Answer(fork, s.Bytes())
	}
	if err != nil {
		b.media.withdraw()
		_ = b.call.Refuse(fork, 488, phrases[488])
		return
	}
	n.ours, n.own, n.mine = true, true, o
}

// answer is the command: the bridge takes the offer seq.
func (l *leg) answer(seq uint32, d bridge.Description) {
	n, b := &l.talk, l.cur
	if b == nil || seq != n.seq || n.theirs == closed {
		return
	}
	switch n.theirs {
	case afterwards:
		n.theirs = closed
		if !reflect.DeepEqual(d, n.told) {
			l.propose(bridge.Offer{Desc: d}, true)
		}
		return
	case takenBack:
		l.goBack()
		return
	}
	s, agreed, err := b.media.x.MakeAnswer(d, b.media.locate)
	if err != nil {
		l.unanswered(err)
		return
	}
	if n.theirs == inInvite {
		n.told = d
		l.post(b.media.settle(agreed)...) // before anything can come
		n.body = s.Bytes()                // until the call is accepted it may change
		return
	}
	if err := b.call.Commit(n.fork); err != nil {
		l.logger().Info("answer came too late", "err", err)
		b.media.undo()
		l.goBack()
		return
	}
	n.told, n.theirs = d, closed
	l.post(b.media.settle(agreed)...)
	_ = b.call.Answer(n.fork, s.Bytes()) // fails only if the call is over
}

// withdrawn: the other side has taken back what it has offered. The bridge is
// at it and can't be stopped, but what it will answer is not in force.
func (l *leg) withdrawn(ev dialog.Withdrawn) {
	if n := &l.talk; n.theirs == inDialog && n.fork == ev.Fork {
		n.theirs = takenBack
		l.cur.media.withdraw()
	}
}

// goBack tells the bridge, which has answered an offer that was taken back, that all is
// as it was before (RFC 3261 section 14.1).
func (l *leg) goBack() { l.post(l.talk.next(l.talk.fork, afterwards, l.talk.before)) }

// unanswered: what the bridge has answered can't be said here.
func (l *leg) unanswered(err error) {
	n, b := &l.talk, l.cur
	l.logger().Info("answer not made", "err", err)
	if n.theirs != inDialog {
		l.hangup(refusalOf(err).cause)
		return
	}
	n.theirs, n.heard = closed, n.before
	b.media.withdraw()
	_ = b.call.Refuse(n.fork, 488, phrases[488]) // fails only if the call is over
}

// refusalStatus is what an offer within a dialog is refused with: nothing that
// would end the dialog (RFC 3261 section 12.2.1.2).
func refusalStatus(c bridge.Cause) int {
	switch c {
	case bridge.Conflict:
		return 491
	case bridge.Timeout, bridge.GatewayTimeout:
		return 504
	case bridge.Internal, bridge.Constrained, bridge.Unavailable:
		return 500
	default:
		return 488
	}
}

// refuse is the command: the bridge does not take the offer seq.
func (l *leg) refuse(seq uint32, c bridge.Cause) {
	n, b := &l.talk, l.cur
	if b == nil || seq != n.seq {
		return
	}
	switch n.theirs {
	case inInvite, inAck:
		l.hangup(c)
	case takenBack:
		n.theirs, n.heard = closed, n.before
	case inDialog:
		n.theirs, n.heard = closed, n.before
		b.media.withdraw()
		status := refusalStatus(c)
		_ = b.call.Refuse(n.fork, status, phrases[status])
	case afterwards:
		n.theirs = closed
		l.propose(bridge.Offer{Desc: n.told}, true)
	}
}
