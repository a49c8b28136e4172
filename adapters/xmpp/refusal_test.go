package xmpp

import (
	"errors"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"gateway/bridge"
)

func TestOnlyTheRecipientAndItsServerCanRefuseAMessage(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, to, from string
		counts         bool
	}{
		{"the recipient", "carol@far.example", "carol@far.example", true},
		{"in another case", "carol@far.example", "Carol@FAR.example.", true},
		{"one device of the recipient", "carol@far.example", "carol@far.example/phone", true},
		{"the recipient of one device", "carol@far.example/phone", "carol@far.example", true},
		{"the recipient's server", "carol@far.example", "far.example", true},
		{"a recipient with escapes", "o'hara@far.example", `o\27hara@far.example`, true},
		{"a domain as recipient", "far.example", "far.example/x", true},
		{"somebody at a domain as recipient", "far.example", "carol@far.example", false},
		{"a neighbour", "carol@far.example", "mallory@far.example", false},
		{"another server", "carol@far.example", "local.example", false},
		{"the same name elsewhere", "carol@far.example", "carol@far.example.evil.example", false},
		{"nobody", "carol@far.example", "", false},
		{"what is no address", "carol@far.example", "carol@far.example/", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			inRig(t, nil, func(r *rig) {
				r.setHold(true)
				errs := make(chan error, 1)
				var wg sync.WaitGroup
				defer wg.Wait()
				wg.Go(func() {
					_, err := r.a.SendMessage(r.t.Context(), message(tt.to, "hi"))
					errs <- err
				})
				n, ask := <-r.got, <-r.asked
				refuse := func() {
					r.send(`<message type='error' id='%s' from='%s' to='o\27malley@gw.example'><error type='cancel'>`+
						`<gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`, n.attr("id"), tt.from)
				}
				refuse()
				r.giveBack(ask)
				if err := <-errs; (err != nil) != tt.counts {
					r.t.Errorf("ahead of the barrier: %v", err)
				}
				refuse()
				r.alive()
				if len(r.h.bounced) == 1 != tt.counts {
					r.t.Errorf("behind it: %d bounces", len(r.h.bounced))
				}
			})
		})
	}
}

func TestAnErrorAheadOfTheBarrierIsTheOutcome(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, in, reason string
		cause            bridge.Cause
		retry            bool
	}{
		{"nobody there", "<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>", "", bridge.Unavailable, false},
		{"full", "<error type='wait'><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'> mailbox\nfull </text><resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'><x/></resource-constraint><y xmlns='z'/></error>", "mailbox full", bridge.Constrained, true},
		{"an unknown condition", "<error type='wait'><odd xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>", "", bridge.Malformed, true},
		{"no error in it", "", "", bridge.Malformed, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
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
				n, ask := <-r.got, <-r.asked
				if _, err := r.a.SendMessage(r.t.Context(), message("bob@local.example", "hi")); err == nil {
					r.t.Error("the same message was sent twice at once")
				}
				r.send(`<message type='error' id='%s' from='bob@local.example' to='o\27malley@gw.example'><body>hi</body>%s</message>`, n.attr("id"), tt.in)
				r.giveBack(ask)
				var e *bridge.Error
				if err := <-result; !errors.As(err, &e) || e.Cause != tt.cause || e.Retry != tt.retry || e.Reason != tt.reason {
					r.t.Errorf("got %v, retry %v", err, e != nil && e.Retry)
				}
				if len(r.h.bounced) != 0 {
					r.t.Error("bounced too")
				}
			})
		})
	}
}

func TestAnErrorBehindTheBarrierIsCountedAsLate(t *testing.T) {
	t.Parallel()
	inRig(t, nil, func(r *rig) {
		reg := prometheus.NewRegistry()
		reg.MustRegister(r.a.metrics.late)
		for _, tt := range []struct {
			to   string
			late float64
		}{{"carol@far.example", 0}, {"bob@local.example", 1}, {"local.example", 2}} {
			if _, err := r.a.SendMessage(r.t.Context(), message(tt.to, "hi")); err != nil {
				r.t.Error(err)
			}
			n := <-r.got
			r.send(`<message type='error' id='%s' from='%s' to='o\27malley@gw.example'><error type='cancel'>`+
				`<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`, n.attr("id"), tt.to)
			if id, e := <-r.h.bounced, <-r.h.bounces; id != testID || e.Cause != bridge.Unavailable {
				r.t.Errorf("%s: bounced %q with %v", tt.to, id, e)
			}
			all, err := reg.Gather()
			if err != nil || all[0].GetMetric()[0].GetCounter().GetValue() != tt.late {
				r.t.Errorf("%s: %v, %v, want %v late", tt.to, all, err, tt.late)
			}
		}
	})
}
