//go:build e2e

package e2e

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	. "gateway/internal/peer"
)

// hearsBoth waits until two tones are heard at once, each with its part of the sound, for half a second at the end
// of what was heard.
func (w *rtmpWorld) hearsBoth(who string, heard func() (Sound, error), one, other float64) {
	w.t.Helper()
	const share, long = 0.25, 500 * time.Millisecond
	var last Sound
	if err := Poll(w.ctx, func(context.Context) bool {
		s, err := heard()
		last = s.Tail(2 * long)
		return err == nil && last.Lasts(one, share) >= long && last.Lasts(other, share) >= long
	}); err != nil {
		w.t.Fatalf("%s heard %v of %v Hz and %v of %v Hz: %v", who, last.Lasts(one, share), one, last.Lasts(other, share), other, err)
	}
}

// A client of mod_rtmp has two calls, speaks in one at a time, then in both at once, and has the two phones go on
// with each other.
func TestAClientOfModRTMPJoinsTwoCalls(t *testing.T) {
	w := newRTMPWorld(t)
	// They share no format. The first is no baresip: that records nothing more once it was on hold.
	one, two := w.callConfig(2), w.callConfig(1)
	one.Tone, two.Codec = ToneA, "g722"
	first, second := w.linphone(one), w.baresip(two)
	c, err := StartRTMPClient(w.ctx, w.Lab, "client")
	w.must(err)
	mark := c.Out.Len()
	_, err = c.Connect(w.ctx, w.At(GatewayHost, RTMPPort), "phone")
	w.must(err)
	session := w.flashTold(c, mark, "connected")[0]
	who := "alice@" + w.Host(GatewayHost)
	sum := md5.Sum(fmt.Appendf(nil, "%v:%s:alice-pw", session, who))
	w.flashSays(c, "login", who, hex.EncodeToString(sum[:]))
	if got := w.flashTold(c, mark, "onLogin"); got[0] != "success" {
		t.Fatalf("onLogin%v", got)
	}
	call := func(phone CallPhone) any {
		mark := c.Out.Len()
		w.flashSays(c, "makeCall", phone.Number(), "", nil)
		id := w.flashTold(c, mark, "onMakeCall")[0]
		w.await(phone, CallIncoming)
		w.must(phone.Answer(w.ctx))
		w.await(phone, CallTalking)
		w.flashTold(c, mark, "onAttach")
		return id
	}
	held := call(first)
	_, in := w.flashTalks(c, 0, 0, ToneC)
	w.hears(first, ToneC)
	w.flashHears(c, ToneA)
	other := call(second)
	w.await(first, CallHeld)
	w.must(c.Record(w.ctx, in))
	w.hears(second, ToneC)
	w.flashHears(c, ToneB)

	w.flashSays(c, "three_way", held, other)
	w.must(c.Record(w.ctx, in))
	w.hearsBoth("the first", first.Heard, ToneB, ToneC)
	w.hearsBoth("the second", second.Heard, ToneA, ToneC)
	w.hearsBoth("the client", func() (Sound, error) { return c.Heard(w.ctx) }, ToneA, ToneB)

	mark = c.Out.Len()
	w.flashSays(c, "join", held, other)
	w.flashTold(c, mark, "onHangup")
	c.Stop() // they need it no more
	w.await(first, CallTalking)
	w.hears(first, ToneB)
	w.hears(second, ToneA)
	w.must(second.Hangup(w.ctx))
	w.await(first, CallEnded)
	w.idle()
	r := w.waitRecord(w.gateway, "flash:alice", "flash:2003")
	for _, l := range r.Legs {
		if l.Adapter == "pbx" && (len(l.Streams) != 1 || l.Streams[0].In.Packets < 25 || l.Streams[0].Out.Packets < 25) {
			t.Errorf("leg %s: %+v", l.Party, l.Streams)
		}
	}
	if r.Media != "transcoded" || r.Transfers != 1 || len(r.Legs) != 3 {
		t.Errorf("recorded as %+v", r)
	}
}
