package xmpp

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"

	"gateway/bridge"
)

// names lists what stands in a stanza, with its namespace and its id.
func names(n node) string {
	var all []string
	for _, k := range n.Kids {
		s := k.XMLName.Space + " " + k.XMLName.Local
		if id := k.attr("id"); id != "" {
			s += " " + id
		}
		all = append(all, s)
	}
	return strings.Join(all, "|")
}

func TestAReceiptIsAskedForAndTold(t *testing.T) {
	t.Parallel()
	inRig(t, nil, func(r *rig) {
		m := message("bob@local.example", "hi")
		m.Want = bridge.Want{Delivered: true, Displayed: true, Failed: true}
		if o, err := r.a.SendMessage(r.t.Context(), m); o != bridge.Taken || err != nil {
			r.t.Errorf("%v, %v", o, err)
		}
		n := <-r.got
		if n.kid("request").XMLName.Space != nsReceipts || n.kid("markable").XMLName.Space != nsMarkers {
			r.t.Errorf("sent %s", names(n))
		}
		for _, tt := range []struct {
			name, in string
			want     bridge.Kind
		}{
			{"a receipt", "<received xmlns='urn:xmpp:receipts' id='%s'/>", bridge.Delivered},
			{"an old marker", "<received xmlns='urn:xmpp:chat-markers:0' id='%s'/>", bridge.Delivered},
			{"a marker", "<displayed xmlns='urn:xmpp:chat-markers:0' id='%s'/>", bridge.Displayed},
			{"another old marker", "<acknowledged xmlns='urn:xmpp:chat-markers:0' id='%s'/>", bridge.Displayed},
		} {
			r.send("<message from='bob@local.example/desk' to='%s' id='r1' type='chat'>"+tt.in+"<store xmlns='urn:xmpp:hints'/></message>",
				n.attr("from"), n.attr("id"))
			want := bridge.Message{Kind: tt.want, Of: testID, Hops: maxHops}
			want.From.Name, want.To.Name = "bob@local.example/desk", "o'malley@gw.example"
			if m := <-r.h.messages; !reflect.DeepEqual(m, want) {
				r.t.Errorf("%s:\ngot  %+v\nwant %+v", tt.name, m, want)
			}
		}
		r.alive()
	})
}

func TestWhatWasDisplayedLastStandsForWhatWasBefore(t *testing.T) {
	t.Parallel()
	inRig(t, nil, func(r *rig) {
		wires, thread := map[string]string{}, ""
		write := func(id, to string, markable bool) {
			r.t.Helper()
			m := message(to, "hi")
			m.ID, m.Thread, m.Want.Displayed = strings.Repeat(id, idLength), thread, markable
			if _, err := r.a.SendMessage(r.t.Context(), m); err != nil {
				r.t.Error(err)
			}
			wires[id] = (<-r.got).attr("id")
		}
		displays := func(id, from string) string {
			r.t.Helper()
			r.send("<message from='%s' to='o\\27malley@gw.example' type='chat'><displayed xmlns='urn:xmpp:chat-markers:0' id='%s'/></message>", from, wires[id])
			r.alive()
			var all string
			for len(r.h.messages) > 0 {
				m := <-r.h.messages
				if all += m.Of[:1]; m.Kind != bridge.Displayed || m.From.Name != from {
					r.t.Errorf("got %+v", m)
				}
			}
			return all
		}
		write("1", "bob@far.example", true)
		write("2", "bob@far.example/desk", true)
		write("3", "bob@far.example", false)
		write("4", "bob@far.example", true)
		write("5", "bob@far.example", true)
		write("6", "bob@far.example", true)
		thread = "t"
		write("7", "bob@far.example", true)
		thread = ""
		write("a", "eve@far.example", true)
		r.send("<message type='error' id='%s' from='bob@far.example' to='o\\27malley@gw.example'><error type='cancel'/></message>", wires["2"])
		<-r.h.bounced
		for _, tt := range []struct{ name, id, from, want string }{
			{"what was not asked for", "3", "bob@far.example/desk", "3"},
			{"the last but one", "4", "bob@far.example/desk", "14"},
			{"the same again", "4", "bob@far.example/phone", "4"},
			{"the last", "5", "bob@far.example/phone", "5"},
			{"another party's", "a", "eve@far.example/x", "a"},
			{"in a thread", "7", "bob@far.example", "7"},
			{"not in one", "6", "bob@far.example", "6"},
		} {
			if got := displays(tt.id, tt.from); got != tt.want {
				r.t.Errorf("%s: %q were displayed, want %q", tt.name, got, tt.want)
			}
		}
		for i := range 2 * maxUnseenEach {
			r.a.awaitDisplay(bridge.Name{Main: "a"}, bridge.Name{Main: "b"}, fmt.Sprint(i))
		}
		if got := r.a.displayed(bridge.Name{Main: "a"}, bridge.Name{Main: "b"}, fmt.Sprint(2*maxUnseenEach-1), ""); len(got) != maxUnseenEach {
			r.t.Errorf("%d are remembered", len(got))
		}
	})
}

