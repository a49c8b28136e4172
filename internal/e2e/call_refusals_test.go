//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"

	. "gateway/internal/peer"
)

// homesMaps have numbers with several places, and some that ring for a few seconds.
const homesMaps = `
[[map]]
home = ["right:2901", "right:2902", "right:2903"]
as   = { left = "7001" }

[[map]]
home = ["right:2911", "right:2912", "right:2913"]
as   = { left = "7002" }
hunt = true
ring = "3s"

[[map]]
home = "right:2921"
as   = { left = "7003" }
ring = "3s"

[[map]]
home = ["right:2931", "right:2932"]
as   = { left = "7004" }

[[map]]
home   = "right:2941"
as     = { left = "7005" }
codecs = ["pcma"]

[[map]]
home    = "right:2951"
as      = { left = "7006" }
privacy = true
`

func isRefused(code int) CallStep {
	return Steps(asks(), Maybe(180), Expect(code), AckRefusal())
}

func refuses(code int, headers ...string) CallStep {
	return Steps(ExpectRequest("INVITE"), Answer(180), Answer(code, headers...), ExpectRequest("ACK"))
}

// isTakenBack is a place that rings until it is told to stop.
func isTakenBack(patterns ...string) CallStep {
	return Steps(rings(), ExpectRequest("CANCEL", patterns...), Answer(200), AnswerInvite("", 487, ""), ExpectRequest("ACK"))
}

const elsewhere200 = `Reason:[[:print:]]*SIP[[:print:]]*cause=200`

func TestRefusalsArriveAsThemselves(t *testing.T) {
	w := newCallWorldOfRows(t)
	for i, row := range []struct {
		name       string
		said, told int
		headers    []string
	}{
		{"busy", 486, 486, nil},
		{"busy everywhere", 600, 600, nil},
		{"declined", 603, 603, nil},
		{"not there", 480, 480, nil},
		{"unknown number", 404, 404, nil},
		{"gone", 410, 410, nil},
		{"incomplete number", 484, 484, nil},
		{"nothing in common", 488, 488, nil},
		{"a fault", 500, 500, nil},
		{"forbidden", 403, 403, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			from, to := fmt.Sprint(1101+i), fmt.Sprint(2101+i)
			w.of(t).play(t,
				w.onRight(SIPpCall{Name: "callee", To: to, Steps: is(refuses(row.said, row.headers...))}),
				w.onLeft(SIPpCall{Name: "caller", Caller: true, From: from, To: to, Steps: is(isRefused(row.told))}))
		})
	}
	t.Run("a number that no map takes", func(t *testing.T) {
		t.Parallel()
		w.of(t).play(t, w.onLeft(SIPpCall{Name: "caller", Caller: true, From: "1151", To: "9999", Steps: is(isRefused(404))}))
	})
	t.Run("a caller whom no map shows", func(t *testing.T) {
		t.Parallel()
		w.of(t).play(t, w.onLeft(SIPpCall{Name: "caller", Caller: true, From: "5555", To: "2152", Steps: is(isRefused(403))}))
	})
}

func TestSeveralPlaces(t *testing.T) {
	w := newCallWorldOfRows(t, homesMaps)
	place := func(to string, steps ...CallStep) side {
		return w.onRight(SIPpCall{Name: "place " + to, To: to, Steps: steps})
	}
	for i, row := range []struct {
		name, to string
		caller   []CallStep
		places   []side
	}{
		{
			"the others hear that it was answered elsewhere", "7001",
			is(asks(), Maybe(180), isTaken(), ends()),
			[]side{
				place("2901", isTakenBack(elsewhere200)),
				place("2902", rings(), Pause(5e8), takes(), isEnded()),
				place("2903", isTakenBack(elsewhere200)),
			},
		},
		{
			"one after the other", "7002",
			is(asks(), Maybe(180), isTaken(), ends()),
			[]side{
				place("2911", refuses(503)),
				place("2912", isTakenBack()),
				place("2913", calleeTalks()),
			},
		},
		{"nobody answers", "7003", is(asks(), Expect(180), Expect(480), AckRefusal()), []side{place("2921", isTakenBack())}},
		{
			"only the codecs of the map", "7005",
			is(InviteWith(SDP{Media: "RTP/AVP 0 8"}.String()), Maybe(100), Expect(180), Expect(200, "m=audio [0-9]+ RTP/AVP 8[[:cntrl:]]"), Ack(""), ends()),
			[]side{w.onRight(SIPpCall{Name: "pcma", To: "2941", SDP: SDP{Media: "RTP/AVP 8"}, Steps: is(
				ExpectRequest("INVITE", "m=audio [0-9]+ RTP/AVP 8( 101)?[[:cntrl:]]"), Answer(180), takes(), isEnded())})},
		},
		{
			"none of the codecs of the map", "7005",
			is(InviteWith(SDP{Media: "RTP/AVP 18\na=rtpmap:18 G729/8000"}.String()), Maybe(100), Expect(488), AckRefusal()), nil,
		},
		{
			"a caller who is not shown", "7006", is(callerTalks()),
			[]side{place("2951", ExpectRequest("INVITE", "Privacy:[[:print:]]*id", "From:[[:print:]]*sip:anonymous@"), Answer(180), takes(), isEnded())},
		},
		{
			"busy says more than not found", "7004", is(isRefused(486)),
			[]side{place("2931", refuses(404)), place("2932", refuses(486))},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			w.of(t).play(t, append(row.places, w.onLeft(SIPpCall{
				Name: "caller", Caller: true, From: fmt.Sprint(1201 + i), To: row.to, Steps: row.caller,
			}))...)
		})
	}
}

// X-CID lets a capture tool put the two legs of a call together.
func TestSecondLegNamesTheFirst(t *testing.T) {
	w := newCallWorld(t)
	w.play(t,
		w.onRight(SIPpCall{Name: "callee", To: "2301", Steps: is(calleeTalks())}),
		w.onLeft(SIPpCall{Name: "caller", Caller: true, From: "1301", To: "2301", Steps: is(callerTalks())}))
	first := func(trunk *Trunk) TrunkMessage {
		m, err := trunk.Wait(w.ctx, func(m TrunkMessage) bool { return strings.HasPrefix(m.Start, "INVITE ") })
		w.must(err)
		return m
	}
	one, two := first(w.left), first(w.right)
	if cid := two.Header("X-CID"); cid == "" || cid != one.Header("Call-ID") {
		t.Errorf("X-CID %q of %s", cid, one.Header("Call-ID"))
	}
	if two.Header("Call-ID") == one.Header("Call-ID") {
		t.Error("both legs have one Call-ID")
	}
	if from := two.Header("From"); !strings.Contains(from, "sip:1301@") {
		t.Errorf("From: %s", from)
	}
}
