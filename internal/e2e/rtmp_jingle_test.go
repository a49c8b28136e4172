//go:build e2e

package e2e

import (
	"testing"

	. "gateway/internal/peer"
)

const rtmpJingleMaps = `
[[map]]
home = "chat:alice@example.org"
as   = { flash = "ann", chat = "alice@phones.example.org" }

[[map]]
home = "flash:bob"
as   = { chat = "bob@phones.example.org", flash = "bob" }
`

// A page of XMPP and a client of RTMP in one call, and their texts.
func TestPageAndFlashPhoneCallEachOther(t *testing.T) {
	for _, codec := range []string{"", "pcmu"} {
		t.Run("codec "+codec, func(t *testing.T) {
			w := newWorld(t)
			w.prosody()
			g := w.gateway(w.callTables(""), w.xmppTable(), w.rtmpTable(), rtmpJingleMaps)
			p := w.visit("alice", codec)
			w.must(p.Subscribe(w.ctx, "bob@"+component))
			c := w.flash("bob")
			// The client calls the page.
			mark := c.Out.Len()
			w.flashSays(c, "invite", "ann", "pcmu", "wideband")
			w.await(p, CallIncoming)
			w.must(p.Answer(w.ctx))
			w.flashTold(c, mark, "accepted")
			out, in := w.flashTalks(c, 0, 0, ToneC)
			w.hears(p, ToneC)
			w.flashHears(c, ToneB)
			w.must(p.Hangup(w.ctx))
			w.flashTold(c, mark, "byed")
			w.must(c.Silence(w.ctx, out))
			w.must(c.Command(w.ctx, out, "closeStream"))
			w.must(c.Command(w.ctx, in, "closeStream"))
			w.waitMetric(g, "gateway_calls_active", "0")
			// And the page the client.
			mark = c.Out.Len()
			w.must(p.Dial(w.ctx, "bob@"+component+"/gateway"))
			w.flashTold(c, mark, "invited")
			w.flashSays(c, "accept", "wideband", "pcmu")
			w.await(p, CallTalking)
			w.flashTalks(c, out, in, ToneC)
			w.hears(p, ToneC)
			w.flashHears(c, ToneB)
			w.flashSays(c, "bye")
			w.await(p, CallEnded)
			w.waitMetric(g, "gateway_calls_active", "0")
		})
	}
}

func TestFlashPhonesAndXMPPWriteToEachOther(t *testing.T) {
	w := newWorld(t)
	w.prosody()
	w.gateway(w.callTables(""), w.xmppTable(), w.rtmpTable(), rtmpJingleMaps)
	chat := w.chat(alice)
	c := w.flash("bob")
	mark := c.Out.Len()
	w.flashSays(c, "sendPagingMessage", "ann", "Grüße")
	_, err := chat.WaitText(w.ctx, alice, "Grüße")
	w.must(err)
	w.must(chat.Say(alice, "bob@"+component, "back", "zurück"))
	args := w.flashTold(c, mark, "receivedPagingMessage")
	if len(args) != 2 || args[1] != "zurück" {
		t.Errorf("receivedPagingMessage %v", args)
	}
}
