//go:build e2e

package e2e

import (
	"context"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	. "gateway/internal/peer"
)

// A gateway that is asked to end takes no new call and waits for those that are
// under way.
func TestSIGTERMWaitsForALiveCall(t *testing.T) {
	w := newCallWorld(t)
	c := w.soundCall("1801", "2801", w.At(leftHost, 0), w.At(rightHost, 0), "", "")
	w.must(w.gateway.Signal(syscall.SIGTERM))
	_, err := w.gateway.Out.Wait(w.ctx, Containing("draining"))
	w.must(err)
	w.play(t, w.onLeft(SIPpCall{Name: "late", Caller: true, From: "1802", To: "2801", Steps: is(isRefused(503))}))
	one, two := RTPStream(Tone(ToneA, time.Second), 0, 1), RTPStream(Tone(ToneB, time.Second), 0, 2)
	gotOne, gotTwo, err := c.play(w.ctx, one, two)
	w.must(err)
	same(t, "the callee", gotTwo, one)
	same(t, "the caller", gotOne, two)
	w.end(t, c)
	code, err := w.gateway.Wait(w.ctx)
	w.must(err)
	if code != 0 {
		t.Errorf("exit code %d", code)
	}
	r := w.waitRecord(w.gateway, "left:1801", "left:2801")
	if r.Cause != "normal" || r.By != "callee" || r.Talk < 0.9 {
		t.Errorf("record %+v", r)
	}
}

// A reload changes nothing for a call that is under way, and a call that no map
// takes any more is refused after it.
func TestReloadLeavesACallAlone(t *testing.T) {
	w := newCallWorld(t)
	c := w.soundCall("1803", "2803", w.At(leftHost, 0), w.At(rightHost, 0), "", "")
	at, atRight := w.At(GatewayHost, SIPPort), w.At(GatewayHost, rightPort)
	mark := w.gateway.Out.Len()
	w.must(w.gateway.Reload(w.callTables("") + w.peerTable("left", at, w.left.Addr()) + w.peerTable("right", atRight, w.right.Addr()) +
		strings.ReplaceAll(callMaps, "2[0-9]{3}", "27[0-9]{2}")))
	_, err := w.gateway.Out.WaitAfter(w.ctx, mark, Containing("reload"))
	w.must(err)
	w.play(t, w.onLeft(SIPpCall{Name: "late", Caller: true, From: "1804", To: "2803", Steps: is(isRefused(404))}))
	one, two := RTPStream(Tone(ToneA, time.Second), 0, 1), RTPStream(Tone(ToneB, time.Second), 0, 2)
	gotOne, gotTwo, err := c.play(w.ctx, one, two)
	w.must(err)
	same(t, "the callee", gotTwo, one)
	same(t, "the caller", gotOne, two)
	w.end(t, c)
}

func TestMetricsCountCalls(t *testing.T) {
	w := newCallWorld(t)
	w.play(t,
		w.onRight(SIPpCall{Name: "callee", To: "2805", Steps: is(calleeTalks()), Calls: 3}),
		w.onLeft(SIPpCall{Name: "caller", Caller: true, From: "1805", To: "2805", Steps: is(callerTalks()), Calls: 3}))
	w.play(t,
		w.onRight(SIPpCall{Name: "callee", To: "2806", Steps: is(refuses(486))}),
		w.onLeft(SIPpCall{Name: "caller", Caller: true, From: "1806", To: "2806", Steps: is(isRefused(486))}))
	w.play(t, w.onLeft(SIPpCall{Name: "caller", Caller: true, From: "1807", To: "9999", Steps: is(isRefused(404))}))
	for series, value := range map[string]string{
		`gateway_call_legs_total{adapter="left",cause="normal",direction="in"}`:    "3",
		`gateway_call_legs_total{adapter="right",cause="normal",direction="out"}`:  "3",
		`gateway_call_legs_total{adapter="left",cause="busy",direction="in"}`:      "1",
		`gateway_call_legs_total{adapter="right",cause="busy",direction="out"}`:    "1",
		`gateway_call_legs_total{adapter="left",cause="not-found",direction="in"}`: "1",
		`gateway_call_media_total{mode="untouched"}`:                               "3",
		`gateway_call_setup_seconds_count{adapter="left"}`:                         "3",
		`gateway_call_talk_seconds_count{adapter="left"}`:                          "3",
		"gateway_calls_active": "0",
	} {
		w.waitMetric(w.gateway, series, value)
	}
}

