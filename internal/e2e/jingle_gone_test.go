//go:build e2e

package e2e

import (
	"context"
	"testing"
	"time"

	. "gateway/internal/peer"
)

// goneTime bounds a test in which a client is gone and nobody says so: consent is
// good for half a minute (RFC 7675 section 5.1).
const goneTime = testTime + 30*time.Second

// goneMap lets the phone call one client: which it is, the gateway need not be told.
const goneMap = `
[[map]]
home = "chat:alice@example.org/page"
as   = { pbx = "7001", chat = "alice@phones.example.org" }
`

// Nobody tells of a browser that was killed when nobody has subscribed to its
// user: that it does not answer any more is enough, whoever has called.
func TestKilledBrowserEndsItsCallWithoutASubscription(t *testing.T) {
	for _, row := range []struct {
		name   string
		called bool // the page is
	}{{"that has called", false}, {"that was called", true}} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			w.prosody()
			j := w.withPhoneAnd("g711", "", goneMap) // by its sound nobody is missed for a minute
			ctx, cancel := context.WithTimeout(context.Background(), goneTime)
			t.Cleanup(cancel)
			j.ctx = ctx
			page := j.visit("alice", "")
			if row.called {
				j.talk(j.phone, page, aliceSIP, "2001@"+component, ToneA, ToneB)
			} else {
				j.talk(page, j.phone, phoneJID, "7001", ToneB, ToneA)
			}
			page.Kill()
			j.await(j.phone, CallEnded)
			if r := j.lastRecord(1); r.Cause != "no-media" {
				t.Errorf("the record says %+v", r)
			}
			j.idle()
		})
	}
}
