//go:build e2e

package e2e

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gateway/internal/peer"
)

// oscMaps gives the members of the group, the group, alice and the extensions
// names in every network.
const oscMaps = `
[[map]]
home = "chat:alice@example.org"
as   = { pbx = "7001", chat = "alice@phones.example.org", jam = "alice@orchestra" }

[[map]]
home = "pbx:{ext:[1-6][0-9]{2,3}}"
as   = { chat = "{ext}@phones.example.org", jam = "{ext}@orchestra" }

[[map]]
home = "jam:{member:[a-z][a-z0-9-]*}@orchestra"
as   = { chat = "osc+{member}@phones.example.org", pbx = "osc-{member}" }

[[map]]
home = "jam:orchestra"
as   = { chat = "orchestra@phones.example.org", pbx = "8000" }
`

// An oscTextWorld is a trunk world with a group in it, and tim and ann as its
// members.
type oscTextWorld struct {
	*world
	chat     *peer.Chat
	pbx      *peer.SIPp
	tim, ann *peer.OSCMember
}

func newOSCTextWorld(t *testing.T) *oscTextWorld {
	t.Helper()
	w := &oscTextWorld{world: newWorld(t)}
	w.prosody()
	pbx, err := peer.StartSIPpServer(w.ctx, w.Lab, peer.SIPHost, 200)
	w.pbx = got(t, pbx, err)
	w.gateway(w.gatewayTable(), w.sipTable(w.trunk()), w.xmppTable(), w.oscTable(`chat = "/chat"`, `lines = "1s"`, `presence = "/presence"`, `timeout = "10s"`), oscMaps)
	w.chat = w.world.chat(alice)
	server := w.At(peer.GatewayHost, oscPort)
	w.tim, w.ann = w.original("tim", oscHost, server), w.original("ann", oscHost+1, server)
	w.heard(w.tim, "gateway")
	w.heard(w.ann, "gateway")
	return w
}

// oscHas says how often the member was given the message.
func oscHas(m *peer.OSCMember, want peer.OSCMessage) int {
	n := 0
	for _, p := range m.Got() {
		messages, err := peer.ParseOSC(p.Data)
		if err == nil && slices.ContainsFunc(messages, func(m peer.OSCMessage) bool { return reflect.DeepEqual(m, want) }) {
			n++
		}
	}
	return n
}

// wait waits until the member has been given the message.
func (w *oscTextWorld) wait(m *peer.OSCMember, address string, args ...any) {
	w.t.Helper()
	want := peer.OSCMessage{Address: address, Args: args}
	if err := w.poll(func() bool { return oscHas(m, want) > 0 }); err != nil {
		w.t.Fatalf("%s: wait for %v, have %q", m.Name(), want, m.Got())
	}
}

