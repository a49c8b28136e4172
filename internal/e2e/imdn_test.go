//go:build e2e

package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"gateway/internal/peer"
)

// receipt and marker are what alice's client sends for a text that it got.
func receipt(e peer.ChatEvent) string {
	return fmt.Sprintf("<message to='%s' id='r-%s' type='chat'><received xmlns='urn:xmpp:receipts' id='%s'/></message>", e.From, e.ID, e.ID)
}

func marker(e peer.ChatEvent) string {
	return fmt.Sprintf("<message to='%s' id='d-%s' type='chat'><displayed xmlns='urn:xmpp:chat-markers:0' id='%s'/></message>", e.From, e.ID, e.ID)
}

const allNews = "positive-delivery, negative-delivery, display"

// asks has the agent send a text that asks for news, and gives the answer's
// code.
func (w *agentWorld) asks(to, id, what, text string) int {
	w.t.Helper()
	r := w.message(w.number, to, wrapAsking(w.number, to, id, what, "Content-Type: text/plain;charset=UTF-8", text))
	r.Headers = []string{"Content-Type: message/cpim"}
	m, err := w.sip.DoAs(w.ctx, r, w.number, "pw-"+w.number)
	w.must(err)
	return m.Code()
}

// notified lists what the agent was told of a text of its own.
func (w *agentWorld) notified(id string) (all []string) {
	for _, m := range w.sip.Got() {
		if n, ok := m.IMDN(); ok && n.ID == id {
			all = append(all, n.Status)
		}
	}
	return all
}

func TestSIPSenderHearsOfItsTextWhatItAskedFor(t *testing.T) {
	for _, row := range []struct {
		name, what, want string
		own              bool
	}{
		{"everything, a phone of ours", allNews, "delivered displayed", true},
		{"everything, behind the peer", allNews, "delivered displayed", false},
		{"delivery", "positive-delivery", "delivered", false},
		{"display", "display", "displayed", false},
		{"failure", "negative-delivery", "", false},
		{"nothing", "", "", false},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			var aw *agentWorld
			if row.own {
				aw = newOwnPhoneWorld(w)
			} else {
				aw = newPeerWorld(w, "")
			}
			if c := aw.asks(aw.alice, "x1", row.what, "tell me"); c != 200 {
				t.Fatalf("answer %d", c)
			}
			e, err := aw.chat.WaitText(w.ctx, alice, "tell me")
			w.must(err)
			if e.Asks("receipts") != strings.Contains(row.what, "positive") || e.Asks("markers") != strings.Contains(row.what, "display") {
				t.Errorf("alice is asked for other things: %s", e.XML)
			}
			forged := strings.NewReplacer("id='r-", "id='f-").Replace(receipt(e))
			w.must(aw.chat.Raw(bob, forged)) // it is none of his business
			w.must(aw.chat.Raw(bob, marker(e)))
			for range 2 { // as her two clients would
				w.must(aw.chat.Raw(alice, receipt(e)))
				w.must(aw.chat.Raw(alice, marker(e)))
			}
			aw.settle()
			if got := strings.Join(aw.notified("x1"), " "); got != row.want {
				t.Errorf("it heard %q, want %q", got, row.want)
			}
			for _, m := range aw.sip.Got() {
				if _, ok := m.IMDN(); !ok {
					continue
				}
				c, _ := m.CPIM()
				if c.Inner("Content-Disposition") != "notification" || !strings.Contains(c.Body, "2026-11-22T10:00:00Z") {
					t.Errorf("a notification is %q", m.Body)
				}
			}
			wantNoNewsOfNews(t, aw)
		})
	}
}

// A marker says that a text was seen, not that it was delivered; nor is it
// about texts of other threads, as those of other Call-IDs are.
func TestMarkerAloneTellsOfNothingElse(t *testing.T) {
	w := newPeerWorld(newWorld(t), "")
	for _, id := range []string{"x1", "x2"} {
		if c := w.asks(w.alice, id, allNews, "text "+id); c != 200 {
			t.Fatalf("answer %d", c)
		}
	}
	e, err := w.chat.WaitText(w.ctx, alice, "text x2")
	w.must(err)
	w.must(w.chat.Raw(alice, marker(e)))
	w.settle()
	if first, second := w.notified("x1"), w.notified("x2"); len(first) > 0 || !slices.Equal(second, []string{"displayed"}) {
		t.Errorf("it heard %q of the first and %q of the second", first, second)
	}
}

func TestSIPSenderHearsOfAFailureByTheAnswer(t *testing.T) {
	w := newPeerWorld(newWorld(t), "")
	if c := w.asks("nobody", "x1", allNews, "hello?"); c != 404 && c != 480 {
		t.Errorf("answer %d", c)
	}
	w.settle()
	if got := w.notified("x1"); len(got) > 0 {
		t.Errorf("and it heard %q", got)
	}
}

// What was taken with 202 and could not be delivered in time.
func TestSIPSenderHearsOfAFailureLater(t *testing.T) {
	for _, row := range []struct{ name, what string }{
		{"asked for failures", "negative-delivery"},
		{"asked for delivery", "positive-delivery"},
		{"asked for nothing", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			p := w.prosody()
			aw := &agentWorld{world: w, number: "1001", alice: "7001"}
			aw.sip = w.agent(peer.SIPHost, peer.SIPPort)
			aw.gateway = w.gateway(w.gatewayTable(), "[limits]\nexpire = \"2s\"\n\n", w.sipTable(w.trunk()), w.xmppTable(), maps)
			p.Kill()
			_, err := aw.gateway.WaitHealth(w.ctx, 503)
			w.must(err)
			if c := aw.asks(aw.alice, "x1", row.what, "soon too old"); c != 202 {
				t.Fatalf("answer %d", c)
			}
			m, err := aw.sip.Wait(w.ctx, func(peer.SIPMessage) bool { return true })
			w.must(err)
			n, isNews := m.IMDN()
			asked := row.what == "negative-delivery"
			switch {
			case asked && (!isNews || n.ID != "x1" || n.Status != "failed"):
				t.Errorf("it got %q, want a notification of failure", m.Body)
			case !asked && (isNews || !strings.Contains(m.Text(), "soon too old")):
				t.Errorf("it got %q, want a text that says so", m.Body)
			}
			if !strings.Contains(m.Header("From"), "7001@") {
				t.Errorf("it is from %s", m.Header("From"))
			}
			w.waitMetric(aw.gateway, `gateway_queue_length{adapter="pbx"}`, "0")
			w.waitMetric(aw.gateway, `gateway_queue_length{adapter="chat"}`, "0")
			if all := aw.sip.Got(); len(all) != 1 {
				t.Errorf("it got %d messages", len(all))
			}
		})
	}
}
