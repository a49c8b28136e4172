//go:build e2e

package e2e

import (
	"testing"

	. "gateway/internal/peer"
)

// The gateway refreshes sessions of 90 s at half of their time, on both legs, and
// the calls go on: by UPDATE, or where that is unknown by an INVITE that changes
// nothing. SIPp waits for it, as long as that takes.
func TestSessionTimersRefreshCalls(t *testing.T) {
	const (
		byUs   = "Session-Expires: 90;refresher=uas" // the gateway answers
		byUs2  = "Session-Expires: 90;refresher=uac" // the gateway asks
		timer  = "Supported: timer"
		need   = "Require: timer"
		can    = "Allow: INVITE, ACK, BYE, CANCEL, UPDATE"
		cannot = "Allow: INVITE, ACK, BYE, CANCEL"
	)
	w := newCallWorld(t)
	updated := Steps(ExpectRequest("UPDATE", "Session-Expires: 90"), Answer(200, byUs2, need))
	invited := Steps(ExpectRequest("INVITE", "Session-Expires: 90", "m=audio"), Describe(200, byUs2, need), ExpectRequest("ACK"))
	begins := func(allow string) CallStep {
		return Steps(asks(timer, byUs, allow), Expect(180), Expect(200, byUs, "m=audio"), Ack(""))
	}
	sides := []side{
		w.onRight(SIPpCall{Name: "callee", To: "2501", Steps: is(
			ExpectRequest("INVITE", "Supported:[[:print:]]*timer"), Answer(180), Describe(200, byUs2, need, can), ExpectRequest("ACK"),
			updated, isEnded())}),
		w.onRight(SIPpCall{Name: "callee", To: "2502", Steps: is(calleeTalks())}),
		w.onLeft(SIPpCall{Name: "caller", Caller: true, From: "1501", To: "2501", Steps: is(begins(can), updated, Pause(3e9), ends())}),
		w.onLeft(SIPpCall{Name: "caller", Caller: true, From: "1502", To: "2502", Steps: is(begins(cannot), invited, Pause(1e9), ends())}),
	}
	for i := range sides {
		sides[i].call.Within = testTime
	}
	w.play(t, sides...)
}