func TestReceiptsThatAreNone(t *testing.T) {
	t.Parallel()
	inRig(t, nil, func(r *rig) {
		id := r.a.mark.wireID(testID, "hi", bridge.Name{Lead: "bob", Main: "local.example"})
		for _, tt := range []struct{ name, from, typ, in string }{
			{"of another party", "eve@local.example/x", "chat", "<received xmlns='urn:xmpp:receipts' id='" + id + "'/>"},
			{"of the server", "local.example", "chat", "<received xmlns='urn:xmpp:receipts' id='" + id + "'/>"},
			{"in an error", "bob@local.example", "error", "<received xmlns='urn:xmpp:receipts' id='" + id + "'/><error type='cancel'/>"},
			{"in a room", "bob@local.example", "groupchat", "<received xmlns='urn:xmpp:receipts' id='" + id + "'/>"},
			{"for the bridge's identity", "bob@local.example", "chat", "<received xmlns='urn:xmpp:receipts' id='" + testID + "'/>"},
			{"for nothing", "bob@local.example", "chat", "<received xmlns='urn:xmpp:receipts'/>"},
			{"displayed, but no marker", "bob@local.example", "chat", "<displayed xmlns='urn:xmpp:receipts' id='" + id + "'/>"},
			{"deeper within", "bob@local.example", "chat", "<x xmlns='urn:x'><received xmlns='urn:xmpp:receipts' id='" + id + "'/></x>"},
			{"from ourselves", "x@gw.example", "chat", "<received xmlns='urn:xmpp:receipts' id='" + id + "'/>"},
		} {
			r.send("<message from='%s' to='x@gw.example' type='%s' id='1'>%s</message>", tt.from, tt.typ, tt.in)
			r.alive()
			if len(r.h.messages) != 0 || len(r.h.bounced) != 0 {
				r.t.Errorf("%s: %+v", tt.name, <-r.h.messages)
			}
		}
	})
}

func TestWhatAWriterAsksForReachesTheBridge(t *testing.T) {
	t.Parallel()
	inRig(t, nil, func(r *rig) {
		for _, tt := range []struct {
			name, attrs, in string
			want            bridge.Want
		}{
			{"nothing", "id='1'", "", bridge.Want{}},
			{"a receipt", "id='1'", "<request xmlns='urn:xmpp:receipts'/>", bridge.Want{Delivered: true, Failed: true}},
			{"a marker", "id='1'", "<markable xmlns='urn:xmpp:chat-markers:0'/>", bridge.Want{Displayed: true}},
			{"both", "id='1'", "<request xmlns='urn:xmpp:receipts'/><markable xmlns='urn:xmpp:chat-markers:0'/>", bridge.Want{Delivered: true, Displayed: true, Failed: true}},
			{"a receipt for what has no id", "", "<request xmlns='urn:xmpp:receipts'/>", bridge.Want{}},
		} {
			r.send("<message from='a@b/c' to='x@gw.example' %s type='chat'><body>hi</body>%s</message>", tt.attrs, tt.in)
			if m := <-r.h.messages; m.Want != tt.want || m.Kind != bridge.Text || m.Body() != "hi" {
				r.t.Errorf("%s: %+v", tt.name, m)
			}
		}
	})
}

