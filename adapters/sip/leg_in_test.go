package sip

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"gateway/bridge"
	"gateway/bridge/bridgetest"
	"gateway/bridge/media"
)

func TestACallFromThePeerGoesItsWay(t *testing.T) {
	t.Parallel()
	b, u := callsWithPeer(t, nil)
	u.invite(audio(4000, "0 101", "a=rtpmap:101 telephone-event/8000"), "X-CID: origin-7@a")
	c := b.h.Call(0)
	inv := c.Invite
	if inv.ID != "origin-7@a" || inv.Hops != 20 || inv.From.Name != "2001" || inv.From.Display != "Bob" || inv.To.Name != "alice" || inv.Offer == nil || inv.Offer.Seq != 1 {
		t.Errorf("%+v", inv)
	}
	if f := inv.Offer.Desc[0].Formats; len(f) != 2 || f[0].Name != "pcmu" || !f[1].IsEvents() {
		t.Errorf("%+v", inv.Offer.Desc)
	}
	c.Leg.Ring(false)
	if res := u.expect("SIP/2.0 180"); body(res) != "" {
		t.Error(res)
	}
	c.Leg.Answer(1, sound(bridge.SendReceive, pcmu))
	ready := bridgetest.Await[bridge.MediaReady](c)
	set, _ := b.plane.Setting(ready.Port)
	if set.RTP != netip.MustParseAddrPort("127.0.0.1:4000") || !set.Send || !set.Receive || len(set.In) != 2 || set.Learn.IsValid() {
		t.Errorf("%+v", set)
	}
	c.Leg.Ring(true)
	if res := u.expect("SIP/2.0 183"); sdpLine(res, "m=") == "" || !strings.Contains(sdpLine(res, "m="), "RTP/AVP 0 101") {
		t.Error(res)
	}
	c.Leg.Accept()
	if res := u.accepted(""); sdpLine(res, "c=") != "c=IN IP4 127.0.0.1" {
		t.Error(res)
	}
	u.request("BYE", "", `Reason: Q.850;cause=16;text="bye"`)
	u.expect("SIP/2.0 200")
	if lost := bridgetest.Await[bridge.MediaLost](c); lost.Stream != "audio" || lost.Port != ready.Port {
		t.Errorf("%+v", lost)
	}
	ends(t, c, bridge.Normal)
	if b.plane.Count() != 0 {
		t.Error("the port is still open")
	}
	c.Leg.Hangup(bridge.Normal) // does nothing
}

func TestWhoHasDivertedACallIsNoted(t *testing.T) {
	t.Parallel()
	b, u := callsWithPeer(t, func(c *Config) { c.Accounts = map[string]Account{"2004": {Password: "pw"}} })
	u.invite(audio(4000, "0"),
		`Diversion: "A, B" <sip:2003@pbx.example.org>;reason=user-busy;counter=1, <tel:+49-30-1234>;reason=no-answer`,
		"Diversion: <mailto:a@example.org>", "Diversion: ;;", "Diversion: <sip:2004@pbx.example.org>", // an account of ours
		"Diversion: <sip:2005@pbx.example.org>, <sip:2006@pbx.example.org>, <sip:2007@pbx.example.org>")
	c := b.h.Call(0)
	var want []bridge.Address
	for _, name := range []string{"2003", "+49301234", "2005", "2006"} {
		want = append(want, bridge.Address{Adapter: "pbx", Name: name})
	}
	if !slices.Equal(c.Invite.Forwarders, want) {
		t.Errorf("%v", c.Invite.Forwarders)
	}
	c.Leg.Hangup(bridge.Busy)
	u.refused("486")
	ends(t, c, bridge.Busy)
}

func TestRefusalsAreToldByTheirStatus(t *testing.T) {
	t.Parallel()
	b, u := callsWithPeer(t, nil)
	for _, row := range []struct {
		cause  bridge.Cause
		status string
	}{
		{bridge.NotFound, "404"}, {bridge.Forbidden, "403"}, {bridge.Looped, "482"}, {bridge.Overloaded, "480"}, {bridge.Busy, "486"},
		{bridge.Declined, "603"}, {bridge.Timeout, "408"}, {bridge.NotAcceptable, "488"}, {bridge.Insecure, "488"},
	} {
		// The bridge refuses it at once.
		b.h.TakeCalls(func(bridge.Invite) error { return &bridge.Error{Op: "call", Cause: row.cause, Reason: "so it is"} })
		u.invite(audio(4000, "0"))
		if res := u.refused(row.status); !strings.HasPrefix(res, "SIP/2.0 "+row.status+" so it is\r\n") || header(res, "Reason") == "" {
			t.Error(res)
		}
	}
	b.h.TakeCalls(nil)
	for i, cause := range []bridge.Cause{bridge.Busy, bridge.Declined, bridge.Timeout, bridge.Normal, bridge.Unavailable} {
		// Nobody takes it.
		u.invite(audio(4000, "0"))
		c := b.h.Call(i)
		c.Leg.Ring(false)
		u.expect("SIP/2.0 180")
		c.Leg.Hangup(cause)
		res := u.refused([]string{"486", "603", "408", "480", "480"}[i])
		if got := header(res, "Reason"); !strings.HasPrefix(got, "Q.850;cause=") {
			t.Errorf("%v: %q", cause, got)
		}
		ends(t, c, cause)
	}
}

