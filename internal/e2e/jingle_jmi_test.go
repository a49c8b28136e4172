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

// jinglePeer is bob at a client that is played stanza by stanza.
func (w *world) jinglePeer() *JinglePeer {
	w.t.Helper()
	p, err := NewJinglePeer(w.ctx, w.chat(bob), bob, "abcdefghijklmnopABCDEFGHIJKLMN")
	p = got(w.t, p, err)
	w.t.Cleanup(p.Close)
	return p
}

// exchange has the peer say a tone until it has heard the phone's, and the
// phone the peer's.
func (w *jingleWorld) exchange(p *JinglePeer) {
	w.t.Helper()
	sealed, err := p.Key.Seal(RTPStream(Tone(ToneC, 20*time.Second), 0, 0x0b0b0b0b))
	w.must(err)
	ctx, stop := context.WithCancel(w.ctx)
	var talker sync.WaitGroup
	talker.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for _, packet := range sealed {
			if p.Write(packet) != nil {
				return
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	})
	defer talker.Wait()
	defer stop()
	w.hears(w.phone, ToneC)
	err = w.poll(func() bool {
		var sound [][]byte
		for _, packet := range p.Got() {
			if IsRTP(0)(packet) {
				sound = append(sound, packet)
			}
		}
		return RTPSound(sound).Tail(time.Second).Lasts(ToneA, 0.8) >= long
	})
	if err != nil {
		w.t.Errorf("the peer has heard %d packets: %v", len(p.Got()), err)
	}
}

// A client that has nothing but keys in the session, and calls by message: it is
// told to proceed when the phone has been answered, not before.
func TestClientWithMessagesAndKeysCallsThePhone(t *testing.T) {
	w := newJingleWorld(t, "g711")
	p := w.jinglePeer()
	const sid, to = "call-by-message", "2001@" + component
	w.must(p.Message(to, "<propose xmlns='urn:xmpp:jingle-message:0' id='"+sid+"'><description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'/></propose>"))
	w.await(w.phone, CallIncoming)
	_, err := p.WaitMessage(w.ctx, "ringing", sid)
	w.must(err)
	for _, e := range p.Chat.All() {
		if strings.Contains(e.XML, ":proceed ") {
			t.Errorf("before the answer: %s", e.XML)
		}
	}
	w.must(w.phone.Answer(w.ctx))
	proceed, err := p.WaitMessage(w.ctx, "proceed", sid)
	w.must(err)
	content, err := p.Content()
	w.must(err)
	w.must(p.Do(w.ctx, proceed.From, "session-initiate", sid, content))
	accept, err := p.Take(w.ctx, "session-accept")
	w.must(err)
	if strings.Contains(accept.XML, "actpass") || strings.Contains(accept.XML, ":fingerprint") {
		t.Errorf("keys were offered, not DTLS: %s", accept.XML)
	}
	w.must(p.Connect(w.ctx, accept.XML, true))
	w.exchange(p)
	w.must(p.Do(w.ctx, proceed.From, "session-terminate", sid, "<reason><success/></reason>"))
	w.await(w.phone, CallEnded)
	w.wantCrossed(w.lastRecord(1), "pcmu/8000", "sdes")
	w.idle()
}

// A proposal that is taken back ends the ringing.
func TestProposalThatIsRetractedStopsThePhone(t *testing.T) {
	w := newJingleWorld(t, "g711")
	p := w.jinglePeer()
	const sid, to = "taken-back", "2001@" + component
	w.must(p.Message(to, "<propose xmlns='urn:xmpp:jingle-message:0' id='"+sid+"'><description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'/></propose>"))
	w.await(w.phone, CallIncoming)
	_, err := p.WaitMessage(w.ctx, "ringing", sid)
	w.must(err)
	w.must(p.Message(to, "<retract xmlns='urn:xmpp:jingle-message:0' id='"+sid+"'><reason xmlns='urn:xmpp:jingle:1'><cancel/></reason></retract>"))
	w.await(w.phone, CallEnded)
	w.idle()
}

// The phone calls a client that knows messages: it rings when the client does,
// and each refusal has its status.
func TestPhoneCallsAClientByMessage(t *testing.T) {
	w := newJingleWorld(t, "g711")
	p := w.jinglePeer()
	for _, row := range []struct{ name, refusal, want string }{
		{"busy", "<reason xmlns='urn:xmpp:jingle:1'><busy/></reason>", "486"},
		{"declined", "<reason xmlns='urn:xmpp:jingle:1'><decline/></reason>", "603"},
		{"without a reason", "", "603"},
	} {
		mark := p.Chat.Out.Len()
		w.must(w.phone.Dial(w.ctx, "sip:7002@"+gatewayDomain))
		propose, err := p.Chat.WaitAfter(w.ctx, mark, func(e ChatEvent) bool { return strings.Contains(e.XML, ":propose ") })
		w.must(err)
		_, rest, _ := strings.Cut(propose.XML, ":propose ")
		_, rest, _ = strings.Cut(rest, `id="`)
		sid, _, _ := strings.Cut(rest, `"`)
		w.must(p.Message(propose.From, "<ringing xmlns='urn:xmpp:jingle-message:0' id='"+sid+"'/>"))
		w.await(w.phone, CallRinging)
		w.must(p.Message(propose.From, "<reject xmlns='urn:xmpp:jingle-message:0' id='"+sid+"'>"+row.refusal+"</reject>"))
		if e := w.await(w.phone, CallEnded); !strings.HasPrefix(e.Text, row.want) {
			t.Errorf("%s: %q, want %s", row.name, e.Text, row.want)
		}
		w.idle()
	}
}
