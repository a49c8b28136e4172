//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"

	. "gateway/internal/peer"
)

// What most calls have in common, of the side that calls and of the one that is
// called.

func asks(headers ...string) CallStep { return Steps(Invite(headers...), Maybe(100)) }

func isTaken() CallStep { return Steps(Expect(200, "m=audio"), Ack("")) }

func ends() CallStep { return Steps(Request("BYE", ""), Expect(200)) }

func isEnded() CallStep { return Steps(ExpectRequest("BYE"), Answer(200)) }

func rings() CallStep { return Steps(ExpectRequest("INVITE", "m=audio"), Answer(180)) }

func takes() CallStep { return Steps(Describe(200), ExpectRequest("ACK")) }

// talks is a call that the caller ends, with steps in the middle.
func callerTalks(middle ...CallStep) CallStep {
	return Steps(asks(), Expect(180), isTaken(), Steps(middle...), ends())
}

func calleeTalks(middle ...CallStep) CallStep {
	return Steps(rings(), takes(), Steps(middle...), isEnded())
}

func is(steps ...CallStep) []CallStep { return steps }

var (
	held     = SDP{Version: 1, Dir: "sendonly"}
	holding  = SDP{Version: 1, Dir: "recvonly"}
	resumed  = SDP{Version: 2}
	foreign  = SDP{Version: 1, Media: "RTP/AVP 18\na=rtpmap:18 G729/8000"}
	noEvents = SDP{Media: "RTP/AVP 0\na=rtpmap:0 PCMU/8000"}
	key5     = "Signal=5\r\nDuration=160\r\n"
)

const isRelay = "Content-Type: application/dtmf-relay"

// A scenario is a call from the left to the right.
type scenario struct {
	name           string
	caller, callee []CallStep
	sdp            SDP
	old            bool
	cue            func(w *callWorld, from, to string) error // gives the sides theirs, nil: they wait for none
}

// cueAfter gives the side of a user on one trunk its cue when a message of the call has
// passed the other, or the same.
func (w *callWorld) cueAfter(trunk *Trunk, passed func(TrunkMessage) bool, of, to string, at *Trunk) error {
	_, err := trunk.Wait(w.ctx, func(m TrunkMessage) bool {
		return passed(m) && strings.Contains(m.Header("To")+m.Header("From"), "sip:"+to+"@")
	})
	if err != nil {
		return err
	}
	return at.Cue(of)
}

