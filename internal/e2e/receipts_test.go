//go:build e2e

package e2e

import (
	"sync/atomic"
	"testing"

	"gateway/internal/peer"
)

func TestAliceHearsOnceThatAPhoneHasHerText(t *testing.T) {
	refuse := func(code int) func(peer.SIPMessage) int {
		return func(m peer.SIPMessage) int {
			if m.Method() == "OPTIONS" {
				return 200
			}
			return code
		}
	}
	for _, row := range []struct {
		name                string
		own                 bool   // the agent is a phone of ours
		receipts            string // a line of its map
		code                int    // its answer to texts
		statuses            []string
		received, displayed int
	}{
		{"a phone of ours", true, "", 200, nil, 1, 0},
		{"a phone of ours, which says so too", true, "", 200, []string{"delivered", "delivered", "displayed", "displayed"}, 1, 1},
		{"a phone of ours that only stores it", true, "", 202, nil, 0, 0},
		{"a phone of ours that stores it and gets it", true, "", 202, []string{"delivered", "displayed"}, 1, 1},
		{"the peer", false, "", 200, nil, 0, 0},
		{"the peer, whose phone says so", false, "", 200, []string{"delivered", "delivered", "displayed"}, 1, 1},
		{"the peer, whose phone only displays", false, "", 200, []string{"displayed"}, 0, 1},
		{"the peer, by its word", false, `receipts = "hop"`, 200, nil, 1, 0},
		{"the peer, by its word and its phone's", false, `receipts = "hop"`, 200, []string{"delivered", "displayed"}, 1, 1},
		{"the peer only stores it", false, "", 202, nil, 0, 0},
		{"the peer only stores it, by its word", false, `receipts = "hop"`, 202, nil, 0, 0},
		{"the peer stores it, and its phone gets it", false, `receipts = "hop"`, 202, []string{"delivered"}, 1, 0},
		{"other news", false, "", 200, []string{"processed", "stored"}, 0, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			var aw *agentWorld
			if row.own {
				aw = newOwnPhoneWorld(w)
			} else {
				aw = newPeerWorld(w, row.receipts)
			}
			aw.sip.AnswerWith(refuse(row.code))
			aw.ask("r1", "have you got it?")
			m, err := aw.sip.WaitText(w.ctx, "have you got it?")
			w.must(err)
			for _, status := range row.statuses {
				aw.notify(m, status)
			}
			aw.settle()
			if n := aw.received("r1"); n != row.received {
				t.Errorf("%d receipts, want %d", n, row.received)
			}
			if n := aw.displayed("r1"); n != row.displayed {
				t.Errorf("%d markers, want %d", n, row.displayed)
			}
			wantNoErrors(t, aw.chat, alice)
			wantNoNewsOfNews(t, aw)
		})
	}
}

// wantNoNewsOfNews says if a receipt of ours asks for a receipt, or a
// notification for one, or if any text came twice.
func wantNoNewsOfNews(t *testing.T, w *agentWorld) {
	t.Helper()
	for _, e := range w.chat.All() {
		if (e.Received != "" || e.Displayed != "") && (e.Body() != "" || e.Asks("receipts") || e.Asks("markers")) {
			t.Errorf("news that asks for news: %s", e.XML)
		}
	}
	texts := map[string]bool{}
	for _, m := range w.sip.Got() {
		if c, ok := m.CPIM(); ok && c.Header("imdn.Disposition-Notification") != "" && m.Text() == "" {
			t.Errorf("news that asks for news: %s", m.Body)
		}
		if text := m.Text(); text != "" && texts[text] {
			t.Errorf("%q came twice", text)
		}
		texts[m.Text()] = true
	}
}

// A phone may be quicker with its notification than with its answer.
func TestNotificationAheadOfTheAnswerIsTheOneReceipt(t *testing.T) {
	w := newOwnPhoneWorld(newWorld(t))
	var notified atomic.Bool
	w.sip.AnswerWith(func(m peer.SIPMessage) int {
		if m.Text() == "quick" && !notified.Load() {
			return 0
		}
		return 200
	})
	w.ask("q1", "quick")
	m, err := w.sip.WaitText(w.ctx, "quick")
	w.must(err)
	w.notify(m, "delivered")
	w.waitReceived("q1")
	notified.Store(true)
	w.sip.Forget() // so that the next repeat is answered
	w.settle()
	if n := w.received("q1"); n != 1 {
		t.Errorf("%d receipts", n)
	}
}

