package xmpp

import (
	"strings"
	"testing"
	"time"

	"gateway/bridge"
)

func TestAFailureThatMayNotBeSeenIsAlsoToldInWords(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, of, reason, body string
		wait                   time.Duration
		want                   string
	}{
		{"the client is there", "m1", "", "hi", stays / 2, ""},
		{"it may have gone", "m1", "no answer", "hi", 2 * stays, "Not delivered: no answer. Your message: hi"},
		{"without a reason", "m1", "", "hi", 2 * stays, "Not delivered: not found. Your message: hi"},
		{"a long text", "m1", "", strings.Repeat("ü", 500), 2 * stays, "Not delivered: not found. Your message: " + strings.Repeat("ü", maxQuoted)},
		{"without its text", "m1", "", "", 2 * stays, "Not delivered: not found."},
		{"of what nobody remembers", "m2", "", "hi", 0, "Not delivered: not found. Your message: hi"},
		{"of what has no id", "", "", "hi", 0, "Not delivered: not found. Your message: hi"},
		{"of another gateway's notice", "n-0123", "", "hi", 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			inRig(t, nil, func(r *rig) {
				r.send("<message from='alice@local.example/Home PC' to='o\\27malley@gw.example' id='m1' type='chat'><body>hi</body></message>")
				<-r.h.messages
				<-time.After(tt.wait)
				m := message("alice@local.example/Home PC", tt.body)
				m.Kind, m.Of, m.Cause, m.Reason, m.Thread = bridge.Failed, tt.of, bridge.NotFound, tt.reason, "t1"
				if o, err := r.a.SendMessage(r.t.Context(), m); o != bridge.Taken || err != nil {
					r.t.Errorf("%v, %v", o, err)
				}
				if n := <-r.got; n.attr("type") != "error" || n.attr("id") != tt.of || n.attr("to") != "alice@local.example/Home PC" {
					r.t.Errorf("got %+v", n)
				}
				if tt.want == "" {
					r.alive()
					return
				}
				n := <-r.got
				if n.kid("body").Text != tt.want || n.attr("type") != "chat" || n.attr("id") != "n-"+testID ||
					n.attr("to") != "alice@local.example" || n.attr("from") != `o\27malley@gw.example` || n.kid("thread").Text != "t1" {
					r.t.Errorf("got %+v", n)
				}
				r.alive()
			})
		})
	}
}
