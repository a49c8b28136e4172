package xmpp

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gateway/bridge"
)

func TestAMessageGoesOutWhole(t *testing.T) {
	t.Parallel()
	inRig(t, nil, func(r *rig) {
		m := message("bob@local.example", "Grüße & <Küsse>\x00\x1b\r\n😀")
		m.Bodies[0].Lang = "de"
		m.Bodies = append(m.Bodies, bridge.Body{Lang: "en", Text: "Love"}, bridge.Body{Lang: "no tag", Text: "?"})
		m.Subject = []bridge.Body{{Lang: "de", Text: "Gruß"}}
		m.Thread, m.From.Display = "t1", "Otto\x07 O'Malley"
		m.Sent = time.Date(1999, 1, 2, 3, 4, 5, 678e6, time.FixedZone("", 3600))
		o, err := r.a.SendMessage(r.t.Context(), m)
		if o != bridge.Taken || err != nil {
			r.t.Errorf("%v, %v", o, err)
		}
		n := <-r.got
		id := n.attr("id")
		if n.XMLName.Local != "message" || n.attr("type") != "chat" || n.attr("from") != `o\27malley@gw.example` ||
			n.attr("to") != "bob@local.example" || n.attr("lang") != "de" || !r.a.mark.ours(id, m.Body()) {
			r.t.Errorf("got %+v", n)
		}
		var got []string
		for _, k := range n.Kids {
			line := k.XMLName.Local
			for _, a := range k.Attrs {
				if a.Name.Local != "xmlns" {
					line += " " + a.Name.Local + "=" + a.Value
				}
			}
			got = append(got, line+": "+k.Text)
		}
		want := []string{
			"subject: Gruß", "body: Grüße & <Küsse>\ufffd\ufffd\n😀", "body lang=en: Love", "body lang=: ?", "thread: t1",
			"origin-id id=" + id + ": ", "delay from=gw.example stamp=1999-01-02T02:04:05.678Z: ", "nick: Otto O'Malley", "active: ",
		}
		if strings.Join(got, "|") != strings.Join(want, "|") {
			r.t.Errorf("got  %q\nwant %q", got, want)
		}
	})
}

func TestAMessageThatWaitedSaysSince(t *testing.T) {
	t.Parallel()
	inRig(t, nil, func(r *rig) {
		for _, tt := range []struct {
			age  time.Duration
			sent time.Duration // 0: not said
			says time.Duration // 0: nothing
		}{
			{0, 0, 0},
			{10 * time.Second, 0, 0},
			{11 * time.Second, 0, 11 * time.Second},
			{0, 2 * time.Second, 0},
			{0, time.Hour, time.Hour},
			{time.Minute, time.Hour, time.Hour},
			{time.Minute, 30 * time.Second, time.Minute},
			{0, -time.Hour, 0},
			{time.Minute, -time.Hour, time.Minute},
		} {
			m := message("bob@local.example/tail", "hi")
			now := time.Now()
			m.At = now.Add(-tt.age)
			if tt.sent != 0 {
				m.Sent = now.Add(-tt.sent)
			}
			if _, err := r.a.SendMessage(r.t.Context(), m); err != nil {
				r.t.Error(err)
			}
			n := <-r.got
			want := ""
			if tt.says != 0 {
				want = now.Add(-tt.says).UTC().Format("2006-01-02T15:04:05.000Z")
			}
			if got := n.kid("delay").attr("stamp"); got != want || n.attr("to") != "bob@local.example/tail" {
				r.t.Errorf("age %v, sent %v before: %q, want %q", tt.age, tt.sent, got, want)
			}
		}
	})
}

func TestAnotherServersRecipientIsRelayed(t *testing.T) {
	t.Parallel()
	inRig(t, nil, func(r *rig) {
		if o, err := r.a.SendMessage(r.t.Context(), message("carol@far.example", "hi")); o != bridge.Relayed || err != nil {
			r.t.Errorf("%v, %v", o, err)
		}
		n := <-r.got
		r.send(`<message type='error' id='%s' from='far.example' to='o\27malley@gw.example'><error type='cancel'>`+
			`<remote-server-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`, n.attr("id"))
		if id := <-r.h.bounced; id != testID {
			r.t.Errorf("bounced %q", id)
		}
		if e := <-r.h.bounces; e.Cause != bridge.NoRoute || e.Retry {
			r.t.Errorf("bounced with %v", e)
		}
	})
}