func TestACallThatIsTakenBackSaysWhy(t *testing.T) {
	t.Parallel()
	b, u := callsWithPeer(t, nil)
	for i, row := range []struct {
		reason string
		cause  bridge.Cause
	}{
		{"", bridge.Cancelled}, {"Reason: SIP;cause=487", bridge.Cancelled}, {`Reason: SIP;cause=200;text="Call completed elsewhere"`, bridge.Elsewhere},
	} {
		u.invite(audio(4000, "0"))
		c := b.h.Call(i)
		c.Leg.Answer(1, sound(bridge.SendReceive, pcmu))
		c.Leg.Ring(false)
		u.expect("SIP/2.0 180")
		if row.reason == "" {
			u.request("CANCEL", "")
		} else {
			u.request("CANCEL", "", row.reason)
		}
		u.refused("487")
		ends(t, c, row.cause)
		c.Leg.Accept() // too late
	}
}

func TestWhatCannotBeCarriedIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	b, u := callsWithPeer(t, func(c *Config) { c.SRTP = "sdes" })
	for name, row := range map[string]struct{ body, status string }{
		"no description": {"hello", "488"},
		"no sound":       {"v=0\r\nc=IN IP4 127.0.0.1\r\nm=image 4000 udptl t38\r\n", "488"},
		"plain":          {audio(4000, "0"), "488"},
		"a broken line":  {"v=0\r\nm=audio x RTP/AVP 0\r\n", "488"},
	} {
		u.invite(row.body)
		u.expect("SIP/2.0 100")
		if res := u.refused(""); !strings.HasPrefix(res, "SIP/2.0 "+row.status) {
			t.Errorf("%s: %s", name, res)
		}
	}
	if b.plane.Count() != 0 {
		t.Error("ports were opened")
	}
}

func TestAnAnswerThatDoesNotFitEndsTheCall(t *testing.T) {
	t.Parallel()
	b, u := callsWithPeer(t, nil)
	u.invite(audio(4000, "0"))
	c := b.h.Call(0)
	c.Leg.Answer(1, sound(bridge.SendReceive, pcma))
	u.refused("488")
	ends(t, c, bridge.NotAcceptable)
}

func TestNoPortIsNoCall(t *testing.T) {
	t.Parallel()
	b, u := callsWithPeer(t, nil)
	b.plane.SetFull(true)
	u.invite(audio(4000, "0"))
	c := b.h.Call(0)
	c.Leg.Answer(1, sound(bridge.SendReceive, pcmu))
	u.expect("SIP/2.0 500")
	bridgetest.Await[bridge.Ended](c)
	c = b.dial(nil)
	bridgetest.Await[bridge.Ended](c)
}

func TestWhoOffersNothingIsOffered(t *testing.T) {
	t.Parallel()
	b, u := callsWithPeer(t, nil)
	u.invite("")
	c := b.h.Call(0)
	if c.Invite.Offer != nil {
		t.Fatalf("%+v", c.Invite.Offer)
	}
	c.Leg.Ring(false)
	u.expect("SIP/2.0 180")
	c.Leg.Offer(bridge.Offer{Seq: 7, Desc: sound(bridge.SendReceive, pcma, pcmu)})
	c.Leg.Accept()
	res := u.accepted(audio(4000, "0"))
	if !strings.Contains(sdpLine(res, "m="), "RTP/AVP 8 0 101") {
		t.Error(res)
	}
	ready := bridgetest.Await[bridge.MediaReady](c)
	got := bridgetest.Await[bridge.Answered](c)
	if got.Seq != 7 || len(got.Desc[0].Formats) != 1 || got.Desc[0].Formats[0].Name != "pcmu" {
		t.Errorf("%+v", got)
	}
	if set, _ := b.plane.Setting(ready.Port); len(set.Out) != 1 || set.RTP.Port() != 4000 {
		t.Errorf("%+v", set)
	}
	c.Leg.Hangup(bridge.Normal)
	u.expect("BYE ")
	ends(t, c, bridge.Normal)
}

