//go:build e2e

package e2e

import (
	"testing"

	. "gateway/internal/peer"
)

// forwardMaps have a phone whose calls its PBX sends elsewhere, one that those on
// the right can call, and one that they can't.
const forwardMaps = `
[[map]]
home = ["right:2971"]
as   = { left = "7007" }

[[map]]
home = "right:2972"
as   = { right = "2972" }

[[map]]
home = "right:2973"
as   = { left = "7009" }
`

func sendsTo(name string) CallStep {
	return Steps(ExpectRequest("INVITE"), Answer(302, "Contact: <sip:"+name+"@HERE>"), ExpectRequest("ACK"))
}

func TestRedirectionsAreFollowedWhereTheMapsAllowThem(t *testing.T) {
	for _, row := range []struct {
		name, to string
		caller   CallStep
		then     []CallStep // what the one does to whom it is sent; nil: it is not asked
	}{
		{
			"to a colleague", "2972", Steps(asks(), Expect(180), isTaken(), ends()),
			is(ExpectRequest("INVITE", `Diversion: <sip:2971@`, "m=audio"), Answer(180), takes(), isEnded()),
		},
		{"to who is busy", "2972", isRefused(486), is(refuses(486))},
		{"to nobody of theirs", "2973", isRefused(410), nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newCallWorld(t, forwardMaps)
			sides := []side{w.onRight(SIPpCall{Name: "who is called", To: "2971", Steps: is(sendsTo(row.to))})}
			if row.then != nil {
				sides = append(sides, w.onRight(SIPpCall{Name: "the other", To: row.to, Steps: row.then}))
			}
			w.play(t, append(sides, w.onLeft(SIPpCall{Name: "caller", Caller: true, From: "1181", To: "7007", Steps: is(row.caller)}))...)
		})
	}
}