func TestAliceHearsWhenAPhoneSaysThatItFailed(t *testing.T) {
	for _, status := range []string{"failed", "forbidden", "error"} {
		t.Run(status, func(t *testing.T) {
			w := newPeerWorld(newWorld(t), "")
			w.ask("f1", "lost on the way")
			m, err := w.sip.WaitText(w.ctx, "lost on the way")
			w.must(err)
			w.notify(m, status)
			w.notify(m, status)
			w.settle()
			if n := w.received("f1"); n != 0 {
				t.Errorf("%d receipts", n)
			}
			n := w.count(func(e peer.ChatEvent) bool { return e.Type == "error" && e.ID == "f1" })
			if n != 1 {
				t.Errorf("%d errors, want 1", n)
			}
		})
	}
}

// Nobody but the recipient can say that a text has arrived.
func TestNotificationByAnotherIsNoReceipt(t *testing.T) {
	w := newPeerWorld(newWorld(t), "")
	w.ask("n1", "for 1001 alone")
	m, err := w.sip.WaitText(w.ctx, "for 1001 alone")
	w.must(err)
	w.number = "1002"
	w.notify(m, "displayed")
	w.notify(m, "failed")
	w.number = "1001"
	for _, id := range []string{"made-up", "", "n1"} {
		body := wrap("1001", "7001", "Content-Type: message/imdn+xml", imdn(id, "2026-11-22T10:00:00Z", "displayed"))
		if c := w.tell("message/cpim", body); c != 200 && c != 400 {
			t.Errorf("a notification of %q is answered with %d", id, c)
		}
	}
	w.settle()
	if n := w.displayed("n1"); n != 0 {
		t.Errorf("%d markers", n)
	}
	wantNoErrors(t, w.chat, alice)
}

func TestPhoneThatDoesNotTakeCPIMGetsPlainText(t *testing.T) {
	for _, code := range []int{415, 406, 488} {
		w := newOwnPhoneWorld(newWorldAlone(t))
		w.sip.AnswerWith(func(m peer.SIPMessage) int {
			if _, ok := m.CPIM(); ok {
				return code
			}
			return 200
		})
		for _, id := range []string{"p1", "p2"} {
			w.ask(id, "plain "+id)
			m, err := w.sip.Wait(w.ctx, func(m peer.SIPMessage) bool {
				_, wrapped := m.CPIM()
				return m.Text() == "plain "+id && !wrapped
			})
			w.must(err)
			if m.Body != "plain "+id {
				t.Errorf("%d: the phone got %q", code, m.Body)
			}
			w.waitReceived(id)
		}
		var wrapped int
		for _, m := range w.sip.Got() {
			if _, ok := m.CPIM(); ok {
				wrapped++
			}
		}
		if wrapped != 1 {
			t.Errorf("%d: the phone was asked %d times whether it takes CPIM", code, wrapped)
		}
		w.settle()
		if w.received("p1") != 1 || w.received("p2") != 1 {
			t.Errorf("%d: %d and %d receipts", code, w.received("p1"), w.received("p2"))
		}
		wantNoErrors(t, w.chat, alice)
	}
}

// Linphone takes message/cpim, and says by itself what it has got.
func TestLinphoneGivesOneReceipt(t *testing.T) {
	w := newPhoneWorld(t)
	phone, err := peer.StartLinphone(w.ctx, w.Lab, w.account(0, false))
	w.must(err)
	aw := &agentWorld{world: w.world, chat: w.chat, gateway: w.gateway, jid: "2001@" + component}
	for _, id := range []string{"l1", "l2"} {
		aw.ask(id, "for linphone "+id)
		_, err = phone.WaitText(w.ctx, "for linphone "+id)
		w.must(err)
		aw.waitReceived(id)
	}
	// Its own words count beside its answers.
	w.waitMetric(w.gateway, `gateway_messages_total{adapter="pbx",direction="in",outcome="taken"}`, "2")
	w.must(phone.Send("sip:alice@"+gatewayDomain, "the end"))
	_, err = w.chat.WaitText(w.ctx, alice, "the end")
	w.must(err)
	w.waitMetric(w.gateway, `gateway_queue_length{adapter="chat"}`, "0")
	for _, id := range []string{"l1", "l2"} {
		if n := aw.received(id); n != 1 {
			t.Errorf("%d receipts for %s", n, id)
		}
	}
	wantNoErrors(t, w.chat, alice)
}
