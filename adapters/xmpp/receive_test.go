package xmpp

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gateway/bridge"
)

func TestAMessageGoesToTheBridgeWhole(t *testing.T) {
	t.Parallel()
	inRig(t, nil, func(r *rig) {
		r.send(`<message from='Alice@Example.org/Home PC' to='o\27malley@gw.example' id='m1' type='chat' xml:lang='de'>` +
			`<active xmlns='http://jabber.org/protocol/chatstates'/><subject>Gruß</subject>` +
			`<body>Grüße &amp; &lt;Küsse&gt;</body><body xml:lang='en'>Love</body><body xmlns='urn:x'>not this</body>` +
			`<thread>t1</thread><delay xmlns='urn:xmpp:delay' stamp='nonsense'/>` +
			`<delay xmlns='urn:xmpp:delay' stamp='2026-01-02T03:04:05.678Z'>Offline</delay></message>`)
		want := bridge.Message{
			Ref: "m1", Subject: []bridge.Body{{Lang: "de", Text: "Gruß"}},
			Bodies: []bridge.Body{{Lang: "de", Text: "Grüße & <Küsse>"}, {Lang: "en", Text: "Love"}},
			Thread: "t1", Sent: time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC), Hops: 70, Once: true,
		}
		want.From.Name, want.To.Name = "alice@example.org/Home PC", "o'malley@gw.example"
		if m := <-r.h.messages; !reflect.DeepEqual(m, want) {
			r.t.Errorf("got  %+v\nwant %+v", m, want)
		}
		r.send(`<message from='a@b' to='x@gw.example'><body>no type, no language</body></message>`)
		if m := <-r.h.messages; m.Bodies[0] != (bridge.Body{Lang: "en", Text: "no type, no language"}) || m.Ref != "" {
			r.t.Errorf("got %+v", m)
		}
		r.alive() // nothing was answered
	})
}

func TestWhatTheBridgeRefusesIsAnswered(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"forbidden", &bridge.Error{Cause: bridge.Forbidden}, "auth forbidden"},
		{"with a reason", &bridge.Error{Cause: bridge.NotFound, Reason: "no\nsuch \x07number"}, "cancel item-not-found text=no such number"},
		{"for a while", &bridge.Error{Cause: bridge.Policy, Retry: true}, "wait policy-violation"},
		{"wrapped", errors.Join(&bridge.Error{Cause: bridge.Busy}), "wait recipient-unavailable"},
		{"unknown", errors.New("secret detail"), "wait internal-server-error"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			inRig(t, nil, func(r *rig) {
				r.h.answer = func(_ bridge.Message, done func(bridge.Outcome, error)) { done(0, tt.err) }
				r.send(`<message from='a@b/c' to='x@gw.example/d' id='&lt;1&gt;' type='chat'><body>hi</body></message>`)
				n := <-r.got
				if n.brief() != tt.want || n.attr("type") != "error" || n.attr("id") != "<1>" || n.attr("from") != "x@gw.example/d" || n.attr("to") != "a@b/c" {
					r.t.Errorf("got %+v, %q, want %q", n, n.brief(), tt.want)
				}
				r.alive()
			})
		})
	}
}

