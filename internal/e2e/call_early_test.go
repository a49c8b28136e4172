//go:build e2e

package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	. "gateway/internal/peer"
)

const earlyMaps = `
[[map]]
home = ["right:2981", "right:2982"]
as   = { left = "7011" }
`

// The caller hears a place that says something before it answers, until another
// takes the call. From then on it hears that one alone, and only that one hears it.
func TestCallerHearsAPlaceBeforeItAnswers(t *testing.T) {
	w := newCallWorld(t, earlyMaps)
	one, announces, talks := w.rtpPeer(w.At(leftHost, 0)), w.rtpPeer(w.At(rightHost, 0)), w.rtpPeer(w.At(rightHost, 0))
	sides := []side{
		w.onRight(SIPpCall{Name: "announces", To: "2981", SDP: SDP{Addr: announces.Addr()}, Steps: is(
			ExpectRequest("INVITE"), Describe(183), ExpectRequest("CANCEL", elsewhere200), Answer(200), AnswerInvite("", 487, ""), ExpectRequest("ACK"))}),
		w.onRight(SIPpCall{Name: "talks", To: "2982", SDP: SDP{Addr: talks.Addr()}, Steps: is(
			rings(), Cue(), takes(), Cue(), ends())}),
		w.onLeft(SIPpCall{Name: "caller", Caller: true, From: "1981", To: "7011", SDP: SDP{Addr: one.Addr()}, Steps: is(
			asks(), Maybe(180), Expect(183, "m=audio"), Maybe(180), isTaken(), isEnded())}),
	}
	players := w.begin(t, sides...)
	toOne := w.describedIn(w.left, "7011", 183)
	toAnnounces, toTalks := w.describedIn(w.right, "2981", 0), w.describedIn(w.right, "2982", 0)
	playing, stop := context.WithCancel(w.ctx)
	played := make(chan error, 1)
	go func() {
		played <- announces.Play(playing, toAnnounces.Media(), RTPStream(Tone(ToneD, 20*time.Second), 0, 9))
	}()
	defer func() { stop(); <-played }()
	early, err := one.WaitFor(w.ctx, 50, anyRTP)
	w.must(err)
	if m := RTPSound(early); m.Lasts(ToneD, 0.8) < 900*time.Millisecond {
		t.Errorf("before the answer %v was heard", m.Lasts(ToneD, 0.8))
	}
	for _, m := range w.left.Messages() {
		if m.Code() == 200 && m.Method() == "INVITE" {
			t.Error("it was heard only after the answer")
		}
	}
	w.must(w.right.Cue("2982"))
	_, err = w.left.Wait(w.ctx, func(m TrunkMessage) bool { return strings.HasPrefix(m.Start, "ACK ") })
	w.must(err)
	// What is under way has come by the time that a packet of the other has.
	_ = talks.Play(w.ctx, toTalks.Media(), RTPStream(Tone(ToneB, 100*time.Millisecond), 0, 2))
	others := listen(announces)
	c := &soundCall{one: one, two: talks, toOne: toOne.Media(), toTwo: toTalks.Media()}
	fromOne, fromTwo := half(ToneA, 0, 1, 0), half(ToneB, 1, 2, 0)
	heard, said, err := c.exchange(w.ctx, fromOne, fromTwo, 20, 20)
	w.must(err)
	wantSame(t, "who took the call", said, fromOne, 20)
	wantSame(t, "the caller", heard, fromTwo, 20)
	if n := len(others.rtp()); n > 0 {
		t.Errorf("%d packets of the caller's went to who did not take the call", n)
	}
	w.must(w.right.Cue("2982"))
	w.finish(t, players, sides...)
}
