//go:build e2e

package e2e

import (
	"strings"
	"testing"
	"time"

	. "gateway/internal/peer"
)

const pcma = "RTP/AVP 8\na=rtpmap:8 PCMA/8000"

// The codec changes in the middle of a call; sound goes on in both directions.
func TestCodecChangesInACall(t *testing.T) {
	w := newCallWorld(t)
	again := func(s SDP) string { s.Version, s.Media = 1, pcma; return s.String() }
	c := w.soundCallOf(soundPlan{
		from: "1620", to: "2620", oneAt: w.At(leftHost, 0), twoAt: w.At(rightHost, 0),
		caller: func(s SDP) CallStep {
			return Steps(Cue(), InviteWith(again(s)), Maybe(100), Expect(200, "m=audio [0-9]+ RTP/AVP 8[[:cntrl:]]"), Ack(""), isEnded())
		},
		callee: func(s SDP) CallStep {
			return Steps(ExpectRequest("INVITE", "m=audio [0-9]+ RTP/AVP 8( [0-9]+)*[[:cntrl:]]"), AnswerInvite("", 200, again(s)), ExpectRequest("ACK"), Cue(), ends())
		},
	})
	for n, payload := range []byte{0, 8} {
		if n > 0 {
			w.must(w.left.Cue("1620"))
		}
		w.acknowledged("2620", n+1)
		fromOne, fromTwo := half(ToneA, n, 1, payload), half(ToneB, n, 2, payload)
		one, two, err := c.exchange(w.ctx, fromOne, fromTwo, 20, 20)
		w.must(err)
		wantSame(t, "the callee", two, fromOne, 20)
		wantSame(t, "the caller", one, fromTwo, 20)
	}
	w.end(t, c)
	if r := w.waitRecord(w.gateway, "left:1620", "left:2620"); r.Media != "untouched" || r.Cause != "normal" || len(r.Legs[0].Formats) == 0 {
		t.Errorf("record %+v", r)
	}
}

// A party that has muted itself is not heard, and hears the other; so it goes
// until it is back.
func TestMutedPartyHearsTheOther(t *testing.T) {
	w := newCallWorldOf(t, "dead = \"5s\"")
	muted := func(s SDP) string { s.Version, s.Dir = 1, "recvonly"; return s.String() }
	mutes := func(s SDP) string { s.Version, s.Dir = 1, "sendonly"; return s.String() }
	back := func(s SDP) string { s.Version = 2; return s.String() }
	c := w.soundCallOf(soundPlan{
		from: "1621", to: "2621", oneAt: w.At(leftHost, 0), twoAt: w.At(rightHost, 0),
		caller: func(s SDP) CallStep {
			return Steps(InviteWith(muted(s)), Maybe(100), Expect(200, "a=sendonly"), Ack(""), Cue(),
				InviteWith(back(s)), Maybe(100), Expect(200, "m=audio"), Ack(""), isEnded())
		},
		callee: func(s SDP) CallStep {
			return Steps(ExpectRequest("INVITE", "a=recvonly"), AnswerInvite("", 200, mutes(s)), ExpectRequest("ACK"),
				ExpectRequest("INVITE", "m=audio"), AnswerInvite("", 200, back(s)), ExpectRequest("ACK"), Cue(), ends())
		},
	})
	w.acknowledged("2621", 2)
	// Longer than nothing at all may last.
	fromTwo := RTPStream(Tone(ToneB, 5500*time.Millisecond), 0, 2)
	one, two, err := c.exchange(w.ctx, half(ToneA, 0, 1, 0), fromTwo, len(fromTwo)-5, 0)
	w.must(err)
	wantSame(t, "who is muted", one, fromTwo, len(fromTwo)-5)
	if len(two) > 0 {
		t.Errorf("%d packets came from who is muted", len(two))
	}
	w.must(w.left.Cue("1621"))
	w.acknowledged("2621", 3)
	fromOne, more := half(ToneA, 1, 1, 0), half(ToneB, 11, 2, 0)
	one, two, err = c.exchange(w.ctx, fromOne, more, 20, 20)
	w.must(err)
	wantSame(t, "the callee", two, fromOne, 20)
	wantSame(t, "who is back", one, more, 20)
	w.end(t, c)
}

// A re-INVITE that is taken back leaves the call as it was, though the other
// side has agreed to it meanwhile.
func TestReINVITETakenBackChangesNothing(t *testing.T) {
	w := newCallWorld(t)
	with := func(s SDP, version int, dir string) string { s.Version, s.Dir = version, dir; return s.String() }
	c := w.soundCallOf(soundPlan{
		from: "1622", to: "2622", oneAt: w.At(leftHost, 0), twoAt: w.At(rightHost, 0),
		caller: func(s SDP) CallStep {
			return Steps(InviteWith(with(s, 1, "sendonly")), Expect(100), Pause(300*time.Millisecond), Cancel(), Expect(200), ExpectInvite(487), AckRefusal(), isEnded())
		},
		callee: func(s SDP) CallStep {
			return Steps(ExpectRequest("INVITE", "a=sendonly"), Cue(), AnswerInvite("", 200, with(s, 1, "recvonly")), ExpectRequest("ACK"),
				ExpectRequest("INVITE", "a=sendrecv"), AnswerInvite("", 200, with(s, 2, "")), ExpectRequest("ACK"), Cue(), ends())
		},
	})
	_, err := w.left.Wait(w.ctx, func(m TrunkMessage) bool { return m.Code() == 487 })
	w.must(err)
	w.must(w.right.Cue("2622"))
	_, err = w.right.Wait(w.ctx, func(m TrunkMessage) bool { // of the second re-INVITE
		return strings.HasPrefix(m.Start, "ACK ") && strings.HasPrefix(m.Header("CSeq"), "3 ")
	})
	if err != nil {
		t.Errorf("%v\n%s", err, w.left.Trace())
	}
	fromOne, fromTwo := half(ToneA, 0, 1, 0), half(ToneB, 0, 2, 0)
	one, two, err := c.exchange(w.ctx, fromOne, fromTwo, 20, 20)
	w.must(err)
	wantSame(t, "the callee", two, fromOne, 20)
	wantSame(t, "the caller", one, fromTwo, 20)
	w.end(t, c)
}
