//go:build e2e

package e2e

import (
	"strings"
	"testing"

	. "gateway/internal/peer"
)

// pageHost serves the page of the first XMPP user; more follow.
const pageHost = 31

// jingleMaps let alice and bob (7001, 7002) and the phones call each other.
const jingleMaps = `
[[map]]
home = "chat:alice@example.org"
as   = { pbx = "7001", chat = "alice@phones.example.org" }
ring = "30s"

[[map]]
home = "chat:bob@example.org"
as   = { pbx = "7002", chat = "bob@phones.example.org" }
ring = "30s"

[[map]]
home = "pbx:{ext:2[0-9]{3}}"
as   = { pbx = "{ext}", chat = "{ext}@phones.example.org" }
ring = "30s"
`

// A jingleWorld is the gateway between an XMPP server and a phone, 2001, that
// is registered with the gateway.
type jingleWorld struct {
	*world
	gateway *Gateway
	phone   *BaresipPhone
}

// newJingleWorld is one with Prosody. codec is the phone's only one, as
// CallConfig has it.
func newJingleWorld(t *testing.T, codec string) *jingleWorld {
	t.Helper()
	w := newWorld(t)
	w.prosody()
	return w.withPhone(codec)
}

// withPhone starts the gateway and its phone.
func (w *world) withPhone(codec string) *jingleWorld {
	w.t.Helper()
	return w.withPhoneAnd(codec, "dead = \"30s\"")
}

// withPhoneAnd is withPhone with lines of the table [media], and maps before the
// others.
func (w *world) withPhoneAnd(codec, media string, maps ...string) *jingleWorld {
	w.t.Helper()
	g := w.gateway(w.callTables(media), w.sipTable("domain = \""+gatewayDomain+"\"", ringAccounts), w.xmppTable(),
		strings.Join(maps, ""), jingleMaps)
	cfg := w.callConfig(0)
	cfg.Codec = codec
	return &jingleWorld{world: w, gateway: g, phone: w.baresip(cfg)}
}

// page opens the page of a user, alice or bob, who puts phone 2001 on the roster.
func (w *world) page(user string, codec string) *JinglePage {
	w.t.Helper()
	p := w.visit(user, codec)
	w.must(p.Subscribe(w.ctx, "2001@"+component))
	return p
}

// visit opens the page of a user, alice or bob.
func (w *world) visit(user string, codec string) *JinglePage {
	w.t.Helper()
	return w.open(user, JingleConfig{Codec: codec})
}

// open is visit of a page that is like cfg.
func (w *world) open(user string, cfg JingleConfig) *JinglePage {
	w.t.Helper()
	host, tone := pageHost, float64(ToneB)
	if user == "bob" {
		host, tone = pageHost+1, ToneC
	}
	cfg.Host, cfg.JID, cfg.Password, cfg.URL, cfg.Tone = host, user+"@example.org/page", user+"-pw", WebSocketURL(w.Lab), tone
	p, err := StartJinglePage(w.ctx, w.Lab, cfg)
	w.must(err)
	w.t.Cleanup(func() {
		p.Close()
		if w.t.Failed() {
			w.t.Logf("the page of %s:\n%s", user, strings.Join(p.Events.All(), "\n"))
		}
	})
	return p
}

// Addresses of the phone for a page, and of alice for the phone.
const (
	phoneJID = "2001@" + component + "/gateway"
	aliceSIP = "sip:7001@" + gatewayDomain
)

// ring has one side call another, and waits until it is known to ring there.
func (w *world) ring(from, to CallPhone, address, shown string) {
	w.t.Helper()
	w.must(from.Dial(w.ctx, address))
	if e := w.await(to, CallIncoming); !strings.Contains(e.Text, shown) {
		w.t.Errorf("%s is called by %q, want %s", to.Number(), e.Text, shown)
	}
	w.await(from, CallRinging)
}

// talk has one side call another, whom the called one knows as shown, and waits
// until each hears the other's tone.
func (w *world) talk(from, to CallPhone, address, shown string, fromTone, toTone float64) {
	w.t.Helper()
	w.ring(from, to, address, shown)
	w.must(to.Answer(w.ctx))
	w.await(from, CallTalking)
	w.await(to, CallTalking)
	w.hears(from, toTone)
	w.hears(to, fromTone)
}

// idle waits until the gateway has no call.
func (w *jingleWorld) idle() {
	w.t.Helper()
	w.waitMetric(w.gateway, "gateway_calls_active", "0")
}

// lastRecord is the last of a number of records, all of which are waited for.
func (w *jingleWorld) lastRecord(n int) record {
	w.t.Helper()
	var all []record
	err := w.poll(func() bool {
		all = w.records(w.gateway)
		return len(all) >= n
	})
	if err != nil {
		w.t.Fatalf("%d of %d records: %v", len(all), n, err)
	}
	return all[n-1]
}
