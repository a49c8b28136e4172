//go:build e2e

package e2e

import (
	"fmt"
	"testing"

	"gateway/internal/peer"
)

// state is a chat state (XEP-0085) for the agent.
func (w *agentWorld) state(user, state string) {
	w.t.Helper()
	w.must(w.chat.Raw(user, fmt.Sprintf("<message to='%s' type='chat'><%s xmlns='http://jabber.org/protocol/chatstates'/></message>", w.jid, state)))
}

// writes has the agent say that it writes to a user, "active", or no more,
// "idle".
func (w *agentWorld) writes(to, state string) {
	w.t.Helper()
	r := w.message(w.number, to, "<?xml version=\"1.0\"?>\r\n<isComposing xmlns=\"urn:ietf:params:xml:ns:im-iscomposing\"><state>"+state+"</state></isComposing>")
	r.Headers = []string{"Content-Type: application/im-iscomposing+xml"}
	m, err := w.sip.DoAs(w.ctx, r, w.number, "pw-"+w.number)
	w.must(err)
	if m.Code() != 200 {
		w.t.Errorf("%s is answered with %s", state, m.Start)
	}
}

// waitWrites waits for a notice of alice's behind the first n of all, and
// gives their number then.
func (w *agentWorld) waitWrites(n int, state string) int {
	w.t.Helper()
	seen := 0
	_, err := w.sip.Wait(w.ctx, func(m peer.SIPMessage) bool {
		if m.Composing() == "" {
			return false
		}
		seen++
		return seen > n && m.Composing() == state
	})
	w.must(err)
	return seen
}

func TestTypingIsShownBothWays(t *testing.T) {
	for name, make := range map[string]func(*world) *agentWorld{
		"a phone of ours": newOwnPhoneWorld,
		"the peer":        func(w *world) *agentWorld { return newPeerWorld(w, "") },
	} {
		t.Run(name, func(t *testing.T) {
			w := make(newWorld(t))
			n := 0
			for range 2 {
				w.state(alice, "composing")
				n = w.waitWrites(n, "active")
				w.state(alice, "composing") // says nothing new
				w.state(alice, "paused")
				n = w.waitWrites(n, "idle")
			}
			if n != 4 {
				t.Errorf("%d notices, want 4", n)
			}
			mark := w.chat.Out.Len()
			for _, row := range [][2]string{{"active", "composing"}, {"idle", "active"}, {"active", "composing"}} {
				w.writes(w.alice, row[0])
				_, err := w.chat.WaitAfter(w.ctx, mark, func(e peer.ChatEvent) bool { return e.As == alice && e.State == row[1] })
				w.must(err)
				mark = w.chat.Out.Len()
			}
			w.writes("bob", "active") // who has never shown that he knows of it
			w.settle()
			for _, e := range w.chat.All() {
				switch {
				case e.As == bob && e.State != "":
					t.Errorf("bob got %s", e.XML)
				case e.State != "" && e.Body() == "" && (e.From != w.jid || e.Type != "chat"):
					t.Errorf("alice got %s", e.XML)
				}
			}
			wantNoErrors(t, w.chat, alice)
		})
	}
}

// Who does not take such notices, or is not there, gets texts all the same, and
// nothing is kept.
func TestTypingIsNeverStored(t *testing.T) {
	t.Run("for a phone that is off", func(t *testing.T) {
		w := newWorld(t)
		aw := &agentWorld{world: w, prosody: w.prosody(), number: "2001", jid: "2001@" + component, alice: "alice"}
		aw.gateway = w.gateway(w.gatewayTable(), w.sipTable("domain = \""+gatewayDomain+"\"", accounts), w.xmppTable(), phoneMaps)
		aw.chat = w.chat(alice)
		aw.state(alice, "composing")
		w.waitMetric(aw.gateway, `gateway_messages_total{adapter="chat",direction="in",outcome="taken"}`, "1")
		aw.sip = w.agent(peer.PhoneHost, 0)
		w.must(aw.sip.Register(w.ctx, "2001", "pw-2001", gatewayDomain))
		aw.settle()
		for _, m := range aw.sip.Got() {
			if m.Composing() != "" {
				t.Errorf("the phone got %q", m.Body)
			}
		}
	})
	t.Run("for a user whose server is away", func(t *testing.T) {
		w := newPeerWorld(newWorld(t), "")
		w.state(alice, "composing")
		w.waitWrites(0, "active")
		w.prosody.Kill()
		_, err := w.gateway.WaitHealth(w.ctx, 503)
		w.must(err)
		w.writes(w.alice, "active")
		w.must(w.prosody.Start(w.ctx))
		_, err = w.gateway.WaitHealth(w.ctx, 200)
		w.must(err)
		if c := w.tell("text/plain", "a text at last"); c != 200 && c != 202 {
			t.Errorf("answer %d", c)
		}
		_, err = w.chat.WaitText(w.ctx, alice, "a text at last")
		w.must(err)
		for _, e := range w.chat.All() {
			if e.State == "composing" {
				t.Errorf("alice got %s", e.XML)
			}
		}
	})
	t.Run("for a phone that does not take it", func(t *testing.T) {
		w := newOwnPhoneWorld(newWorld(t))
		w.sip.AnswerWith(func(m peer.SIPMessage) int {
			if m.Composing() != "" {
				return 415
			}
			return 200
		})
		w.state(alice, "composing")
		w.waitWrites(0, "active")
		w.state(alice, "paused")
		w.state(alice, "composing")
		w.settle()
		n := 0
		for _, m := range w.sip.Got() {
			if m.Composing() != "" {
				n++
			}
		}
		if n != 1 {
			t.Errorf("it was told %d times after it had refused to be", n)
		}
		wantNoErrors(t, w.chat, alice)
	})
}
