//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"testing"

	"gateway/bridge"
	"gateway/internal/peer"
)

// A server is an XMPP server that can be killed.
type server interface {
	Start(ctx context.Context) error
	Kill()
}

// A faultWorld has a gateway that can end itself at a fault point.
type faultWorld struct {
	*agentWorld
	server server
}

// newFaultWorld starts all but the gateway.
func newFaultWorld(t *testing.T, kind string) *faultWorld {
	t.Helper()
	w := newWorld(t)
	fw := &faultWorld{agentWorld: &agentWorld{world: w, number: "1001", jid: "1001@" + component, alice: "7001"}}
	switch kind {
	case "ejabberd":
		e, err := peer.StartEjabberd(w.ctx, w.Lab, peer.EjabberdConfig{
			Users:      map[string]string{"alice@example.org": "alice-pw", "bob@example.org": "bob-pw"},
			Components: map[string]string{component: secret},
			Offline:    true,
		})
		fw.server = got(t, e, err)
	default:
		fw.server = w.prosody()
	}
	fw.sip = w.agent(peer.SIPHost, peer.SIPPort)
	fw.chat = w.chat(alice)
	fw.gateway = w.gatewayBy(faultsEnv, w.gatewayTable(), w.sipTable(w.trunk()), w.xmppTable(), receiptMaps(`receipts = "hop"`))
	return fw
}

// arm starts the gateway anew, with an end at the first passing of a point.
func (w *faultWorld) arm(point string) {
	w.t.Helper()
	w.gateway.Stop()
	w.gateway.SetEnv("GATEWAY_FAULT=" + point + ":1")
	w.must(w.gateway.Start(w.ctx))
	_, err := w.gateway.WaitHealth(w.ctx, 200)
	w.must(err)
}

// revive starts the gateway again once it has ended itself.
func (w *faultWorld) revive() {
	w.t.Helper()
	code, err := w.gateway.Wait(w.ctx)
	w.must(err)
	if code != -1 {
		w.t.Fatalf("it has ended with code %d, not at the fault point", code)
	}
	w.gateway.SetEnv()
	w.must(w.gateway.Start(w.ctx))
	_, err = w.gateway.WaitHealth(w.ctx, 200)
	w.must(err)
}

// A crossing is what may come of a message when the gateway ends at a point.
type crossing struct{ least, most int }

// expected is that: twice when it ends after the message was handed over and
// before that was written down. An XMPP user's message is
// nobody's for a moment: the server has given it away, and it is not on
// disk yet.
func expected(point string, once bool) crossing {
	switch {
	case point == bridge.FaultSent:
		return crossing{1, 2}
	case point == bridge.FaultTakenIn && once:
		return crossing{0, 1}
	default:
		return crossing{1, 1}
	}
}

func TestGatewayThatDiesAtAnyPointLosesNothing(t *testing.T) {
	for _, kind := range []string{"prosody", "ejabberd"} {
		t.Run("to XMPP by "+kind, func(t *testing.T) {
			w := newFaultWorld(t, kind)
			for _, point := range bridge.FaultPoints() {
				w.dieTowardsXMPP(point)
			}
		})
		t.Run("to SIP from "+kind, func(t *testing.T) {
			w := newFaultWorld(t, kind)
			for _, point := range bridge.FaultPoints() {
				w.dieTowardsSIP(point)
			}
		})
	}
}

// dieTowardsXMPP has the agent write to alice. It sends again, in a new
// transaction, what was not answered.
func (w *faultWorld) dieTowardsXMPP(point string) {
	w.t.Helper()
	text := "at " + point
	w.arm(point)
	away := point == bridge.FaultKept // only what has to wait is kept
	if away {
		// Servers keep no good order between what they store while she logs in
		// and what comes then.
		w.must(w.chat.Logout(w.ctx, alice))
		w.server.Kill()
		_, err := w.gateway.WaitHealth(w.ctx, 503)
		w.must(err)
	}
	r := w.message(w.number, w.alice, text)
	r.CallID, r.CSeq, r.Tag = "call-"+point, 7, "tag-"+point
	first, cancel := context.WithCancel(w.ctx)
	answered := make(chan bool, 1)
	go func() {
		_, err := w.sip.Do(first, r)
		answered <- err == nil
	}()
	_, err := w.gateway.Wait(w.ctx)
	w.must(err)
	cancel()
	told := <-answered
	if away {
		w.must(w.server.Start(w.ctx))
	}
	w.revive()
	if !told {
		m, err := w.sip.Do(w.ctx, r)
		w.must(err)
		if m.Code() != 200 && m.Code() != 202 {
			w.t.Errorf("%s: the repeat is answered with %s", point, m.Start)
		}
	}
	if away {
		w.waitMetric(w.gateway, `gateway_queue_length{adapter="chat"}`, "0")
		w.must(w.chat.Login(w.ctx, alice, "alice-pw"))
	}
	_, err = w.chat.WaitText(w.ctx, alice, text)
	w.must(err)
	w.settle()
	identities, n := map[string]bool{}, 0
	for _, e := range w.chat.Texts(alice) {
		if e.Body() == text {
			n++
			identities[e.ID+" "+e.Origin] = true
		}
	}
	if want := expected(point, false); n < want.least || n > want.most || len(identities) > 1 {
		w.t.Errorf("%s: alice got it %d times, want %d to %d, as %v", point, n, want.least, want.most, identities)
	}
}

// dieTowardsSIP has alice write to the agent. She does not know that she
// should say it again.
func (w *faultWorld) dieTowardsSIP(point string) {
	w.t.Helper()
	text := "at " + point
	w.arm(point)
	w.ask("id-"+point, text)
	w.revive()
	w.settle()
	identities, n := map[string]bool{}, 0
	for _, m := range w.sip.Got() {
		if m.Text() == text {
			n++
			identities[m.Identity()] = true
		}
	}
	if want := expected(point, true); n < want.least || n > want.most || len(identities) > 1 {
		w.t.Errorf("%s: the agent got it %d times, want %d to %d, as %v", point, n, want.least, want.most, identities)
	}
	// A receipt may have been under way itself when the gateway ended.
	receipts := map[string]bool{}
	for _, e := range w.chat.All() {
		if e.Received == "id-"+point {
			receipts[e.ID] = true
		}
	}
	if len(receipts) != min(n, 1) {
		w.t.Errorf("%s: alice got %d receipts for what came %d times", point, len(receipts), n)
	}
	for _, e := range w.chat.All() {
		if e.Type == "error" && e.ID == "id-"+point {
			w.t.Errorf("%s: alice got an error for what has arrived: %s", point, fmt.Sprint(e.XML))
		}
	}
}
