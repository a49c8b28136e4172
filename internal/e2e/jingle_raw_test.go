//go:build e2e

package e2e

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	. "gateway/internal/peer"
)

// plainMap lets bob call the phone, and be called, without encryption.
const plainMap = `
[[map]]
home      = "pbx:2001"
as        = { chat = "2001@phones.example.org", pbx = "2001" }
from      = ["chat:bob@example.org"]
plain_rtp = true

[[map]]
home      = "chat:bob@example.org"
as        = { pbx = "7002", chat = "bob@phones.example.org" }
plain_rtp = true
`

func (w *world) rawPeer() *RawPeer {
	w.t.Helper()
	p, err := NewRawPeer(w.chat(bob), bob, "127.0.0.1:0")
	p = got(w.t, p, err)
	w.t.Cleanup(p.Close)
	return p
}

// A client without ICE and keys calls the phone where the map lets it. Its packets
// come from where it says: a stranger who sends to the same port is not heard, and
// is sent nothing.
func TestClientWithoutICECallsThePhone(t *testing.T) {
	w := newWorld(t)
	w.prosody()
	j := w.withPhoneAnd("g711", "", plainMap)
	p, stranger := j.rawPeer(), j.rtpPeer("127.0.0.1:0")
	const sid = "raw"
	j.must(p.Do(j.ctx, phoneJID, "session-initiate", sid, p.Content()))
	j.await(j.phone, CallIncoming)
	j.must(j.phone.Answer(j.ctx))
	accept, err := p.Take(j.ctx, "session-accept")
	j.must(err)
	at, err := p.Told(accept.XML)
	j.must(err)
	talk, stop := context.WithCancel(j.ctx)
	var talkers sync.WaitGroup
	talkers.Go(func() { _ = p.Play(talk, at, RTPStream(Tone(ToneC, time.Minute), 0, 0x0a0a0a0a)) }) // until it is stopped
	talkers.Go(func() { _ = stranger.Play(talk, at, RTPStream(Tone(ToneD, time.Minute), 0, 0x0d0d0d0d)) })
	j.hears(j.phone, ToneC)
	sound, err := p.WaitFor(j.ctx, 100, IsRTP(0))
	j.must(err)
	if heard := RTPSound(sound); heard.Tail(time.Second).Lasts(ToneA, 0.8) < 500*time.Millisecond {
		t.Errorf("the client has heard %v of the phone's tone", heard.Lasts(ToneA, 0.8))
	}
	stop()
	talkers.Wait()
	heard, err := j.phone.Heard()
	j.must(err)
	if d := heard.Lasts(ToneD, 0.3); d > 0 || len(stranger.Got()) > 0 {
		t.Errorf("%v of the stranger's tone, who has got %d packets", d, len(stranger.Got()))
	}
	j.must(p.Do(j.ctx, phoneJID, "session-terminate", sid, "<reason><success/></reason>"))
	j.await(j.phone, CallEnded)
	if r := j.lastRecord(1); r.Legs[0].Streams[0].Keys != "" || r.Legs[0].Streams[0].Pair != nil {
		t.Errorf("record %+v", r)
	}
	j.idle()
}

// Where no map says otherwise, sound must be encrypted, and its way be found by
// ICE.
func TestClientWithoutICEIsRefused(t *testing.T) {
	w := newJingleWorld(t, "g711")
	p := w.rawPeer()
	w.must(p.Do(w.ctx, phoneJID, "session-initiate", "refused", p.Content()))
	end, err := p.Take(w.ctx, "session-terminate")
	w.must(err)
	if !strings.Contains(end.XML, "security-error") {
		t.Errorf("ended by %s", end.XML)
	}
	w.idle()
}
