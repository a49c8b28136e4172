package xmpp

import (
	"fmt"
	"reflect"
	"testing"

	"gateway/bridge"
)

func TestChatStatesReachTheBridge(t *testing.T) {
	t.Parallel()
	inRig(t, nil, func(r *rig) {
		for _, tt := range []struct {
			state  string
			active bool
		}{{"composing", true}, {"paused", false}, {"active", false}, {"inactive", false}, {"gone", false}} {
			r.send("<message from='a@b/c' to='x@gw.example' type='chat' id='1'><%s xmlns='http://jabber.org/protocol/chatstates'/>"+
				"<thread>t</thread><no-store xmlns='urn:xmpp:hints'/></message>", tt.state)
			want := bridge.Message{Kind: bridge.Composing, Active: tt.active, Thread: "t", Hops: maxHops}
			want.From.Name, want.To.Name = "a@b/c", "x@gw.example"
			if m := <-r.h.messages; !reflect.DeepEqual(m, want) {
				r.t.Errorf("%s:\ngot  %+v\nwant %+v", tt.state, m, want)
			}
		}
		r.h.answer = func(_ bridge.Message, done func(bridge.Outcome, error)) {
			done(0, &bridge.Error{Cause: bridge.NotFound})
		}
		r.send("<message from='a@b/c' to='x@gw.example' type='chat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>")
		r.alive() // a refusal is not answered
		r.h.answer = nil
		r.a.Drain(r.t.Context())
		r.send("<message from='a@b/c' to='x@gw.example' type='chat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>")
		r.alive()
		if len(r.h.messages) != 0 {
			r.t.Errorf("while draining: %+v", <-r.h.messages)
		}
	})
}

// compose tells to that somebody writes, or has stopped.
func (r *rig) compose(to string, active bool) {
	r.t.Helper()
	m := message(to, "")
	m.Kind, m.Active, m.Bodies, m.Thread = bridge.Composing, active, nil, "t"
	if o, err := r.a.SendMessage(r.t.Context(), m); o != bridge.Taken || err != nil {
		r.t.Errorf("%v, %v", o, err)
	}
}

func TestChatStatesGoToWhoSendsThem(t *testing.T) {
	t.Parallel()
	inRig(t, nil, func(r *rig) {
		r.setHold(true) // a chat state waits for no barrier
		r.compose("bob@local.example", true)
		r.alive() // who has not written may not know them

		r.send("<message from='bob@local.example/desk' to='x@gw.example' type='chat'><body>hi</body></message>")
		<-r.h.messages
		r.compose("bob@local.example", true)
		r.alive() // and has written without one

		r.send("<message from='bob@local.example/desk' to='x@gw.example' type='chat'><body>hi</body><active xmlns='http://jabber.org/protocol/chatstates'/></message>")
		<-r.h.messages
		for _, tt := range []struct {
			name   string
			active bool
			want   string
		}{
			{"stopped before we knew", false, "active"},
			{"stopped again", false, ""},
			{"writes", true, "composing"},
			{"still writes", true, ""},
			{"stopped", false, "active"},
			{"writes once more", true, "composing"},
		} {
			r.compose("bob@local.example", tt.active)
			if tt.want == "" {
				r.alive()
				continue
			}
			n := <-r.got
			if got := names(n); got != nsChatStates+" "+tt.want+"|jabber:component:accept thread|urn:xmpp:hints no-store" || n.attr("type") != "chat" || n.attr("to") != "bob@local.example" {
				r.t.Errorf("%s: got %+v, %s", tt.name, n, got)
			}
		}
		r.compose("bob@local.example/phone", false)
		if n := <-r.got; n.attr("to") != "bob@local.example/phone" {
			r.t.Errorf("got %+v", n)
		}
		r.send("<message from='bob@local.example/bot' to='x@gw.example' type='chat'><body>hi</body></message>")
		<-r.h.messages
		r.compose("bob@local.example", true) // one client of several
		if n := <-r.got; n.kid("composing").XMLName.Space != nsChatStates {
			r.t.Errorf("got %+v", n)
		}
		r.setHold(false)
		if _, err := r.a.SendMessage(r.t.Context(), message("bob@local.example", "hi")); err != nil {
			r.t.Error(err)
		}
		<-r.got
		r.setHold(true)
		r.compose("bob@local.example", false)
		r.alive() // the text has said so
	})
}

func TestATextAsksForChatStatesUntilItIsClearThatNoneCome(t *testing.T) {
	t.Parallel()
	inRig(t, nil, func(r *rig) {
		n := 0
		asks := func() bool {
			n++
			m := message("bob@local.example", "hi")
			m.ID = fmt.Sprintf("%026d", n)
			if _, err := r.a.SendMessage(r.t.Context(), m); err != nil {
				r.t.Error(err)
			}
			return (<-r.got).kid("active").XMLName.Space == nsChatStates
		}
		if !asks() {
			r.t.Error("to somebody who has not written")
		}
		r.send("<message from='bob@local.example/desk' to='x@gw.example' type='chat'><body>hi</body></message>")
		<-r.h.messages
		if asks() {
			r.t.Error("to somebody who has written without")
		}
		r.send("<message from='bob@local.example/desk' to='x@gw.example' type='chat'><paused xmlns='http://jabber.org/protocol/chatstates'/></message>")
		<-r.h.messages
		if !asks() {
			r.t.Error("to somebody who has them")
		}
	})
}