func TestAReceiptGoesToWhoAskedForIt(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		kind bridge.Kind
		want string
	}{
		{bridge.Delivered, "urn:xmpp:receipts received m<1>|urn:xmpp:hints store"},
		{bridge.Displayed, "urn:xmpp:chat-markers:0 displayed m<1>|urn:xmpp:hints store"},
	} {
		t.Run(tt.kind.String(), func(t *testing.T) {
			t.Parallel()
			inRig(t, nil, func(r *rig) {
				r.setHold(true)
				m := message("alice@far.example/Home PC", "")
				m.Kind, m.Of, m.Bodies = tt.kind, "m<1>", nil
				m.Want = bridge.Want{Delivered: true, Displayed: true}
				sent := make(chan error, 1)
				go func() {
					o, err := r.a.SendMessage(r.t.Context(), m)
					if o != bridge.Taken {
						r.t.Errorf("%v", o)
					}
					sent <- err
				}()
				n := <-r.got
				if n.attr("type") != "chat" || n.attr("to") != "alice@far.example/Home PC" || n.attr("from") != `o\27malley@gw.example` ||
					n.attr("id") != "n-"+testID || names(n) != tt.want {
					r.t.Errorf("got %+v, %s", n, names(n))
				}
				synctest.Wait()
				if len(sent) != 0 {
					r.t.Error("the server was not waited for")
				}
				r.giveBack(<-r.asked)
				if err := <-sent; err != nil {
					r.t.Error(err)
				}
				// What comes of it nobody hears.
				r.send("<message type='error' id='%s' from='alice@far.example/Home PC' to='o\\27malley@gw.example'><error type='cancel'>"+
					"<item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>", n.attr("id"))
				r.alive()
				if len(r.h.bounced) != 0 {
					r.t.Errorf("bounced %q", <-r.h.bounced)
				}
			})
		})
	}
}

func TestAReceiptOfNothingCantBeSent(t *testing.T) {
	t.Parallel()
	inRig(t, nil, func(r *rig) {
		for _, kind := range []bridge.Kind{bridge.Delivered, bridge.Displayed, 99} {
			m := message("alice@local.example", "")
			m.Kind = kind
			_, err := r.a.SendMessage(r.t.Context(), m)
			var e *bridge.Error
			if !errors.As(err, &e) || e.Cause != bridge.Unsupported || e.Retry {
				r.t.Errorf("%v: %v", kind, err)
			}
		}
		r.alive()
	})
}

func TestASignalIsATextThatNobodyKeeps(t *testing.T) {
	t.Parallel()
	inRig(t, nil, func(r *rig) {
		m := message("alice@far.example", "/fader/1 0.5")
		m.Kind = bridge.Signal
		if o, err := r.a.SendMessage(r.t.Context(), m); o != bridge.Taken || err != nil {
			r.t.Errorf("%v, %v", o, err)
		}
		n := <-r.got
		if n.attr("type") != "chat" || n.attr("id") != "n-"+testID || !strings.HasSuffix(names(n), "urn:xmpp:hints no-store") ||
			n.Kids[0].Text != "/fader/1 0.5" || strings.Contains(names(n), "receipts") {
			r.t.Errorf("got %+v, %s", n, names(n))
		}
	})
}

func TestAReceiptWaitsForTheServer(t *testing.T) {
	t.Parallel()
	inRig(t, nil, func(r *rig) {
		r.send("</stream:stream>")
		<-r.h.states
		m := message("alice@local.example", "")
		m.Kind, m.Of = bridge.Delivered, "m1"
		var e *bridge.Error
		if _, err := r.a.SendMessage(r.t.Context(), m); !errors.As(err, &e) || !e.Retry {
			r.t.Errorf("not connected: %v", err)
		}
		m.Kind = bridge.Composing
		r.a.hasChatStates(bridge.Name{Lead: "alice", Main: "local.example"}, true, false)
		if _, err := r.a.SendMessage(r.t.Context(), m); !errors.As(err, &e) || !e.Retry {
			r.t.Errorf("composing, not connected: %v", err)
		}
		<-r.h.states
	})
}

func TestATextWithAReceiptIsBoth(t *testing.T) {
	t.Parallel()
	inRig(t, nil, func(r *rig) {
		id := r.a.mark.wireID(testID, "hi", bridge.Name{Lead: "bob", Main: "local.example"})
		r.send("<message from='bob@local.example' to='x@gw.example' type='chat' id='1'><body>yes</body><received xmlns='urn:xmpp:receipts' id='%s'/></message>", id)
		if m := <-r.h.messages; m.Kind != bridge.Delivered || m.Of != testID {
			r.t.Errorf("first %+v", m)
		}
		if m := <-r.h.messages; m.Kind != bridge.Text || m.Body() != "yes" || m.Of != "" {
			r.t.Errorf("then %+v", m)
		}
	})
}