// Texts cross between OSC, XMPP and SIP, to one member and to the group.
func TestOSCTextsCross(t *testing.T) {
	w := newOSCTextWorld(t)
	const tim, group = "osc+tim@" + component, "orchestra@" + component
	text := "Grüße 👋 \"zitiert\" <&>"
	w.must(w.chat.Say(alice, tim, "o1", text))
	w.wait(w.tim, "/chat", "alice", text)
	w.must(w.chat.Say(alice, group, "o2", "to all of you"))
	w.wait(w.tim, "/chat", "alice", "to all of you")
	w.wait(w.ann, "/chat", "alice", "to all of you")
	if oscHas(w.ann, peer.OSCMessage{Address: "/chat", Args: []any{"alice", text}}) > 0 {
		t.Error("ann was given what was for tim")
	}

	say := func(m *peer.OSCMember, address string, args ...any) {
		m.Send(peer.OSCMessage{Address: address, Args: args}.Packet())
	}
	say(w.tim, "/chat", "tim", "für alle")
	w.wait(w.ann, "/chat", "tim", "für alle")
	e, err := w.chat.WaitText(w.ctx, alice, "für alle")
	w.must(err)
	if bare, _, _ := strings.Cut(e.From, "/"); bare != tim {
		t.Errorf("alice is written to by %s", e.From)
	}

	say(w.ann, "/chat/1001", "ann", "for the phone")
	m, err := w.pbx.WaitText(w.ctx, "for the phone")
	w.must(err)
	if from := m.Header("From"); !strings.Contains(from, "<sip:osc-ann@gw.example>") || !strings.Contains(m.Header("To"), "1001") {
		t.Errorf("from %s to %s", from, m.Header("To"))
	}
	if c := w.dial(peer.SIPText{From: "1001", To: "osc-tim", Text: "from the phone"}, peer.SIPText{From: "1002", To: "8000", Text: "to the group"}); !slices.Equal(c, []int{200, 200}) && !slices.Equal(c, []int{202, 202}) {
		t.Errorf("the phone is answered %v", c)
	}
	w.wait(w.tim, "/chat", "1001", "from the phone")
	w.wait(w.tim, "/chat", "1002", "to the group")
	w.wait(w.ann, "/chat", "1002", "to the group")
	// Whoever wrote there is in the conversation.
	say(w.ann, "/chat", "ann", "hello both")
	_, err = w.chat.WaitText(w.ctx, alice, "hello both")
	w.must(err)
	_, err = w.pbx.WaitText(w.ctx, "hello both")
	w.must(err)

	say(w.tim, "/chat/99999", "tim", "is anybody there")
	err = w.poll(func() bool {
		return slices.ContainsFunc(w.tim.Got(), func(p peer.OSCPacket) bool {
			m, err := peer.ParseOSC(p.Data)
			return err == nil && m[0].Address == "/chat/failed" && len(m[0].Args) == 3 && m[0].Args[0] == "99999" && m[0].Args[1] == "not-found"
		})
	})
	if err != nil {
		t.Errorf("tim is not told that nobody is there: %q", w.tim.Got())
	}
	wantNoErrors(t, w.chat, alice)
}

// A line that begins with a slash becomes OSC; and a fader that moves a thousand
// times a second becomes few lines.
func TestOSCBecomesLinesAndLinesBecomeOSC(t *testing.T) {
	w := newOSCTextWorld(t)
	const tim, group = "osc+tim@" + component, "orchestra@" + component
	for i, row := range []struct {
		line string
		want peer.OSCMessage
	}{
		{"/fader/1 0.75", peer.OSCMessage{Address: "/fader/1", Args: []any{float32(0.75)}}},
		{`/cue "two words" 7 true`, peer.OSCMessage{Address: "/cue", Args: []any{"two words", int32(7), true}}},
		{"/go", peer.OSCMessage{Address: "/go"}},
	} {
		w.must(w.chat.Say(alice, tim, fmt.Sprintf("l%d", i), row.line))
		w.wait(w.tim, row.want.Address, row.want.Args...)
	}
	w.must(w.chat.Say(alice, group, "g", "hello"))
	w.wait(w.tim, "/chat", "alice", "hello")
	const n = 3000
	for i := range n {
		w.tim.Send(peer.OSCMessage{Address: "/fader/1", Args: []any{float32(i) / 4}}.Packet())
	}
	w.tim.Send(peer.OSCMessage{Address: "/cue", Args: []any{"last", int32(1)}}.Packet())
	e, err := w.chat.Wait(w.ctx, func(e peer.ChatEvent) bool {
		return e.As == alice && e.Event == "message" && strings.Contains(e.Body(), "/cue last 1")
	})
	w.must(err)
	if bare, _, _ := strings.Cut(e.From, "/"); bare != tim {
		t.Errorf("alice is written to by %s", e.From)
	}
	lines := 0
	for _, e := range w.chat.Texts(alice) {
		lines += strings.Count(e.Body(), "/fader/1")
	}
	if lines == 0 || lines > 20 {
		t.Errorf("%d moves of a fader became %d lines", n, lines)
	}
	wantNoErrors(t, w.chat, alice)
}