// What is ended at once ends the calls too.
func TestSIGINTEndsLiveCalls(t *testing.T) {
	w := newCallWorld(t)
	sides := []side{
		w.onRight(SIPpCall{Name: "callee", To: "2811", Steps: is(rings(), takes(), isEnded())}),
		w.onLeft(SIPpCall{Name: "caller", Caller: true, From: "1811", To: "2811", Steps: is(asks(), Expect(180), isTaken(), isEnded())}),
	}
	players := w.begin(t, sides...)
	w.described(w.left, "2811", true)
	w.waitMetric(w.gateway, "gateway_call_media_total{mode=\"untouched\"}", "1")
	w.must(w.gateway.Signal(syscall.SIGINT))
	w.finish(t, players, sides...)
	if _, err := w.gateway.Wait(w.ctx); err != nil {
		t.Error(err)
	}
}

// A call in which nothing is heard from either side ends by itself; one in
// which somebody is heard does not.
func TestCallWithoutSoundEnds(t *testing.T) {
	w := newCallWorldOf(t, "dead = \"5s\"")
	dead := []side{
		w.onRight(SIPpCall{Name: "callee", To: "2812", Steps: is(rings(), takes(), isEnded())}),
		w.onLeft(SIPpCall{Name: "caller", Caller: true, From: "1812", To: "2812", Steps: is(asks(), Expect(180), isTaken(), isEnded())}),
	}
	players := w.begin(t, dead...)
	c := w.soundCall("1813", "2813", w.At(leftHost, 0), w.At(rightHost, 0), "", "")
	speak, stop := context.WithCancel(w.ctx)
	var speaker sync.WaitGroup
	defer speaker.Wait()
	defer stop()
	const enough = 350 // packets: longer than nothing at all may last
	heard := listen(c.two)
	speaker.Go(func() { _ = c.one.Play(speak, c.toOne, RTPStream(Tone(ToneA, time.Minute), 0, 1)) }) // until it is stopped
	w.finish(t, players, dead...)
	w.must(w.poll(func() bool { return len(heard.rtp()) >= enough }))
	w.end(t, c)
	if r := w.waitRecord(w.gateway, "left:1812", "left:2812"); r.Cause != "no-media" || r.By != "gateway" {
		t.Errorf("record %+v", r)
	}
	if r := w.waitRecord(w.gateway, "left:1813", "left:2813"); r.Cause != "normal" || r.By != "callee" {
		t.Errorf("record %+v", r)
	}
}

// When the process with the sound dies, its calls end, and the next one works.
func TestDeadMediaProcessIsReplaced(t *testing.T) {
	w := newCallWorldOf(t, "process = true")
	sides := []side{
		w.onRight(SIPpCall{Name: "callee", To: "2814", Steps: is(rings(), takes(), isEnded())}),
		w.onLeft(SIPpCall{Name: "caller", Caller: true, From: "1814", To: "2814", Steps: is(asks(), Expect(180), isTaken(), isEnded())}),
	}
	players := w.begin(t, sides...)
	w.waitMetric(w.gateway, "gateway_call_media_total{mode=\"untouched\"}", "1")
	if n, err := w.gateway.KillChildren(); n != 1 || err != nil {
		t.Fatalf("%d killed, %v", n, err)
	}
	w.finish(t, players, sides...)
	c := w.soundCall("1815", "2815", w.At(leftHost, 0), w.At(rightHost, 0), "", "")
	one, two := RTPStream(Tone(ToneA, time.Second), 0, 1), RTPStream(Tone(ToneB, time.Second), 0, 2)
	gotOne, gotTwo, err := c.play(w.ctx, one, two)
	w.must(err)
	same(t, "the callee", gotTwo, one)
	same(t, "the caller", gotOne, two)
	w.end(t, c)
}

// [limits] bound calls.
func TestLimitsRefuseCalls(t *testing.T) {
	w := newCallWorld(t, "[limits]\ncalls_per_sender = 1\n")
	c := w.soundCall("1808", "2808", w.At(leftHost, 0), w.At(rightHost, 0), "", "")
	w.play(t, w.onLeft(SIPpCall{Name: "too many", Caller: true, From: "1808", To: "2809", Steps: is(asks(), ExpectOneOf(480, 403, 486, 500, 503), AckRefusal())}))
	w.end(t, c)
	w.play(t,
		w.onRight(SIPpCall{Name: "callee", To: "2810", Steps: is(calleeTalks())}),
		w.onLeft(SIPpCall{Name: "caller", Caller: true, From: "1808", To: "2810", Steps: is(callerTalks())}))
}
