//go:build e2e

package e2e

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gateway/internal/peer"
)

// An ejabberdWorld is a trunkWorld with another XMPP server.
type ejabberdWorld struct {
	*world
	ejabberd *peer.Ejabberd
	chat     *peer.Chat
	pbx      *peer.SIPp
	gateway  *peer.Gateway
}

func newEjabberdWorld(t *testing.T) *ejabberdWorld {
	t.Helper()
	w := newWorld(t)
	server, err := peer.StartEjabberd(w.ctx, w.Lab, peer.EjabberdConfig{
		Users:      map[string]string{"alice@example.org": "alice-pw", "bob@example.org": "bob-pw"},
		Components: map[string]string{component: secret},
		Offline:    true,
	})
	w.must(err)
	pbx, err := peer.StartSIPpServer(w.ctx, w.Lab, peer.SIPHost, 200)
	w.must(err)
	g := w.gateway(w.gatewayTable(), w.sipTable(w.trunk()), w.xmppTable(), maps)
	return &ejabberdWorld{world: w, ejabberd: server, chat: w.chat(alice, bob), pbx: pbx, gateway: g}
}

// ask sends one text from 1001 over s and gives the answer's code.
func (w *ejabberdWorld) ask(s *peer.Wire, to, text string) int {
	w.t.Helper()
	m, err := s.Do(w.ctx, w.message("1001", to, text))
	w.must(err)
	return m.Code()
}

func TestTextsCrossBothWaysByEjabberdLetterByLetter(t *testing.T) {
	w := newEjabberdWorld(t)
	s := w.wire(peer.SIPHost)
	for i, text := range letters {
		w.must(w.chat.Say(alice, "1001@"+component, fmt.Sprintf("m%d", i), text))
		m, err := w.pbx.WaitText(w.ctx, text)
		w.must(err)
		if from := m.Header("From"); !strings.Contains(from, "<sip:7001@gw.example>") {
			t.Errorf("From: %s", from)
		}
		if c := w.ask(s, "7001", text); c != 200 {
			t.Errorf("%q: answer %d", text, c)
		}
		e, err := w.chat.WaitText(w.ctx, alice, text)
		w.must(err)
		if bare, _, _ := strings.Cut(e.From, "/"); bare != "1001@"+component || e.Type != "chat" {
			t.Errorf("alice got %+v", e)
		}
	}
	w.must(w.chat.Say(alice, "99999@"+component, "none", "hello?"))
	e, err := w.chat.WaitError(w.ctx, alice, "none")
	w.must(err)
	if e.Error.Condition != "item-not-found" {
		t.Errorf("nobody is there, and alice got %+v", e.Error)
	}
	wantSteady(t, w)
}

// wantSteady says if the gateway lost its connection to the server.
func wantSteady(t *testing.T, w *ejabberdWorld) {
	t.Helper()
	if n := w.metric(w.gateway, `gateway_xmpp_reconnects_total{adapter="chat"}`); n != "0" {
		t.Errorf("%s sessions with the server ended", n)
	}
}

func TestFiftyMessagesEachWayByEjabberdKeepTheirOrder(t *testing.T) {
	w := newEjabberdWorld(t)
	w.fiftyEachWay(w.chat, w.pbx)
	wantSteady(t, w)
}

// ejabberd refuses, in one go, what is for users it does not know: each error
// is ahead of the barrier behind its message.
func TestUsersUnknownToEjabberdAreToldToTheSIPSender(t *testing.T) {
	w := newEjabberdWorld(t)
	s := w.wire(peer.SIPHost)
	const n = 100
	for i := range n {
		if c := w.ask(s, fmt.Sprintf("nobody%d", i), "hello?"); c != 480 {
			t.Errorf("message %d: answer %d, want 480", i, c)
		}
	}
	if late := w.metric(w.gateway, `gateway_xmpp_late_errors_total{adapter="chat"}`); late != "0" {
		t.Errorf("%s errors were late", late)
	}
	wantSteady(t, w)
}

// What the session of a user says comes when it comes: in time to be the
// answer, or late. Late errors are counted, all of them.
func TestUserOfEjabberdWhoBlocksTheSenderRefusesInTimeOrIsCounted(t *testing.T) {
	w := newEjabberdWorld(t)
	w.must(w.chat.Raw(alice, "<iq type='set' id='block'><block xmlns='urn:xmpp:blocking'><item jid='1001@"+component+"'/></block></iq>"))
	_, err := w.chat.Wait(w.ctx, func(e peer.ChatEvent) bool { return e.As == alice && e.ID == "block" && e.Type == "result" })
	w.must(err)
	s := w.wire(peer.SIPHost)
	taken := 0
	const n = 50
	for i := range n {
		switch c := w.ask(s, "7001", "you can't hear me"); c {
		case 200:
			taken++
		case 480:
		default:
			t.Errorf("message %d: answer %d, want 480, or 200 if the error is late", i, c)
		}
	}
	w.waitMetric(w.gateway, `gateway_xmpp_late_errors_total{adapter="chat"}`, strconv.Itoa(taken))
	t.Logf("%d of %d errors were late", taken, n)
	if c := w.ask(s, "bob", "and you?"); c != 200 {
		t.Errorf("to bob: answer %d", c)
	}
	_, err = w.chat.WaitText(w.ctx, bob, "and you?")
	w.must(err)
	if texts := w.chat.Texts(alice); len(texts) > 0 {
		t.Errorf("alice got %+v", texts)
	}
	wantSteady(t, w)
}

// Alice is away, as ejabberd keeps no order between what it stores while she
// logs in and what comes then.
func TestEjabberdThatWasKilledGetsItsMessagesLater(t *testing.T) {
	w := newEjabberdWorld(t)
	w.must(w.chat.Logout(w.ctx, alice))
	w.ejabberd.Kill()
	_, err := w.gateway.WaitHealth(w.ctx, 503)
	w.must(err)
	const n = 5
	var batch []peer.SIPText
	for i := range n {
		batch = append(batch, peer.SIPText{From: "1001", To: "7001", Text: fmt.Sprintf("meanwhile %02d", i)})
	}
	if c := w.dial(batch...); !slices.Equal(c, codes(n, 202)) {
		t.Errorf("answers %v, want 202", c)
	}
	w.must(w.ejabberd.Start(w.ctx))
	w.waitMetric(w.gateway, `gateway_queue_length{adapter="chat"}`, "0")
	w.must(w.chat.Login(w.ctx, alice, "alice-pw"))
	_, err = w.chat.WaitText(w.ctx, alice, fmt.Sprintf("meanwhile %02d", n-1))
	w.must(err)
	var texts []string
	for _, e := range w.chat.Texts(alice) {
		texts = append(texts, e.Body())
		if e.Delay == "" {
			t.Errorf("%q does not say when it was sent", e.Body())
		}
	}
	wantNumbered(t, texts, "meanwhile %02d", n)
	_, err = w.gateway.WaitHealth(w.ctx, 200)
	w.must(err)
	w.must(w.chat.Say(alice, "1001@"+component, "after", "back again"))
	_, err = w.pbx.WaitText(w.ctx, "back again")
	w.must(err)
}
