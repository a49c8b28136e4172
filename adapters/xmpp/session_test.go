package xmpp

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

func TestARefusedHandshakeSaysWhyAndIsTriedAgain(t *testing.T) {
	t.Parallel()
	const header = `<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' id='s1' from='gw.example'>`
	for _, tt := range []struct{ name, header, answer, want string }{
		{"a wrong secret", header, "<stream:error><not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>Given token\n\x1bis wrong</text></stream:error></stream:stream>", ""},
		{"with a text", header, "<stream:error><not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>Given\ntoken</text></stream:error></stream:stream>", "handshake refused: not-authorized (Given token)"},
		{"without", header, "<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>", "handshake refused: conflict"},
		{"hung up", header, "", "the server hung up during the handshake"},
		{"no server of this kind", "HTTP/1.1 400 Bad Request\r\n", "x", "handshake: the stream is broken: text between stanzas"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			inRig(t, func(r *rig) { r.header, r.refuse = tt.header, tt.answer+" " }, func(r *rig) {
				for range 3 {
					s := <-r.h.states
					if !strings.HasPrefix(s, "false ") || tt.want != "" && s != "false "+tt.want {
						r.t.Errorf("state %q, want %q", s, tt.want)
					}
				}
			})
		})
	}
}

func TestAServerThatCantBeReachedIsLookedForAtAPace(t *testing.T) {
	t.Parallel()
	tries := make(chan time.Time, 1000)
	inRig(t, func(r *rig) {
		r.a.dial = func(context.Context) (net.Conn, error) {
			tries <- time.Now()
			return nil, errors.New("connection refused")
		}
	}, func(r *rig) {
		const most = 5 * time.Minute
		for range 20 {
			if s := <-r.h.states; s != "false the server can't be reached: connection refused" {
				r.t.Fatalf("state %q", s)
			}
		}
		reg := prometheus.NewRegistry()
		reg.MustRegister(r.a.metrics.connects)
		if all, err := reg.Gather(); err != nil || all[0].GetMetric()[0].GetCounter().GetValue() < 20 {
			r.t.Errorf("%v, %v, want 20 tries that failed", all, err)
		}
		last := <-tries
		for i := range 19 {
			at := <-tries
			if gap := at.Sub(last); gap < 400*time.Millisecond || gap > most || i > 12 && gap < most*4/5 {
				r.t.Errorf("try %d after %v", i+1, gap)
			}
			last = at
		}
	})
}

func TestAServerThatDoesNotAnswerTheHandshakeIsLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := NewConfig()
		cfg.Component, cfg.Secret = "under_score.example", testSecret
		a, err := New(cfg, bridgeEnv())
		if err != nil {
			t.Fatal(err)
		}
		ours, theirs := net.Pipe()
		defer theirs.Close()
		a.dial = func(context.Context) (net.Conn, error) { return ours, nil }
		if _, err := a.connect(t.Context()); err == nil || err.Error() != "no answer to the handshake" {
			t.Errorf("got %v", err)
		}
	})
}

func TestASilentServerIsLeft(t *testing.T) {
	t.Parallel()
	inRig(t, nil, func(r *rig) {
		began := time.Now()
		r.setHold(true)
		if s := <-r.h.states; s != "false the server does not answer" {
			r.t.Errorf("state %q", s)
		}
		if d := time.Since(began); d != askEvery+answerTime {
			r.t.Errorf("after %v", d)
		}
		r.setHold(false)
		if s := <-r.h.states; s != "true <nil>" {
			r.t.Errorf("state %q", s)
		}
	})
}

func TestAServerThatTakesNothingIsLeft(t *testing.T) {
	t.Parallel()
	inRig(t, func(r *rig) { r.deaf = true }, func(r *rig) {
		<-r.h.states
		began := time.Now()
		_, err := r.a.SendMessage(r.t.Context(), message("bob@local.example", "hi"))
		if err == nil {
			r.t.Error("sent")
		}
		if s := <-r.h.states; !strings.HasPrefix(s, "false write: ") {
			r.t.Errorf("state %q", s)
		}
		if d := time.Since(began); d != writeTime {
			r.t.Errorf("after %v", d)
		}
	})
}

func TestAHealthySessionLasts(t *testing.T) {
	t.Parallel()
	inRig(t, nil, func(r *rig) {
		<-time.After(24 * time.Hour)
		if len(r.h.states) != 0 {
			r.t.Errorf("state %q", <-r.h.states)
		}
		r.alive()
	})
}

func TestAStreamErrorSaysWhy(t *testing.T) {
	t.Parallel()
	inRig(t, nil, func(r *rig) {
		r.send("<stream:error><system-shutdown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>")
		if s := <-r.h.states; s != "false system-shutdown" {
			r.t.Errorf("state %q", s)
		}
		if s := <-r.h.states; s != "true <nil>" {
			r.t.Errorf("state %q", s)
		}
	})
}

func TestTheEndSaysTheRestAndClosesTheStream(t *testing.T) {
	t.Parallel()
	inRig(t, nil, func(r *rig) {
		r.a.answer(element("", "message", stanzaAttrs("chat", "last", "gw.example", "a@b")))
		r.stop()
		if n := <-r.got; n.attr("id") != "last" {
			r.t.Errorf("got %+v", n)
		}
		if n := <-r.got; n.XMLName.Local != "end" {
			r.t.Errorf("got %+v", n)
		}
		if len(r.h.states) != 0 {
			r.t.Errorf("state %q", <-r.h.states)
		}
	})
}

func TestABurstFillsNoMoreThanTheQueue(t *testing.T) {
	t.Parallel()
	q := newQueue()
	p := packet{data: make([]byte, 64<<10)}
	n := 0
	for q.put(p, queueMax) {
		n++
	}
	if n != queueMax/len(p.data)+1 {
		t.Errorf("%d packets", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := q.wait(ctx); err == nil {
		t.Error("room in a full queue")
	}
	gone := &session{}
	q.put(packet{[]byte("x"), gone}, queueMax*2)
	for len(q.take(nil, &session{})) > 0 {
		n--
	}
	if err := q.wait(t.Context()); err != nil || n != 0 || q.size != 0 {
		t.Errorf("%v, %d packets and %d bytes left", err, n, q.size)
	}
}
