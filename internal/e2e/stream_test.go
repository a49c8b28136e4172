//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"gateway/internal/peer"
)

// Of a stream of messages each way, under which the gateway is killed twice,
// everything arrives that its sender was told to be safe. What it was not told
// so, it sends again, as the same message. Whatever comes twice has one
// identity.
const (
	streamLength  = 1000 // each way
	streamSenders = 4    // extensions 1001 and up, each with a part
)

const unlimited = "[limits]\nmessages_per_sender = 1000000\nmessages_per_second = 1000000\n\n"

// A streamWorld has the agent play four extensions behind the peer, of which
// the word of the peer counts as delivery.
type streamWorld struct {
	*world
	chat    *peer.Chat
	sip     *peer.UserAgent
	gateway *peer.Gateway
}

func newStreamWorld(t *testing.T) *streamWorld {
	t.Helper()
	w := newWorld(t)
	w.prosody()
	sw := &streamWorld{world: w, sip: w.agent(peer.SIPHost, peer.SIPPort)}
	sw.gateway = w.gateway(w.gatewayTable(), unlimited, w.sipTable(w.trunk()), w.xmppTable(), receiptMaps(`receipts = "hop"`))
	sw.chat = w.chat(alice)
	return sw
}

// killTwice kills the gateway when that many texts have arrived on either
// side, and once more when twice as many have.
func (w *streamWorld) killTwice(arrived func() int) {
	w.t.Helper()
	for _, n := range []int{streamLength / 4, streamLength / 2} {
		w.must(w.poll(func() bool { return arrived() >= n }))
		w.gateway.Kill()
		w.must(w.gateway.Start(w.ctx))
		_, err := w.gateway.WaitHealth(w.ctx, 200)
		w.must(err)
	}
}

// speak has each extension send its part, one message at a time, each until it
// is answered.
func (w *streamWorld) speak(done *sync.WaitGroup) {
	for s := range streamSenders {
		done.Go(func() {
			for i := s; i < streamLength; i += streamSenders {
				r := w.message(fmt.Sprint(1001+s), "7001", fmt.Sprintf("to xmpp %04d", i))
				m, err := w.sip.Do(w.ctx, r)
				if err != nil || m.Code() != 200 && m.Code() != 202 {
					w.t.Errorf("message %d: %s %v", i, m.Start, err)
					return
				}
			}
		})
	}
}

// write has alice write to the extensions what has no receipt yet.
func (w *streamWorld) write(received map[string]bool) {
	w.t.Helper()
	for i := range streamLength {
		id := fmt.Sprintf("s%04d", i)
		if received[id] {
			continue
		}
		w.must(w.chat.Raw(alice, fmt.Sprintf("<message to='%d@%s' type='chat' id='%s'><body>to sip %04d</body>"+
			"<request xmlns='urn:xmpp:receipts'/></message>", 1001+i%streamSenders, component, id, i)))
	}
}

// receipts is what alice has heard of so far.
func (w *streamWorld) receipts() map[string]bool {
	all := map[string]bool{}
	for _, e := range w.chat.All() {
		if e.Received != "" {
			all[e.Received] = true
		}
	}
	return all
}

func TestNothingAcknowledgedIsLostOfAThousandMessagesEachWay(t *testing.T) {
	t.Run("towards XMPP", func(t *testing.T) {
		w := newStreamWorld(t)
		var senders sync.WaitGroup
		w.speak(&senders)
		w.killTwice(func() int { return len(w.chat.Texts(alice)) })
		senders.Wait()
		w.must(w.poll(func() bool { return len(w.arrivedAtAlice()) == streamLength }))
		w.waitMetric(w.gateway, `gateway_queue_length{adapter="chat"}`, "0")
		wantOneIdentity(t, w.arrivedAtAlice(), "to xmpp %04d")
	})
	t.Run("towards SIP", func(t *testing.T) {
		w := newStreamWorld(t)
		w.write(nil)
		w.killTwice(func() int { return len(w.sip.Got()) })
		w.calm()
		safe := w.receipts()
		arrived := w.arrivedAtSIP()
		for id := range safe {
			if text := "to sip " + strings.TrimPrefix(id, "s"); len(arrived[text]) == 0 {
				t.Errorf("%q was acknowledged, and has not arrived", text)
			}
		}
		t.Logf("%d of %d were acknowledged, %d arrived", len(safe), streamLength, len(arrived))
		w.write(safe)
		w.calm()
		if n := len(w.receipts()); n != streamLength {
			t.Errorf("%d receipts in the end, want %d", n, streamLength)
		}
		wantOneIdentity(t, w.arrivedAtSIP(), "to sip %04d")
	})
}

// calm waits until the gateway has read all that alice has sent, and handed it
// on.
func (w *streamWorld) calm() {
	w.t.Helper()
	id := fmt.Sprintf("calm-%d", w.chat.Out.Len())
	_, err := w.chat.Ask(w.ctx, alice, component, id, "<ping xmlns='urn:xmpp:ping'/>")
	w.must(err)
	w.waitMetric(w.gateway, `gateway_queue_length{adapter="pbx"}`, "0")
	w.waitMetric(w.gateway, `gateway_queue_length{adapter="chat"}`, "0")
	_, err = w.chat.Ask(w.ctx, alice, "example.org", "more-"+id, "<ping xmlns='urn:xmpp:ping'/>")
	w.must(err)
}

// arrivedAtAlice and arrivedAtSIP are the identities of what has arrived, by
// text.
func (w *streamWorld) arrivedAtAlice() map[string]map[string]bool {
	all := map[string]map[string]bool{}
	for _, e := range w.chat.Texts(alice) {
		note(all, e.Body(), e.ID+" "+e.Origin)
	}
	return all
}

func (w *streamWorld) arrivedAtSIP() map[string]map[string]bool {
	all := map[string]map[string]bool{}
	for _, m := range w.sip.Got() {
		note(all, m.Text(), m.Identity())
	}
	return all
}

func note(all map[string]map[string]bool, text, identity string) {
	if all[text] == nil {
		all[text] = map[string]bool{}
	}
	all[text][identity] = true
}

func wantOneIdentity(t *testing.T, arrived map[string]map[string]bool, format string) {
	t.Helper()
	for i := range streamLength {
		text := fmt.Sprintf(format, i)
		if n := len(arrived[text]); n != 1 {
			t.Errorf("%q came as %d messages: %v", text, n, arrived[text])
		}
	}
	if len(arrived) != streamLength {
		t.Errorf("%d texts arrived, want %d", len(arrived), streamLength)
	}
}
