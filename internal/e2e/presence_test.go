//go:build e2e

package e2e

import (
	"fmt"
	"testing"

	"gateway/internal/peer"
)

// shows waits until a user is shown a party of the gateway's with a type of
// presence, "" for one who is there, behind the first mark lines.
func (pw *phoneWorld) shows(mark int, user, who, kind string) {
	pw.t.Helper()
	_, err := pw.chat.WaitAfter(pw.ctx, mark, func(e peer.ChatEvent) bool {
		return e.Event == "presence" && e.As == user && e.From == who && e.Type == kind
	})
	if err != nil {
		pw.t.Fatalf("%s is not shown as %q: %v", who, kind, err)
	}
}

func TestAnXMPPUserSeesWhetherAPhoneIsThere(t *testing.T) {
	pw := newPhoneWorld(t)
	const number, device = "2001@phones.example.org", "2001@phones.example.org/gateway"
	// Who has asked for the roster hears of subscriptions (RFC 6121 section 2.1.6).
	const roster = "<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>"
	pw.must(pw.chat.Raw(alice, roster))
	mark := pw.chat.Out.Len()
	pw.must(pw.chat.Raw(alice, fmt.Sprintf("<presence type='subscribe' to='%s'/>", number)))
	pw.shows(mark, alice, number, "subscribed")
	pw.shows(mark, alice, device, "unavailable")
	pw.shows(mark, alice, number, "subscribe") // so that she trusts it

	mark = pw.chat.Out.Len()
	phone, err := peer.StartLinphone(pw.ctx, pw.Lab, pw.account(0, false))
	pw.must(err)
	pw.shows(mark, alice, device, "")

	mark = pw.chat.Out.Len()
	pw.gateway.Stop()
	pw.shows(mark, alice, device, "unavailable")
	mark = pw.chat.Out.Len()
	pw.must(pw.gateway.Start(pw.ctx)) // it knows who watches, and nobody's contacts
	pw.shows(mark, alice, device, "unavailable")

	mark = pw.chat.Out.Len()
	phone.Stop()
	pw.must(phone.Start(pw.ctx))
	pw.shows(mark, alice, device, "")
	mark = pw.chat.Out.Len()
	pw.must(pw.chat.Logout(pw.ctx, alice))
	pw.must(pw.chat.Login(pw.ctx, alice, "alice-pw"))
	pw.shows(mark, alice, device, "") // her server asks for her

	pw.must(pw.chat.Raw(alice, roster))
	mark = pw.chat.Out.Len()
	pw.must(pw.chat.Raw(alice, "<presence type='subscribe' to='3000@phones.example.org'/>"))
	pw.shows(mark, alice, "3000@phones.example.org", "unsubscribed")
}