func TestMessagesThatDontGoToTheBridge(t *testing.T) {
	t.Parallel()
	own := newMarker([]byte("0123456789abcdef0123456789abcdef")).wireID(testID, "hi\nyou", bridge.Name{Lead: "a", Main: "b"})
	for _, tt := range []struct{ name, in, want string }{
		{"a chat state in a room", `<message from='a@b/c' to='x@gw.example' type='groupchat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`, ""},
		{"a chat state of long ago", `<message from='a@b' to='x@gw.example' type='chat'><composing xmlns='http://jabber.org/protocol/chatstates'/>` +
			`<delay xmlns='urn:xmpp:delay' stamp='2026-01-02T03:04:05Z'/></message>`, ""},
		{"an unknown chat state", `<message from='a@b' to='x@gw.example' type='chat'><dreaming xmlns='http://jabber.org/protocol/chatstates'/></message>`, ""},
		{"a hint", `<message from='a@b' to='x@gw.example' type='chat'><store xmlns='urn:xmpp:hints'/></message>`, ""},
		{"an empty one", `<message from='a@b' to='x@gw.example'/>`, ""},
		{"an error for nothing of ours", `<message from='a@b' to='x@gw.example' type='error' id='1'><body>hi</body></message>`, ""},
		{"from our own domain", `<message from='y@gw.example' to='x@gw.example'><body>hi</body></message>`, ""},
		{"for another domain", `<message from='a@b' to='x@other.example'><body>hi</body></message>`, ""},
		{"from nobody", `<message to='x@gw.example'><body>hi</body></message>`, ""},
		{"group chat", `<message from='a@b/c' to='x@gw.example' type='groupchat' id='1'><body>hi</body></message>`, "cancel service-unavailable text=there are no rooms here"},
		{"our own", `<message from='a@b/c' to='x@gw.example' type='chat' id='` + own + `'><body>hi&#13;&#10;you</body></message>`, "cancel not-acceptable text=this message came from here"},
		{"a bad sender", `<message from='“q”@b' to='x@gw.example' id='1'><body>hi</body></message>`, "modify jid-malformed"},
		{"a bad recipient", `<message from='a@b' to='a\5cb@gw.example' id='1'><body>hi</body></message>`, "modify jid-malformed"},
		{"a comment in it", `<message from='a@b' to='x@gw.example' id='1'><body>hi</body><!-- x --></message>`, "modify bad-request"},
		{"a long id", `<message from='a@b' to='x@gw.example' id='` + strings.Repeat("x", 2000) + `'><body>hi</body></message>`, "modify policy-violation text=the id is too long"},
		{"too large", `<message from='a@b' to='x@gw.example' id='1'><body>` + strings.Repeat("x", 600<<10) + `</body></message>`, "modify policy-violation text=the stanza is too large"},
		{"a stream error in it", `<message from='a@b' to='x@gw.example' id='1'><body>hi</body><error xmlns='http://etherx.jabber.org/streams'/></message>`, "modify bad-request"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			inRig(t, nil, func(r *rig) {
				r.send("%s", tt.in)
				if tt.want != "" {
					if n := <-r.got; n.brief() != tt.want || n.attr("type") != "error" {
						r.t.Errorf("got %+v, %q", n, n.brief())
					}
				}
				r.alive()
				if len(r.h.messages) != 0 || len(r.h.bounced) != 0 {
					r.t.Errorf("the bridge got %+v", <-r.h.messages)
				}
			})
		})
	}
}

// What a server may route to us and the library's parser ends the stream for.
func TestAddressesOfEveryKindLeaveTheStreamAlone(t *testing.T) {
	t.Parallel()
	inRig(t, nil, func(r *rig) {
		for _, from := range []string{
			"u@under_score.localhost", "u@-dash.example", "u@xn--zzzzzzzz---.example", "“q”@example.org", "@example.org", "u@", "u@x/",
			"o'malley@x", `a"b@x`, "a b@x", "\u202e@x", "u@" + strings.Repeat("a", 2000), "u@[::1", "u@a..b", "😀@x", "u@😀.example",
		} {
			from = strings.NewReplacer("'", "&apos;", `"`, "&quot;").Replace(from)
			for _, rest := range []string{
				"to='x@gw.example' id='1'><body>hi</body>", "to='@gw.example' id='1'><body>hi</body>", "to='gw.example/'>",
			} {
				for _, name := range []string{"message", "presence", "iq", "iq type='get'", "iq type='set'", "iq type='result'", "presence type='subscribe'", "message type='error'"} {
					r.send("<%s from='%s' %s</%s>", name, from, rest, strings.Fields(name)[0])
				}
			}
		}
		r.send("<iq type='get' id='last' from='a@b/c' to='gw.example'><ping xmlns='urn:xmpp:ping'/></iq>")
		for n := range r.got {
			if n.attr("id") == "last" {
				break
			}
		}
		if len(r.h.states) != 0 {
			r.t.Errorf("state %v", <-r.h.states)
		}
	})
}

func TestAPanicEndsWithItsStanza(t *testing.T) {
	t.Parallel()
	inRig(t, nil, func(r *rig) {
		r.h.answer = func(bridge.Message, func(bridge.Outcome, error)) { panic("oh") }
		r.send("<message from='a@b' to='x@gw.example' id='1'><body>hi</body></message>")
		if n := <-r.got; n.brief() != "wait internal-server-error" || n.attr("id") != "1" {
			r.t.Errorf("got %+v, %q", n, n.brief())
		}
		r.alive()
		if n := r.a.fates.left(); n != 0 {
			r.t.Errorf("%d fates are waited for", n)
		}
	})
}

