package sip

import (
	"strings"
	"testing"

	"gateway/adapters/sip/dialog"
	"gateway/bridge"
	"gateway/bridge/bridgetest"
)

func TestABlindTransferIsToldOf(t *testing.T) {
	t.Parallel()
	b, u := callsWithPeer(t, nil)
	c, _ := talking(t, b, u, 0, "0")
	for i, row := range []struct {
		cause  bridge.Cause
		status string
	}{{0, "SIP/2.0 200 OK\r\n"}, {bridge.Busy, "SIP/2.0 486 Busy Here\r\n"}, {bridge.NotFound, "SIP/2.0 404 Not Found\r\n"}} {
		u.request("REFER", "", "Refer-To: <sip:2005@pbx.example.org>")
		if res := u.expect("SIP/2.0 "); code(res) != 202 {
			t.Fatal(res)
		}
		notify := u.expect("NOTIFY ")
		if body(notify) != "SIP/2.0 100 Trying\r\n" || !strings.HasPrefix(header(notify, "Event"), "refer") || !strings.HasPrefix(header(notify, "Subscription-State"), "active") ||
			strings.Contains(header(notify, "Event"), ";id=") != (i > 0) || header(notify, "Contact") == "" {
			t.Error(notify)
		}
		u.reply(notify, 200, "", "")
		asked := bridgetest.Await[bridge.TransferAsked](c)
		if asked.To.String() != "pbx:2005" || asked.Leg != "" || asked.Replaces != "" {
			t.Errorf("%+v", asked)
		}
		c.Leg.Transfer(asked.ID, row.cause)
		c.Leg.Transfer(asked.ID, row.cause) // is over
		notify = u.expect("NOTIFY ")
		if body(notify) != row.status || header(notify, "Subscription-State") != "terminated;reason=noresource" {
			t.Error(notify)
		}
		u.reply(notify, 200, "", "")
	}
	u.request("BYE", "")
	ends(t, c, bridge.Normal)
}

func TestWhoDoesNotWantToHearOfATransferDoesNot(t *testing.T) {
	t.Parallel()
	b, u := callsWithPeer(t, nil)
	c, _ := talking(t, b, u, 0, "0")
	u.request("REFER", "", "Refer-To: <sip:2005@pbx.example.org>", "Refer-Sub: false", "Supported: norefersub")
	if res := u.expect("SIP/2.0 200"); header(res, "Refer-Sub") != "false" {
		t.Error(res)
	}
	asked := bridgetest.Await[bridge.TransferAsked](c)
	c.Leg.Transfer(asked.ID, 0)
	c.Leg.Hangup(bridge.Replaced)
	for p := u.next(); !strings.HasPrefix(p.text, "BYE "); p = u.next() {
		if strings.HasPrefix(p.text, "NOTIFY ") {
			t.Error(p.text)
		}
	}
	ends(t, c, bridge.Replaced)
}

func TestATransferThatMakesNoSenseIsRefused(t *testing.T) {
	t.Parallel()
	b, u := callsWithPeer(t, nil)
	c, _ := talking(t, b, u, 0, "0")
	for lines, status := range map[string]string{
		"X: none": "400",
		"Refer-To: <sip:a@b>\r\nRefer-To: <sip:c@d>": "400",
		"Refer-To: nowhere":                          "400",
		"Refer-To: <sip:a@b;method=BYE>":             "501",
		"Refer-To: <mailto:a@b>":                     "501",
		"Refer-To: <sip:b.example.org>":              "400",
	} {
		u.request("REFER", "", lines)
		if res := u.expect("SIP/2.0 "); !strings.HasPrefix(res, "SIP/2.0 "+status) {
			t.Errorf("%q: %s", lines, res)
		}
	}
	u.request("NOTIFY", "", "Event: refer", "Subscription-State: active")
	u.expect("SIP/2.0 481")
	for range maxTransfers {
		u.request("REFER", "", "Refer-To: <sip:2005@pbx.example.org>")
		u.expect("SIP/2.0 202")
	}
	u.request("REFER", "", "Refer-To: <sip:2005@pbx.example.org>")
	u.expect("SIP/2.0 480")
	u.request("BYE", "")
	ends(t, c, bridge.Normal)
}