func TestOneBarrierServesManyMessages(t *testing.T) {
	t.Parallel()
	inRig(t, nil, func(r *rig) {
		r.setHold(true)
		var wg sync.WaitGroup
		const many = 50
		for i := range many {
			wg.Go(func() {
				m := message("bob@local.example", "hi")
				m.ID = fmt.Sprintf("%026d", i)
				if o, err := r.a.SendMessage(r.t.Context(), m); o != bridge.Taken || err != nil {
					r.t.Errorf("%v, %v", o, err)
				}
			})
		}
		synctest.Wait()
		if len(r.got) != many || len(r.asked) != 1 {
			r.t.Fatalf("%d messages and %d barriers out", len(r.got), len(r.asked))
		}
		r.giveBack(<-r.asked)
		synctest.Wait()
		if len(r.asked) != 1 {
			r.t.Fatalf("%d barriers for the rest", len(r.asked))
		}
		// A server may answer in our stead.
		r.send("<iq type='error' id='%s' from='gw.example' to='gw.example'/>", (<-r.asked).attr("id"))
		wg.Wait()
	})
}

func TestNobodyElseAnswersABarrier(t *testing.T) {
	t.Parallel()
	inRig(t, nil, func(r *rig) {
		r.setHold(true)
		ctx, cancel := context.WithTimeout(r.t.Context(), 5*time.Second)
		defer cancel()
		var wg sync.WaitGroup
		defer wg.Wait()
		wg.Go(func() {
			_, err := r.a.SendMessage(ctx, message("bob@local.example", "hi"))
			var e *bridge.Error
			if !errors.As(err, &e) || e.Cause != bridge.Timeout || !e.Retry {
				r.t.Errorf("got %v", err)
			}
		})
		ask := <-r.asked
		<-r.got
		r.send("<iq type='result' id='%s' from='evil@far.example/gw.example' to='gw.example'/>", ask.attr("id"))
		r.send("<iq type='result' id='%s' from='gw.example.far.example' to='gw.example'/>", ask.attr("id"))
		r.send("<message id='%s' from='gw.example' to='gw.example'/>", ask.attr("id"))
	})
}

func TestWhatCantBeSentSaysWhy(t *testing.T) {
	t.Parallel()
	inRig(t, nil, func(r *rig) {
		foreign := message("bob@local.example", "hi")
		foreign.From.Name = "bob@local.example"
		unnamed := message("bob@local.example", "hi")
		unnamed.From.Name = " x@gw.example"
		for _, tt := range []struct {
			name  string
			m     bridge.Message
			cause bridge.Cause
		}{
			{"too long", message("bob@local.example", strings.Repeat("&", 60<<10)), bridge.TooLarge},
			{"a recipient that is none", message("“q”@local.example", "hi"), bridge.BadAddress},
			{"a sender that is none", unnamed, bridge.BadAddress},
			{"a sender of another domain", foreign, bridge.Forbidden},
			{"back to us", message("x@gw.example", "hi"), bridge.Looped},
		} {
			_, err := r.a.SendMessage(r.t.Context(), tt.m)
			var e *bridge.Error
			if !errors.As(err, &e) || e.Cause != tt.cause || e.Retry {
				r.t.Errorf("%s: %v, want %v", tt.name, err, tt.cause)
			}
		}
		r.alive()
	})
}

func TestALostConnectionIsToBeTriedAgain(t *testing.T) {
	t.Parallel()
	inRig(t, nil, func(r *rig) {
		r.setHold(true)
		result := make(chan error, 1)
		var wg sync.WaitGroup
		defer wg.Wait()
		wg.Go(func() {
			_, err := r.a.SendMessage(r.t.Context(), message("bob@local.example", "hi"))
			result <- err
		})
		<-r.asked
		r.send("</stream:stream>")
		var e *bridge.Error
		if err := <-result; !errors.As(err, &e) || e.Cause != bridge.Unavailable || !e.Retry {
			r.t.Errorf("got %v", err)
		}
		if s := <-r.h.states; s != "false the server closed the stream" {
			r.t.Errorf("state %q", s)
		}
		if _, err := r.a.SendMessage(r.t.Context(), message("bob@local.example", "hi")); !errors.As(err, &e) || e.Cause != bridge.Unavailable || !e.Retry {
			r.t.Errorf("not connected: %v", err)
		}
		if s := <-r.h.states; s != "true <nil>" {
			r.t.Errorf("state %q", s)
		}
	})
}

func TestAFailureIsAnErrorForTheOriginal(t *testing.T) {
	t.Parallel()
	inRig(t, nil, func(r *rig) {
		m := message("alice@local.example/Home PC", "")
		m.Kind, m.Of, m.Bodies, m.Cause, m.Reason = bridge.Failed, "m<1>", nil, bridge.Timeout, "no answer"
		if o, err := r.a.SendMessage(r.t.Context(), m); o != bridge.Taken || err != nil {
			r.t.Errorf("%v, %v", o, err)
		}
		n := <-r.got
		if n.attr("type") != "error" || n.attr("id") != "m<1>" || n.attr("to") != "alice@local.example/Home PC" ||
			n.attr("from") != `o\27malley@gw.example` || n.brief() != "wait remote-server-timeout text=no answer" {
			r.t.Errorf("got %+v, %q", n, n.brief())
		}
	})
}