var scenarios = []scenario{
	{name: "the caller ends it", caller: is(callerTalks()), callee: is(calleeTalks())},
	{
		name:   "the callee ends it",
		caller: is(asks(), Expect(180), isTaken(), isEnded()),
		callee: is(rings(), takes(), ends()),
	},
	{
		name:   "late offer",
		caller: is(InviteWith(""), Maybe(100), Maybe(180), Expect(200, "m=audio"), Ack(SDP{}.String()), ends()),
		callee: is(ExpectRequest("INVITE", "Content-Length: 0"), Answer(180), Describe(200), ExpectRequest("ACK", "m=audio"), isEnded()),
	},
	{
		name:   "early media",
		caller: is(asks(), Expect(183, "m=audio"), isTaken(), ends()),
		callee: is(ExpectRequest("INVITE"), Describe(183), takes(), isEnded()),
	},
	{
		name:   "forks that ring, one of which answers",
		caller: is(asks(), Maybe(180), Maybe(183), isTaken(), ends()),
		callee: is(ExpectRequest("INVITE"), AnswerInvite("a", 180, ""), AnswerInvite("b", 183, SDP{}.String()), AnswerInvite("c", 180, ""),
			AnswerInvite("b", 200, SDP{}.String()), ExpectRequest("ACK", "To: [[:print:]]*b[[:cntrl:]]"), ExpectRequest("BYE", "To: [[:print:]]*b[[:cntrl:]]"), Answer(200)),
	},
	{
		name:   "two forks that answer, one of which is ended",
		caller: is(asks(), isTaken(), Cue(), ends()),
		callee: is(ExpectRequest("INVITE"), AnswerInvite("a", 200, SDP{}.String()), ExpectRequest("ACK", "To: [[:print:]]*a[[:cntrl:]]"),
			AnswerInvite("b", 200, SDP{}.String()), ExpectRequest("ACK", "To: [[:print:]]*b[[:cntrl:]]"), ExpectRequest("BYE", "To: [[:print:]]*b[[:cntrl:]]"), Answer(200),
			ExpectRequest("BYE", "To: [[:print:]]*a[[:cntrl:]]"), Answer(200)),
		cue: func(w *callWorld, from, to string) error { // when the other is ended
			ended := func(m TrunkMessage) bool { return m.ToGateway && m.Code() == 200 && m.Method() == "BYE" }
			return w.cueAfter(w.right, ended, from, to, w.left)
		},
	},
	{
		name:   "the callee's provisional answer is reliable",
		caller: is(asks(), Expect(183, "m=audio"), isTaken(), ends()),
		callee: is(ExpectRequest("INVITE", "(Supported|Require):[[:print:]]*100rel"), Describe(183, "Require: 100rel", "RSeq: 41"),
			ExpectRequest("PRACK", "RAck: 41 [0-9]+ INVITE"), Answer(200), AnswerInvite("", 200, ""), ExpectRequest("ACK"), isEnded()),
	},
	{
		name:   "the caller wants reliable provisional answers",
		caller: is(asks("Require: 100rel"), ExpectReliable(180), Prack(""), Expect(200), ExpectInvite(200, "m=audio"), Ack(""), ends()),
		callee: is(rings(), Cue(), takes(), isEnded()),
		cue: func(w *callWorld, _, to string) error {
			acknowledged := func(m TrunkMessage) bool { return !m.ToGateway && m.Code() == 200 && m.Method() == "PRACK" }
			return w.cueAfter(w.left, acknowledged, to, to, w.right)
		},
	},
	{
		name: "the caller holds and resumes",
		caller: is(callerTalks(
			InviteWith(held.String()), Maybe(100), Expect(200, "a=recvonly"), Ack(""),
			InviteWith(resumed.String()), Maybe(100), Expect(200, "m=audio"), Ack(""))),
		callee: is(calleeTalks(
			ExpectRequest("INVITE", "a=sendonly"), AnswerInvite("", 200, holding.String()), ExpectRequest("ACK"),
			ExpectRequest("INVITE", "m=audio"), AnswerInvite("", 200, resumed.String()), ExpectRequest("ACK"))),
	},
	{
		name: "the callee holds",
		caller: is(callerTalks(
			ExpectRequest("INVITE", "a=sendonly"), AnswerInvite("", 200, holding.String()), ExpectRequest("ACK"))),
		callee: is(calleeTalks(InviteWith(held.String()), Maybe(100), Expect(200, "a=recvonly"), Ack(""))),
	},
	{
		name:   "UPDATE holds",
		caller: is(callerTalks(Request("UPDATE", held.String()), Expect(200, "a=recvonly"))),
		callee: is(calleeTalks(ExpectRequest("INVITE", "a=sendonly"), AnswerInvite("", 200, holding.String()), ExpectRequest("ACK"))),
	},
	{
		name:   "UPDATE without a body",
		caller: is(callerTalks(Request("UPDATE", ""), Expect(200))),
		callee: is(calleeTalks()),
	},
	{
		name:   "what is offered later is refused, and the call goes on",
		caller: is(callerTalks(InviteWith(foreign.String()), Maybe(100), Expect(488), AckRefusal(), Request("UPDATE", ""), Expect(200))),
		callee: is(calleeTalks(ExpectRequest("INVITE", "G729"), Answer(488), ExpectRequest("ACK"))),
	},
	{
		// The gateway's own offer crosses the callee's: it tries again.
		name:   "glare",
		caller: is(callerTalks(InviteWith(held.String()), Maybe(100), Expect(200, "a=recvonly"), Ack(""))),
		callee: is(calleeTalks(
			ExpectRequest("INVITE", "a=sendonly"), InviteWith(SDP{Version: 1}.String()), Maybe(100), Expect(491), AckRefusal(),
			AnswerInvite("", 491, ""), ExpectRequest("ACK"),
			ExpectRequest("INVITE", "a=sendonly"), AnswerInvite("", 200, holding.String()), ExpectRequest("ACK"))),
	},
	{
		name:   "keys by INFO, both ways",
		caller: is(callerTalks(Request("INFO", key5, isRelay), Expect(200), ExpectRequest("INFO", "Signal= ?7"), Answer(200))),
		callee: is(calleeTalks(ExpectRequest("INFO", "Signal= ?5"), Answer(200), Request("INFO", "Signal=7\r\nDuration=160\r\n", isRelay), Expect(200))),
		sdp:    noEvents,
	},
	{
		name: "a session timer that is too short",
		caller: is(asks("Supported: timer", "Session-Expires: 60"), Expect(422, "Min-SE: 90"), AckRefusal(),
			Invite("Supported: timer", "Session-Expires: 90", "Min-SE: 90"), Maybe(100), Expect(180),
			Expect(200, "Session-Expires: 90"), Ack(""), ends()),
		callee: is(calleeTalks()),
	},
	{
		name:   "a callee that wants a longer session timer",
		caller: is(callerTalks()),
		callee: is(ExpectRequest("INVITE"), Answer(422, "Min-SE: 4000"), ExpectRequest("ACK"),
			ExpectRequest("INVITE", "Min-SE: 4000", "Session-Expires: [4-9][0-9]{3}"), Answer(180), takes(), isEnded()),
	},
	{
		name:   "a loose router on the way to the callee",
		caller: is(callerTalks()),
		callee: is(rings(), Describe(200, "Record-Route: <sip:router@HERE;lr>"), ExpectRequest("ACK", "^ACK sip:tester@", "Route: <sip:router@[[:print:]]*;lr>"),
			ExpectRequest("BYE", "^BYE sip:tester@", "Route: <sip:router@[[:print:]]*;lr>"), Answer(200)),
	},
	{
		name:   "a strict router on the way to the callee",
		caller: is(callerTalks()),
		callee: is(rings(), Describe(200, "Record-Route: "+routeHere), ExpectRequest("ACK", viaRouter, toTarget), ExpectRequest("BYE", viaRouter, toTarget), Answer(200)),
	},
	{
		name:   "a strict router on the way to the caller",
		caller: is(asks("Record-Route: "+routeHere), Expect(180), isTaken(), ExpectRequest("BYE", viaRouter, toTarget), Answer(200)),
		callee: is(rings(), takes(), ends()),
	},
	{name: "neighbours of RFC 2543", caller: is(callerTalks()), callee: is(calleeTalks()), old: true},
	{
		name:   "an extension that nobody knows is required",
		caller: is(asks("Require: teleport"), Expect(420, "Unsupported:[[:print:]]*teleport"), AckRefusal()),
	},
	{
		name:   "taken back",
		caller: is(asks(), Expect(180), Cancel(), Expect(200), ExpectInvite(487), AckRefusal()),
		callee: is(rings(), ExpectRequest("CANCEL"), Answer(200), AnswerInvite("", 487, ""), ExpectRequest("ACK")),
	},
	{
		name:   "OPTIONS in the call",
		caller: is(callerTalks(Request("OPTIONS", ""), Expect(200))),
		callee: is(calleeTalks()),
	},
}

// The strict router is the trunk itself.
const (
	routeHere = "<sip:router@HERE>"
	viaRouter = "^[A-Z]+ sip:router@"
	toTarget  = "Route: <sip:tester@"
)

func TestCallsOfEveryKind(t *testing.T) {
	w := newCallWorldOfRows(t)
	for i, row := range scenarios {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			from, to := fmt.Sprint(1001+i), fmt.Sprint(2001+i)
			sides := []side{}
			if row.callee != nil {
				sides = append(sides, w.onRight(SIPpCall{Name: "callee", To: to, Steps: row.callee, SDP: row.sdp, Old: row.old}))
			}
			sides = append(sides, w.onLeft(SIPpCall{Name: "caller", Caller: true, From: from, To: to, Steps: row.caller, SDP: row.sdp, Old: row.old}))
			w := w.of(t)
			players := w.begin(t, sides...)
			if row.cue != nil {
				if err := row.cue(w, from, to); err != nil {
					t.Error(err)
				}
			}
			w.finish(t, players, sides...)
		})
	}
}
