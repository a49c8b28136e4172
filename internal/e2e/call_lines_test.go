//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"

	. "gateway/internal/peer"
)

// A line that is registered at a PBX takes calls there, and makes them with its
// credentials.
func TestLineAtAPBXTakesAndMakesCalls(t *testing.T) {
	w := newWorld(t)
	_, err := StartKamailio(w.ctx, w.Lab, KamailioConfig{Domain: pbxDomain, Users: map[string]string{"2001": "pw-2001", "7001": "pw-7001"}})
	w.must(err)
	cfg := w.callConfig(0)
	cfg.Domain, cfg.Server = pbxDomain, w.At(SIPHost, SIPPort)
	inside := w.linphone(cfg)
	cfg = w.callConfig(1)
	cfg.Alone = true
	outside := w.baresip(cfg)
	g := w.gateway(w.callTables(""), w.sipTable("domain = \""+pbxDomain+"\"", "peer = \"sip:"+w.At(SIPHost, SIPPort)+"\"",
		`lines = { "7001" = { user = "7001", password = "pw-7001" } }`), w.peerTable("far", w.secureAt(1), outside.Addr()), `
[[map]]
home = "far:2002"
as   = { pbx = "7001" }

[[map]]
home = "pbx:2001"
as   = { far = "2001" }
`)
	w.waitMetric(g, `gateway_adapter_up{adapter="pbx"}`, "1")
	for _, row := range []struct {
		from, to       CallPhone
		address, shown string
		fromHz, toHz   float64
	}{
		{inside, outside, "sip:7001@" + pbxDomain, "2001", ToneA, ToneB},
		{outside, inside, "sip:2001@" + w.secureAt(1), "7001", ToneB, ToneA},
	} {
		w.must(row.from.Dial(w.ctx, row.address))
		if e := w.await(row.to, CallIncoming); !strings.Contains(e.Text, row.shown) {
			t.Errorf("%s is called by %q, want %s", row.to.Number(), e.Text, row.shown)
		}
		w.await(row.from, CallRinging)
		w.must(row.to.Answer(w.ctx))
		w.await(row.from, CallTalking)
		w.await(row.to, CallTalking)
		w.hears(row.from, row.toHz)
		w.hears(row.to, row.fromHz)
		w.hangup(row.to, row.from)
		w.waitMetric(g, "gateway_calls_active", "0")
	}
}

func TestPhonesCallEachOtherOverTCP(t *testing.T) {
	w, g := newRingWorld(t, "")
	cfg := w.callConfig(0)
	cfg.TCP = true
	one := w.linphone(cfg)
	cfg = w.callConfig(1)
	cfg.TCP = true
	two := w.baresip(cfg)
	w.connect(one, two, at(1), ToneA, ToneB)
	w.hangup(two, one)
	w.connect(two, one, at(0), ToneB, ToneA)
	w.hangup(one, two)
	w.waitMetric(g, "gateway_calls_active", "0")
}

const capMaps = `
[[map]]
home = "right:2991"
as   = { left = "7021" }
caps = { calls = 1 }

[[map]]
home = "right:2992"
as   = { left = "7022" }
caps = { per_hour = 2 }
`

// What a map lets through is bounded: calls at once, and calls in an hour.
func TestCapsOfAMapRefuseCalls(t *testing.T) {
	w := newCallWorld(t, capMaps)
	asker := func(from, to string, steps ...CallStep) side {
		return w.onLeft(SIPpCall{Name: "caller " + from, Caller: true, From: from, To: to, Steps: steps})
	}
	place := func(to string) side { return w.onRight(SIPpCall{Name: "callee", To: to, Steps: is(calleeTalks())}) }
	t.Run("at once", func(t *testing.T) {
		sides := []side{place("2991"), asker("1991", "7021", asks(), Expect(180), isTaken(), Cue(), ends())}
		players := w.begin(t, sides...)
		w.describedIn(w.left, "7021", 200)
		w.play(t, asker("1992", "7021", isRefused(480)))
		w.must(w.left.Cue("1991"))
		w.finish(t, players, sides...)
		w.play(t, place("2991"), asker("1993", "7021", callerTalks()))
	})
	t.Run("in an hour", func(t *testing.T) {
		for i := range 2 {
			w.play(t, place("2992"), asker(fmt.Sprint(1994+i), "7022", callerTalks()))
		}
		w.play(t, asker("1996", "7022", isRefused(480)))
	})
}