func TestAnAttendedTransferNamesTheOtherCall(t *testing.T) {
	t.Parallel()
	b, u := callsWithPeer(t, nil)
	first, _ := talking(t, b, u, 0, "0")
	other := &farUA{fakePeer: u.fakePeer, gw: u.gw, tag: "far2"}
	second := b.dial(func(inv *bridge.Invite) { inv.From.Name = "carol" })
	req := other.called()
	other.reply(req, 200, other.tag, audio(5000, "0"))
	other.expect("ACK ")
	bridgetest.Await[bridge.Accepted](second)
	tagOf := func(v string) string { _, tag, _ := strings.Cut(v, ";tag="); return tag }
	replaces := strings.NewReplacer("@", "%40", ";", "%3B", "=", "%3D").Replace(other.callID + ";to-tag=" + tagOf(other.to) + ";from-tag=" + tagOf(other.from))
	u.request("REFER", "", "Refer-To: <sip:carol@gw.example.org?Replaces="+replaces+">")
	u.expect("SIP/2.0 202")
	asked := bridgetest.Await[bridge.TransferAsked](first)
	if asked.Leg != second.Leg.ID() || asked.To.Name != "carol" || asked.Replaces != "" {
		t.Errorf("%+v", asked)
	}
	// A call that is none of ours is for whoever has it.
	u.request("REFER", "", "Refer-To: <sip:2005@pbx.example.org?Replaces=abc%40d%3Bto-tag%3D1%3Bfrom-tag%3D2>")
	u.expect("SIP/2.0 202")
	asked = bridgetest.Await[bridge.TransferAsked](first)
	if asked.Leg != "" || asked.To.Name != "2005" || asked.Replaces != "abc@d;to-tag=1;from-tag=2" {
		t.Errorf("%+v", asked)
	}
	third := b.dial(func(inv *bridge.Invite) { inv.Replaces = asked.Replaces })
	req = u.expect("INVITE ")
	if header(req, "Replaces") != asked.Replaces || header(req, "Require") != "replaces" {
		t.Error(req)
	}
	third.Leg.Hangup(bridge.Normal)
	ends(t, third, bridge.Normal)
}

func TestOnlyWhoIsInBothCallsMayJoinThem(t *testing.T) {
	t.Parallel()
	alice, bob, peer := &path{account: "2001"}, &path{account: "2002"}, &path{}
	for _, row := range []struct {
		name string
		a, b dialog.Path
		want bool
	}{
		{"a phone", alice, &path{account: "2001"}, true},
		{"two phones", alice, bob, false},
		{"a phone and the peer", alice, peer, false},
		{"the peer", peer, &path{}, true},
		{"nobody yet", alice, nil, false},
	} {
		if got := sameParty(row.a, row.b); got != row.want {
			t.Errorf("%s: %v", row.name, got)
		}
	}
}

func TestACallMayTakeThePlaceOfAnother(t *testing.T) {
	t.Parallel()
	b, u := callsWithPeer(t, nil)
	first, _ := talking(t, b, u, 0, "0")
	tagOf := func(v string) string { _, tag, _ := strings.Cut(v, ";tag="); return tag }
	next := &farUA{fakePeer: u.fakePeer, gw: u.gw, tag: "next"}
	next.invite(audio(5000, "0"), "Replaces: "+u.callID+";to-tag="+tagOf(u.to)+";from-tag="+tagOf(u.from))
	second := b.h.Call(1)
	if second.Invite.Replaces != first.Leg.ID() {
		t.Errorf("%+v", second.Invite)
	}
	second.Leg.Answer(1, sound(bridge.SendReceive, pcmu))
	second.Leg.Accept()
	next.accepted("")
	first.Leg.Hangup(bridge.Replaced)
	u.expect("BYE ")
	ends(t, first, bridge.Replaced)
	next.invite(audio(5000, "0"), "Replaces: nobody@nowhere;to-tag=1;from-tag=2")
	next.expect("SIP/2.0 481")
}

func TestACallThatRingsIsNotTakenOver(t *testing.T) {
	t.Parallel()
	b, u := callsWithPeer(t, nil)
	talking(t, b, u, 0, "0")
	other := &farUA{fakePeer: u.fakePeer, gw: u.gw, tag: "far2"}
	b.dial(func(inv *bridge.Invite) { inv.From.Name = "carol" })
	req := other.called()
	other.reply(req, 180, other.tag, "")
	tagOf := func(v string) string { _, tag, _ := strings.Cut(v, ";tag="); return tag }
	replaces := other.callID + ";to-tag=" + tagOf(other.to) + ";from-tag=" + tagOf(other.from)
	next := &farUA{fakePeer: u.fakePeer, gw: u.gw, tag: "next"}
	next.invite(audio(5000, "0"), "Replaces: "+replaces)
	next.expect("SIP/2.0 481")
	next.invite(audio(5000, "0"), "Replaces: "+replaces+";early-only")
	next.expect("SIP/2.0 481")
	escaped := strings.NewReplacer("@", "%40", ";", "%3B", "=", "%3D").Replace(replaces)
	u.request("REFER", "", "Refer-To: <sip:carol@gw.example.org?Replaces="+escaped+">")
	u.expect("SIP/2.0 481")
}