func TestEveryRequestIsAnswered(t *testing.T) {
	t.Parallel()
	const features = " feature=http://jabber.org/protocol/disco#info feature=http://jabber.org/protocol/disco#items feature=urn:xmpp:ping feature=jabber:iq:version"
	const party = features + " feature=urn:xmpp:receipts feature=urn:xmpp:chat-markers:0 feature=http://jabber.org/protocol/chatstates feature=jabber:x:oob"
	for _, tt := range []struct{ name, typ, to, payload, want string }{
		{"ping", "get", "gw.example", "<ping xmlns='urn:xmpp:ping'/>", "result"},
		{"ping to a user", "get", "x@gw.example/y", "<ping xmlns='urn:xmpp:ping'/>", "result"},
		{"version", "get", "gw.example", "<query xmlns='jabber:iq:version'/>", "result name=Gateway version=1.2"},
		{"info", "get", "gw.example", "<query xmlns='http://jabber.org/protocol/disco#info'/>", "result identity=gateway/sip identity=gateway/pstn" + features},
		{"info of a user", "get", "x@gw.example", "<query xmlns='http://jabber.org/protocol/disco#info'/>", "result identity=client/phone identity=account/registered" + party},
		{"info of a node", "get", "gw.example", "<query xmlns='http://jabber.org/protocol/disco#info' node='n'/>", "error cancel item-not-found"},
		{"items", "get", "gw.example", "<query xmlns='http://jabber.org/protocol/disco#items'/>", "result"},
		{"anything else", "get", "x@gw.example", "<vCard xmlns='vcard-temp'/>", "error cancel service-unavailable"},
		{"a call", "set", "x@gw.example/y", "<jingle xmlns='urn:xmpp:jingle:1'/>", "error cancel service-unavailable"},
		{"nothing", "get", "gw.example", "", "error modify bad-request"},
		{"two things", "get", "gw.example", "<a xmlns='x'/><b xmlns='x'/>", "error modify bad-request"},
		{"no type", "", "gw.example", "<ping xmlns='urn:xmpp:ping'/>", "error modify bad-request"},
		{"a bad recipient", "get", "a&quot;b@gw.example", "<ping xmlns='urn:xmpp:ping'/>", "error modify jid-malformed"},
		{"a result", "result", "gw.example", "<ping xmlns='urn:xmpp:ping'/>", ""},
		{"an error", "error", "gw.example", "<ping xmlns='urn:xmpp:ping'/>", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			inRig(t, nil, func(r *rig) {
				r.send("<iq type='%s' id='q' from='a@b/c' to='%s'>%s</iq>", tt.typ, tt.to, tt.payload)
				if tt.want == "" {
					r.alive()
					return
				}
				n := <-r.got
				if got := briefIQ(n); got != tt.want || n.attr("id") != "q" || n.attr("to") != "a@b/c" {
					r.t.Errorf("got %q, want %q; %+v", got, tt.want, n)
				}
			})
		})
	}
}

// briefIQ tells what an answer says.
func briefIQ(n node) string {
	s := n.attr("type")
	if s == "error" {
		return s + " " + n.brief()
	}
	for _, k := range n.kid("query").Kids {
		v := k.Text + k.attr("var")
		if c := k.attr("category"); c != "" {
			v = c + "/" + k.attr("type")
		}
		s += " " + k.XMLName.Local + "=" + v
	}
	return s
}

func TestAfterDrainMessagesAreToCome(t *testing.T) {
	t.Parallel()
	inRig(t, nil, func(r *rig) {
		r.a.Drain(r.t.Context())
		r.send("<message from='a@b' to='x@gw.example' id='1'><body>hi</body></message>")
		if n := <-r.got; n.brief() != "wait service-unavailable text=the gateway is closing down" {
			r.t.Errorf("got %q", n.brief())
		}
		if _, err := r.a.SendMessage(r.t.Context(), message("bob@local.example", "still")); err != nil {
			r.t.Errorf("sending while draining: %v", err)
		}
	})
}

func TestAnAnswerSurvivesTheConnection(t *testing.T) {
	t.Parallel()
	inRig(t, nil, func(r *rig) {
		dones := make(chan func(bridge.Outcome, error), 1)
		r.h.answer = func(_ bridge.Message, done func(bridge.Outcome, error)) { dones <- done }
		r.send("<message from='a@b' to='x@gw.example' id='1'><body>hi</body></message>")
		done := <-dones
		r.send("</stream:stream>")
		<-r.ended
		synctest.Wait()
		done(0, &bridge.Error{Cause: bridge.Declined})
		if n := <-r.got; n.attr("id") != "1" || n.brief() != "cancel recipient-unavailable" {
			r.t.Errorf("got %+v", n)
		}
	})
}