func TestKeysAreAnsweredInKind(t *testing.T) {
	t.Parallel()
	b, u := callsWithPeer(t, nil)
	u.invite(strings.Replace(audio(4000, "0", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"), "AVP", "SAVP", 1))
	c := b.h.Call(0)
	c.Leg.Answer(1, sound(bridge.SendReceive, pcmu))
	ready := bridgetest.Await[bridge.MediaReady](c)
	c.Leg.Accept()
	res := u.accepted("")
	if !strings.HasPrefix(sdpLine(res, "a=crypto"), "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:") {
		t.Error(res)
	}
	if set, _ := b.plane.Setting(ready.Port); set.Security == nil || set.Security.SDES == nil || set.Security.SDES.Suite != media.SuiteCM80 {
		t.Errorf("%+v", set)
	}
}

func TestAPhoneBehindANATIsLearntFromItsSignalling(t *testing.T) {
	t.Parallel()
	a := netip.MustParseAddr
	for _, row := range []struct {
		name                 string
		described, met, told netip.Addr
		want                 netip.Addr
	}{
		{"the same", a("192.168.1.2"), a("192.168.1.2"), a("192.168.1.1"), netip.Addr{}},
		{"a private one from outside", a("192.168.1.2"), a("198.51.100.7"), a("203.0.113.1"), a("198.51.100.7")},
		{"a shared one", a("100.64.3.2"), a("198.51.100.7"), a("203.0.113.1"), a("198.51.100.7")},
		{"a unique local one", a("fd00::2"), a("2001:db8::7"), a("2001:db8::1"), a("2001:db8::7")},
		{"a public one is believed", a("198.51.100.9"), a("198.51.100.7"), a("203.0.113.1"), netip.Addr{}},
		{"a host name", netip.Addr{}, a("198.51.100.7"), a("203.0.113.1"), a("198.51.100.7")},
		{"the other IP version", a("fd00::2"), a("198.51.100.7"), a("2001:db8::1"), netip.Addr{}},
	} {
		if got := learnFrom(row.described, row.met, row.told); got != row.want {
			t.Errorf("%s: %v, want %v", row.name, got, row.want)
		}
	}
}

func TestNobodyMakesUsSendToWhatOnlyWeCanReach(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, described, met string
		taken                bool
	}{
		{"a loopback address from outside", "127.0.0.1:5060", "198.51.100.7", false},
		{"one of IPv6", "[::1]:5060", "2001:db8::7", false},
		{"one in the dress of the other version", "[::ffff:127.0.0.1]:5060", "198.51.100.7", false},
		{"one of many from outside", "127.9.9.9:4000", "2001:db8::7", false},
		{"from this machine", "127.0.0.1:4000", "127.0.0.2", true},
		{"a link-local one from outside", "169.254.169.254:80", "198.51.100.7", false},
		{"from the link", "[fe80::1]:4000", "fe80::2", true},
		{"a private one", "10.1.2.3:4000", "198.51.100.7", true},
		{"a public one", "198.51.100.9:4000", "127.0.0.1", true},
	} {
		a := netip.MustParseAddrPort(row.described)
		if got := outside(a, netip.MustParseAddr(row.met)); (got == a) != row.taken || !row.taken && got.IsValid() {
			t.Errorf("%s: %v", row.name, got)
		}
	}
	if got := outside(netip.AddrPort{}, netip.Addr{}); got.IsValid() {
		t.Errorf("nowhere: %v", got)
	}
}

func TestThePlanesNewsReachTheBridge(t *testing.T) {
	t.Parallel()
	b, u := callsWithPeer(t, nil)
	begin := func(n int) (*bridgetest.Call, media.PacketPort) {
		u.invite(audio(4000, "0"))
		c := b.h.Call(n)
		c.Leg.Answer(1, sound(bridge.SendReceive, pcmu))
		port := bridgetest.Await[bridge.MediaReady](c).Port
		c.Leg.Accept()
		u.accepted("")
		return c, port
	}
	c, port := begin(0)
	b.plane.SetStats(port, media.Stats{In: media.Flow{Packets: 5}})
	b.plane.Tell(port, media.Heard{})
	bridgetest.Await[bridge.Heard](c)
	b.plane.Tell(port, media.Silent{})
	bridgetest.Await[bridge.Silent](c)
	b.plane.Tell(port, media.Secured{Suite: media.SuiteCM80})
	b.plane.Tell(port, media.Digit{Digit: '1', Forwarded: true})
	b.plane.Tell(port, media.Digit{Digit: '2'})
	if d := bridgetest.Await[bridge.Digit](c); d.Digit != '2' {
		t.Errorf("%+v", d)
	}
	b.plane.Tell(port, media.Insecure{})
	if lost := bridgetest.Await[bridge.MediaLost](c); lost.Stats.In.Packets != 5 {
		t.Errorf("%+v", lost)
	}
	ends(t, c, bridge.Insecure)
	u.expect("BYE ")
	c, port = begin(1)
	b.plane.Tell(port, media.Lost{})
	ends(t, c, bridge.Internal)
	u.expect("BYE ")
}

func TestTheEndOfTheAdapterEndsItsCalls(t *testing.T) {
	t.Parallel()
	b, u := callsWithPeer(t, nil)
	u.invite(audio(4000, "0"))
	in := b.h.Call(0)
	in.Leg.Answer(1, sound(bridge.SendReceive, pcmu))
	in.Leg.Accept()
	u.accepted("")
	u.request("INFO", "") // which comes behind the ACK: without that there is no BYE (RFC 3261 section 15)
	u.expect("SIP/2.0 ")
	out := b.dial(nil)
	u.expect("INVITE ")
	b.stop()
	ends(t, in, bridge.Unavailable)
	ends(t, out, bridge.Unavailable)
	u.expect("BYE ")
	ends(t, b.dial(nil), bridge.Unavailable)
}
