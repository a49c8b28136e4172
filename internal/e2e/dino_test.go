//go:build e2e && dino

package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	. "gateway/internal/peer"
)

// onNetwork calls run where Dino finds what it needs.
func onNetwork(run func() int) int { return OnDesktop(run) }

// dinoTime bounds a test with Dino.
const dinoTime = 3 * time.Minute

const phoneBare = "2001@" + component

// newDinoWorld is a jingleWorld with Dino, at which bob is.
func newDinoWorld(t *testing.T) (*jingleWorld, *Dino) {
	t.Helper()
	w := newWorld(t)
	ctx, cancel := context.WithTimeout(context.Background(), dinoTime)
	t.Cleanup(cancel)
	w.ctx = ctx
	p := w.prosodyWith(ProsodyConfig{Standard: true})
	w.must(Introduce(w.Host(XMPPHost), p.Cert(), "example.org"))
	j := &jingleWorld{world: w}
	j.gateway = w.gateway(w.callTables(""), w.sipTable("domain = \""+gatewayDomain+"\"", ringAccounts), w.xmppTable(), jingleMaps)
	j.phone = w.baresip(w.callConfig(0))
	w.befriend()
	d, err := StartDino(w.ctx, w.Lab, DinoConfig{JID: "bob@example.org", Password: "bob-pw", Tone: ToneC})
	return j, got(t, d, err)
}

// befriend puts the phone on bob's roster, each seeing the other.
func (w *world) befriend() {
	w.t.Helper()
	chat := w.chat(bob)
	w.must(chat.Raw(bob, "<presence type='subscribe' to='"+phoneBare+"'/>"))
	for _, kind := range []string{"subscribe", ""} { // it is there when it sees that we are
		_, err := chat.Wait(w.ctx, func(e ChatEvent) bool {
			return e.Event == "presence" && e.Type == kind && strings.HasPrefix(e.From, phoneBare)
		})
		w.must(err)
	}
	w.must(chat.Raw(bob, "<presence type='subscribed' to='"+phoneBare+"'/>"))
	w.must(chat.Logout(w.ctx, bob))
}

// Dino and a phone call each other, with DTLS between Dino and the gateway.
func TestDinoAndPhoneCallEachOther(t *testing.T) {
	w, d := newDinoWorld(t)
	w.must(d.Dial(w.ctx, phoneBare))
	if e := w.await(w.phone, CallIncoming); !strings.Contains(e.Text, "7002") {
		t.Errorf("the phone is called by %q", e.Text)
	}
	w.must(w.phone.Answer(w.ctx))
	w.await(w.phone, CallTalking)
	w.must(WaitTone(w.ctx, w.phone, ToneC, 2*time.Second))
	w.must(d.WaitTone(w.ctx, ToneA, 2*time.Second))
	w.must(d.Hangup(w.ctx))
	w.await(w.phone, CallEnded)
	w.wantCrossed(w.lastRecord(1), "pcm", "dtls")

	w.must(w.phone.Dial(w.ctx, "sip:7002@"+gatewayDomain))
	w.must(d.WaitCalls(w.ctx, 2))
	w.must(d.Answer(w.ctx))
	w.await(w.phone, CallTalking)
	w.must(WaitTone(w.ctx, w.phone, ToneC, 2*time.Second))
	w.must(d.WaitTone(w.ctx, ToneA, 2*time.Second))
	w.must(w.phone.Hangup(w.ctx))
	w.await(w.phone, CallEnded)
	w.wantCrossed(w.lastRecord(2), "pcm", "dtls")

	w.must(w.phone.Dial(w.ctx, "sip:7002@"+gatewayDomain))
	w.must(d.WaitCalls(w.ctx, 3))
	w.must(d.Reject(w.ctx))
	if e := w.await(w.phone, CallEnded); !strings.HasPrefix(e.Text, "603") {
		t.Errorf("the phone is told %q", e.Text)
	}
	w.idle()
}
