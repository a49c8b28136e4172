package sip

import (
	"slices"
	"strings"
	"testing"

	"gateway/bridge"
	"gateway/bridge/bridgetest"
	"gateway/bridge/media"
)

func TestACallToThePeerGoesItsWay(t *testing.T) {
	t.Parallel()
	b, u := callsWithPeer(t, nil)
	c := b.dial(func(inv *bridge.Invite) { inv.By = bridge.Address{Adapter: "pbx", Name: "2009"} })
	req := u.called()
	for name, want := range map[string]string{
		"X-CID": "call-1@origin", "Max-Forwards": "42", "P-Asserted-Identity": "<sip:alice@gw.example.org>", "Referred-By": "<sip:2009@gw.example.org>",
		"Privacy": "", "Content-Type": "application/sdp",
	} {
		if got := header(req, name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if !strings.HasPrefix(header(req, "From"), `"Alice" <sip:alice@gw.example.org>;tag=`) || !strings.Contains(sdpLine(req, "m="), "RTP/AVP 0 8 101") {
		t.Error(req)
	}
	u.reply(req, 100, "", "")
	u.reply(req, 180, u.tag, "")
	if bridgetest.Await[bridge.Ringing](c).Early {
		t.Error("early without media")
	}
	u.reply(req, 183, u.tag, audio(4000, "8"))
	ready := bridgetest.Await[bridge.MediaReady](c)
	if got := bridgetest.Await[bridge.Answered](c); got.Seq != 1 || got.Desc[0].Formats[0].Name != "pcma" {
		t.Errorf("%+v", got)
	}
	if !bridgetest.Await[bridge.Ringing](c).Early {
		t.Error("not early")
	}
	u.reply(req, 200, u.tag, audio(4000, "8"))
	bridgetest.Await[bridge.Accepted](c)
	u.expect("ACK ")
	if set, times := b.plane.Setting(ready.Port); set.RTP.Port() != 4000 || times != 1 {
		t.Errorf("set %d times: %+v", times, set)
	}
	c.Leg.Hangup(bridge.Normal)
	bye := u.expect("BYE ")
	if got := header(bye, "Reason"); !strings.HasPrefix(got, "Q.850;cause=16") {
		t.Error(got)
	}
	u.reply(bye, 200, "", "")
	ends(t, c, bridge.Normal)
}

func TestARedirectionSaysWhereTo(t *testing.T) {
	t.Parallel()
	b, u := callsWithPeer(t, nil)
	for _, row := range []struct {
		status   int
		contacts string // behind "Contact: "
		want     []string
	}{
		{302, "<sip:2005@pbx.example.org>", []string{"2005"}},
		{301, `"A, B" <sip:2005@192.0.2.66>;q=0.2, <tel:+49301234>;q=0.9, <sip:2005@192.0.2.67>`, []string{"2005", "+49301234"}},
		{300, "<mailto:a@example.org>, <sip:2006@pbx.example.org>;q=7", []string{"2006"}},
		{302, "<sip:pbx.example.org>", nil},
		{305, "<sip:2005@proxy.example.org>", nil},
		{404, "<sip:2005@pbx.example.org>", nil},
	} {
		c := b.dial(nil)
		u.send(u.gw, response(u.called(), row.status, "Because", "Contact: "+row.contacts))
		e := bridgetest.Await[bridge.Ended](c)
		if !slices.Equal(e.Instead, row.want) {
			t.Errorf("%s: %q, want %q", row.contacts, e.Instead, row.want)
		}
		u.expect("ACK ")
	}
}

func TestWhoHasForwardedACallIsTold(t *testing.T) {
	t.Parallel()
	b, u := callsWithPeer(t, nil)
	c := b.dial(func(inv *bridge.Invite) {
		inv.Forwarders = []bridge.Address{{Adapter: "pbx", Name: "2009"}, {Adapter: "chat", Name: "bob@example.org"}}
	})
	if got := header(u.called(), "Diversion"); got != "<sip:2009@gw.example.org>;reason=unknown;counter=1" {
		t.Errorf("%q", got)
	}
	c.Leg.Hangup(bridge.Cancelled)
	ends(t, c, bridge.Cancelled)
}

func TestAWithheldCallerIsNotNamed(t *testing.T) {
	t.Parallel()
	b, u := callsWithPeer(t, nil)
	c := b.dial(func(inv *bridge.Invite) { inv.Private = true }) // its ID may have its host's name
	req := u.called()
	if !strings.HasPrefix(header(req, "From"), `"Anonymous" <sip:anonymous@anonymous.invalid>`) || header(req, "Privacy") != "id" ||
		strings.Contains(header(req, "Contact"), "alice") || header(req, "X-CID") != "" || header(req, "P-Asserted-Identity") != "<sip:alice@gw.example.org>" {
		t.Error(req)
	}
	c.Leg.Hangup(bridge.Cancelled)
	ends(t, c, bridge.Cancelled)
}

func TestWhatThePeerSaysIsWhyACallHasFailed(t *testing.T) {
	t.Parallel()
	b, u := callsWithPeer(t, nil)
	for _, row := range []struct {
		status int
		reason string
		cause  bridge.Cause
	}{
		{486, "", bridge.Busy}, {603, "", bridge.Declined}, {404, "", bridge.NotFound}, {480, "", bridge.Unavailable}, {302, "", bridge.Moved},
		{480, "Reason: Q.850;cause=19", bridge.Timeout}, {500, "Reason: Q.850;cause=17", bridge.Busy}, {486, "Reason: Q.850;cause=16", bridge.Busy}, {488, "", bridge.NotAcceptable},
	} {
		c := b.dial(nil)
		req := u.called()
		var more []string
		if row.reason != "" {
			more = []string{row.reason}
		}
		u.reply(req, row.status, u.tag, "", more...)
		if e := ends(t, c, row.cause); e.Reason != "Because" {
			t.Errorf("%d: reason %q", row.status, e.Reason)
		}
		u.expect("ACK ")
	}
}

func TestACallThatCannotBeginEndsAtOnce(t *testing.T) {
	t.Parallel()
	b, _ := callsWithPeer(t, func(c *Config) { c.Accounts = map[string]Account{"2002": {Password: "x"}} })
	for name, row := range map[string]struct {
		set   func(inv *bridge.Invite)
		cause bridge.Cause
	}{
		"no name":           {func(inv *bridge.Invite) { inv.To.Name = "" }, bridge.BadAddress},
		"no hops":           {func(inv *bridge.Invite) { inv.Hops = 0 }, bridge.Looped},
		"nobody registered": {func(inv *bridge.Invite) { inv.To.Name = "2002" }, bridge.Unavailable},
		"nothing to offer":  {func(inv *bridge.Invite) { inv.Offer = talk() }, bridge.NotAcceptable},
		"no such call":      {func(inv *bridge.Invite) { inv.Replaces = "x" }, bridge.NotFound},
	} {
		c := b.dial(row.set)
		if e := bridgetest.Await[bridge.Ended](c); e.Cause != row.cause {
			t.Errorf("%s: %v (%v), want %v", name, e.Cause, e.Err, row.cause)
		}
		c.Leg.Hangup(bridge.Normal)
		c.Leg.Accept()
	}
}

func TestOfSeveralForksOneCounts(t *testing.T) {
	t.Parallel()
	b, u := callsWithPeer(t, nil)
	c := b.dial(nil)
	req := u.called()
	u.reply(req, 183, "one", audio(4000, "0"))
	port := bridgetest.Await[bridge.MediaReady](c).Port
	bridgetest.Await[bridge.Answered](c)
	u.reply(req, 183, "two", audio(5000, "8"))
	if got := bridgetest.Await[bridge.Answered](c); got.Desc[0].Formats[0].Name != "pcma" {
		t.Errorf("%+v", got)
	}
	u.reply(req, 183, "three", audio(6000, "18")) // which we have not offered
	// The first takes it, and says nothing new.
	u.reply(req, 200, "one", "")
	if got := bridgetest.Await[bridge.Answered](c); got.Desc[0].Formats[0].Name != "pcmu" {
		t.Errorf("%+v", got)
	}
	bridgetest.Await[bridge.Accepted](c)
	if ack := u.expect("ACK "); !strings.HasSuffix(header(ack, "To"), ";tag=one") {
		t.Error(ack)
	}
	if set, _ := b.plane.Setting(port); set.RTP.Port() != 4000 || b.plane.Count() != 1 {
		t.Errorf("%d ports, %+v", b.plane.Count(), set)
	}
	u.reply(req, 200, "two", audio(5000, "8"))
	u.expect("ACK ")
	if bye := u.expect("BYE "); !strings.HasSuffix(header(bye, "To"), ";tag=two") {
		t.Error(bye)
	}
	c.Leg.Hangup(bridge.Normal)
	ends(t, c, bridge.Normal)
}

func TestATakenCallWithoutSoundIsHungUp(t *testing.T) {
	t.Parallel()
	b, u := callsWithPeer(t, func(c *Config) { c.SRTP = "offer" })
	for _, row := range []struct {
		answer string
		cause  bridge.Cause
	}{
		{"", bridge.NotAcceptable}, {audio(4000, "18"), bridge.NotAcceptable}, {"v=0\r\nm=audio\r\n", bridge.NotAcceptable},
	} {
		c := b.dial(nil)
		req := u.called()
		u.reply(req, 200, u.tag, row.answer)
		u.expect("ACK ")
		bye := u.expect("BYE ")
		if !strings.HasPrefix(header(bye, "Reason"), "Q.850;cause=88") {
			t.Error(bye)
		}
		u.reply(bye, 200, "", "")
		ends(t, c, row.cause)
	}
}

func TestKeysAreDemandedWhereTheConfigurationSaysSo(t *testing.T) {
	t.Parallel()
	b, u := callsWithPeer(t, func(c *Config) { c.SRTP = "dtls" })
	c := b.dial(nil)
	req := u.called()
	if !strings.Contains(sdpLine(req, "m="), "UDP/TLS/RTP/SAVP ") || sdpLine(req, "a=setup") != "a=setup:actpass" {
		t.Error(req)
	}
	answer := strings.Replace(audio(4000, "0", "a=setup:active", "a=fingerprint:sha-256 AA:BB", "a=rtcp-mux"), "RTP/AVP", "UDP/TLS/RTP/SAVP", 1)
	u.reply(req, 200, u.tag, answer)
	port := bridgetest.Await[bridge.MediaReady](c).Port
	bridgetest.Await[bridge.Accepted](c)
	if set, _ := b.plane.Setting(port); set.Security == nil || set.Security.DTLS == nil || set.Security.DTLS.Client || set.Security.DTLS.Local != b.plane.Fingerprint() {
		t.Errorf("%+v", set)
	}
	b.plane.Tell(port, media.Insecure{})
	ends(t, c, bridge.Insecure)
}

func TestACallWithoutAnOfferIsOfferedOne(t *testing.T) {
	t.Parallel()
	b, u := callsWithPeer(t, nil)
	c := b.dial(func(inv *bridge.Invite) { inv.Offer = nil })
	req := u.called()
	if body(req) != "" || strings.Contains(header(req, "Supported"), "100rel") {
		t.Error(req)
	}
	u.reply(req, 180, u.tag, "")
	bridgetest.Await[bridge.Ringing](c)
	u.reply(req, 200, u.tag, audio(4000, "8 0"))
	o := bridgetest.Await[bridge.Offered](c).Offer
	if o.Seq != 1 || len(o.Desc[0].Formats) != 2 {
		t.Errorf("%+v", o)
	}
	bridgetest.Await[bridge.Accepted](c)
	c.Leg.Answer(1, sound(bridge.SendReceive, pcmu))
	bridgetest.Await[bridge.MediaReady](c)
	if ack := u.expect("ACK "); !strings.Contains(sdpLine(ack, "m="), "RTP/AVP 0") {
		t.Error(ack)
	}
	c.Leg.Hangup(bridge.Normal)
	u.expect("BYE ")
	ends(t, c, bridge.Normal)
}

// withPhones is an account 2001 with n phones.
func withPhones(t *testing.T, n int) (*callBench, []*farUA) {
	t.Helper()
	b := callsOn(t, func(c *Config) { c.Accounts = map[string]Account{"2001": {Password: "secret1"}} })
	var all []*farUA
	for range n {
		p := newFakePeer(t, "127.0.0.1:0")
		gw := b.a.Addrs()[0]
		if res := p.asPhone(gw, registerQuery("2001", "<sip:2001@"+p.addr()+">"), "2001", "secret1"); code(res) != 200 {
			t.Fatal(res)
		}
		all = append(all, &farUA{fakePeer: p, gw: gw, tag: "phone"})
	}
	return b, all
}

func TestOfSeveralPhonesTheFirstToTakeItWins(t *testing.T) {
	t.Parallel()
	b, u := withPhones(t, 3)
	c := b.dial(nil)
	var reqs []string
	for _, p := range u {
		req := p.called()
		p.reply(req, 180, p.tag, "")
		reqs = append(reqs, req)
	}
	bridgetest.Await[bridge.Ringing](c)
	if header(reqs[0], "P-Asserted-Identity") != "" {
		t.Error("a phone is told what only the peer is")
	}
	u[0].reply(reqs[0], 183, "phone", audio(4000, "0"))
	early := bridgetest.Await[bridge.MediaReady](c).Port
	bridgetest.Await[bridge.Answered](c)
	u[2].reply(reqs[2], 486, "phone", "")
	u[2].expect("ACK ")
	u[1].reply(reqs[1], 200, "phone", audio(5000, "0"))
	won := bridgetest.Await[bridge.MediaReady](c).Port
	bridgetest.Await[bridge.Answered](c)
	bridgetest.Await[bridge.Accepted](c)
	if won == early {
		t.Error("two phones have one port")
	}
	if cancel := u[0].expect("CANCEL "); !strings.Contains(header(cancel, "Reason"), `SIP;cause=200;text="Call completed elsewhere"`) {
		t.Error(cancel)
	}
	u[0].reply(reqs[0], 487, "phone", "")
	u[0].expect("ACK ")
	settled := make(chan bool)
	b.inside(c, func(*leg) { close(settled) })
	next(t, settled, "the leg")
	if ports := b.plane.Ports(); len(ports) != 1 || ports[0] != won {
		t.Errorf("%v are open, %v has won", ports, won)
	}
	c.Leg.Hangup(bridge.Normal)
	u[1].expect("BYE ")
	ends(t, c, bridge.Normal)
}

func TestWhenAllPhonesRefuseTheBestReasonIsTold(t *testing.T) {
	t.Parallel()
	b, u := withPhones(t, 2)
	for _, row := range []struct {
		first, second int
		cause         bridge.Cause
	}{{480, 486, bridge.Busy}, {486, 480, bridge.Busy}, {404, 408, bridge.NotFound}} {
		c := b.dial(nil)
		u[0].reply(u[0].called(), row.first, "phone", "")
		u[0].expect("ACK ")
		u[1].reply(u[1].called(), row.second, "phone", "")
		ends(t, c, row.cause)
	}
	// One who declines does so for the person (RFC 3261 section 21.6).
	c := b.dial(nil)
	req := u[1].called()
	u[1].reply(req, 180, "phone", "")
	bridgetest.Await[bridge.Ringing](c)
	u[0].reply(u[0].called(), 603, "phone", "")
	u[1].expect("CANCEL ")
	ends(t, c, bridge.Declined)
}

func TestTheCallerWhoHangsUpStopsAllPhones(t *testing.T) {
	t.Parallel()
	b, u := withPhones(t, 2)
	c := b.dial(nil)
	for _, p := range u {
		p.reply(p.called(), 180, "phone", "")
	}
	bridgetest.Await[bridge.Ringing](c)
	c.Leg.Hangup(bridge.Elsewhere)
	ends(t, c, bridge.Elsewhere)
	for _, p := range u {
		if cancel := p.expect("CANCEL "); !strings.Contains(header(cancel, "Reason"), "cause=200") {
			t.Error(cancel)
		}
	}
}

func TestAnIDThatIsNotFitIsLeftOut(t *testing.T) {
	t.Parallel()
	b, u := callsWithPeer(t, nil)
	c := b.dial(func(inv *bridge.Invite) { inv.ID = "not fit\r\nfor: it" })
	if req := u.called(); header(req, "X-CID") != "" || header(req, "for") != "" {
		t.Error(req)
	}
	c.Leg.Hangup(bridge.Cancelled)
	ends(t, c, bridge.Cancelled)
}
