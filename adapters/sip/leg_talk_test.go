package sip

import (
	"reflect"
	"strings"
	"testing"

	"gateway/adapters/sip/dialog"
	"gateway/bridge"
	"gateway/bridge/bridgetest"
	"gateway/bridge/media"
)

// talking is a call that the far side has made and that has been taken.
func talking(t *testing.T, b *callBench, u *farUA, n int, formats string, lines ...string) (*bridgetest.Call, media.PacketPort) {
	t.Helper()
	u.invite(audio(4000, formats, lines...))
	c := b.h.Call(n)
	c.Leg.Answer(1, sound(bridge.SendReceive, pcmu))
	port := bridgetest.Await[bridge.MediaReady](c).Port
	c.Leg.Accept()
	u.accepted("")
	return c, port
}

func TestHoldAndResumeCrossFromTheFarSide(t *testing.T) {
	t.Parallel()
	b, u := callsWithPeer(t, nil)
	c, port := talking(t, b, u, 0, "0")
	for i, row := range []struct {
		offer  string
		dir    bridge.Dir
		answer bridge.Dir
		line   string
		send   bool
	}{
		{audio(4000, "0", "a=sendonly"), bridge.SendOnly, bridge.ReceiveOnly, "a=recvonly", false},
		{strings.Replace(audio(4000, "0"), "IN IP4 127.0.0.1\r\nt", "IN IP4 0.0.0.0\r\nt", 1), bridge.SendOnly, bridge.ReceiveOnly, "a=recvonly", false},
		{audio(4000, "0"), bridge.SendReceive, bridge.SendReceive, "a=sendrecv", true},
	} {
		u.request("INVITE", row.offer)
		o := bridgetest.Await[bridge.Offered](c).Offer
		if o.Seq != uint32(i+2) || o.Desc[0].Dir != row.dir || o.Desc[0].ID != "audio" {
			t.Errorf("%d: %+v", i, o)
		}
		c.Leg.Answer(o.Seq, sound(row.answer, pcmu))
		if res := u.accepted(""); sdpLine(res, row.line) == "" {
			t.Errorf("%d: %s", i, res)
		}
		if set, _ := b.plane.Setting(port); set.Send != row.send || !set.Receive {
			t.Errorf("%d: %+v", i, set)
		}
	}
}

func TestARefusedOfferLeavesTheCallAsItWas(t *testing.T) {
	t.Parallel()
	b, u := callsWithPeer(t, nil)
	c, port := talking(t, b, u, 0, "0")
	before, _ := b.plane.Setting(port)
	for cause, status := range map[bridge.Cause]string{bridge.NotAcceptable: "488", bridge.Conflict: "491", bridge.Timeout: "504", bridge.Internal: "500"} {
		u.request("INVITE", audio(4010, "0 18"))
		o := bridgetest.Await[bridge.Offered](c).Offer
		c.Leg.Refuse(o.Seq, cause)
		u.refused(status)
	}
	// What nobody can make anything of never gets to the bridge.
	u.request("INVITE", "v=0\r\nm=audio\r\n")
	u.refused("488")
	// An answer that can't be made.
	u.request("INVITE", audio(4010, "0 18"))
	c.Leg.Answer(bridgetest.Await[bridge.Offered](c).Offer.Seq, sound(bridge.SendReceive, pcma))
	u.refused("488")
	// And from our side.
	c.Leg.Offer(bridge.Offer{Seq: 5, Desc: sound(bridge.SendReceive, pcma)})
	req := u.expect("INVITE ")
	u.reply(req, 488, "", "")
	if r := bridgetest.Await[bridge.Refused](c); r.Seq != 5 || r.Cause != bridge.NotAcceptable {
		t.Errorf("%+v", r)
	}
	u.expect("ACK ")
	c.Leg.Offer(bridge.Offer{Seq: 6, Desc: sound(bridge.SendReceive)})
	if r := bridgetest.Await[bridge.Refused](c); r.Seq != 6 || r.Cause != bridge.NotAcceptable {
		t.Errorf("%+v", r)
	}
	if after, _ := b.plane.Setting(port); !reflect.DeepEqual(before, after) || b.plane.Count() != 1 {
		t.Errorf("%+v became %+v, %d ports", before, after, b.plane.Count())
	}
	u.request("BYE", "")
	ends(t, c, bridge.Normal)
}

func TestOffersOfTheBridgeReachTheFarSide(t *testing.T) {
	t.Parallel()
	b, u := callsWithPeer(t, nil)
	c, port := talking(t, b, u, 0, "0 8")
	c.Leg.Offer(bridge.Offer{Seq: 3, Desc: sound(bridge.SendOnly, pcma, pcmu)})
	c.Leg.Offer(bridge.Offer{Seq: 4, Desc: sound(bridge.SendOnly, pcma)}) // one too many
	if r := bridgetest.Await[bridge.Refused](c); r.Seq != 4 || r.Cause != bridge.Conflict {
		t.Errorf("%+v", r)
	}
	req := u.expect("INVITE ")
	if sdpLine(req, "a=sendonly") == "" || !strings.HasPrefix(sdpLine(req, "m="), "m=audio ") || !strings.Contains(sdpLine(req, "m="), " 8 0 ") {
		t.Error(req)
	}
	u.reply(req, 200, "", audio(4002, "8", "a=recvonly"))
	if got := bridgetest.Await[bridge.Answered](c); got.Seq != 3 || got.Desc[0].Dir != bridge.ReceiveOnly || got.Desc[0].Formats[0].Name != "pcma" {
		t.Errorf("%+v", got)
	}
	u.expect("ACK ")
	if set, _ := b.plane.Setting(port); set.RTP.Port() != 4002 || !set.Send || set.Receive {
		t.Errorf("%+v", set)
	}
	// An answer that can't be one is the end.
	c.Leg.Offer(bridge.Offer{Seq: 5, Desc: sound(bridge.SendReceive, pcma)})
	req = u.expect("INVITE ")
	u.reply(req, 200, "", audio(4002, "18"))
	ends(t, c, bridge.NotAcceptable)
	u.expect("BYE ")
}

func TestWhoAsksForAnOfferGetsOne(t *testing.T) {
	t.Parallel()
	b, u := callsWithPeer(t, nil)
	c, port := talking(t, b, u, 0, "0")
	u.request("INVITE", audio(4000, "0", "a=sendonly"))
	c.Leg.Answer(bridgetest.Await[bridge.Offered](c).Offer.Seq, sound(bridge.ReceiveOnly, pcmu))
	u.accepted("")
	// Resumed by somebody who lets us speak first.
	u.request("INVITE", "")
	res := u.expect("SIP/2.0 200")
	if sdpLine(res, "a=sendrecv") == "" {
		t.Error(res)
	}
	u.request("ACK", audio(4000, "0"))
	o := bridgetest.Await[bridge.Offered](c).Offer
	if o.Desc[0].Dir != bridge.SendReceive {
		t.Errorf("%+v", o)
	}
	c.Leg.Answer(o.Seq, sound(bridge.SendReceive, pcmu))
	if set, _ := b.plane.Setting(port); !set.Send || !set.Receive {
		t.Errorf("%+v", set)
	}
	// Once more, and nothing is new; the other side does not want to hear.
	u.request("INVITE", "")
	u.expect("SIP/2.0 200")
	u.request("ACK", audio(4000, "0", "a=sendonly"))
	o = bridgetest.Await[bridge.Offered](c).Offer
	c.Leg.Answer(o.Seq, sound(bridge.Inactive, pcmu))
	req := u.expect("INVITE ")
	if sdpLine(req, "a=inactive") == "" {
		t.Error(req)
	}
	u.reply(req, 200, "", audio(4000, "0", "a=inactive"))
	u.expect("ACK ")
	if o = bridgetest.Await[bridge.Offered](c).Offer; o.Desc[0].Dir != bridge.Inactive {
		t.Errorf("%+v", o)
	}
	c.Leg.Answer(o.Seq, sound(bridge.Inactive, pcmu))
	u.request("BYE", "")
	ends(t, c, bridge.Normal)
}

func TestTwoOffersAtOnceAreBothRefused(t *testing.T) {
	t.Parallel()
	b, u := callsWithPeer(t, nil)
	c, _ := talking(t, b, u, 0, "0")
	u.request("INVITE", audio(4000, "0", "a=sendonly"))
	o := bridgetest.Await[bridge.Offered](c).Offer
	c.Leg.Offer(bridge.Offer{Seq: 9, Desc: sound(bridge.SendOnly, pcmu)})
	if r := bridgetest.Await[bridge.Refused](c); r.Seq != 9 || r.Cause != bridge.Conflict {
		t.Errorf("%+v", r)
	}
	c.Leg.Refuse(o.Seq, bridge.Conflict)
	u.refused("491")
	c.Leg.Offer(bridge.Offer{Seq: 10, Desc: sound(bridge.SendOnly, pcmu)})
	req := u.expect("INVITE ")
	u.request("INVITE", audio(4000, "0", "a=sendonly"))
	u.refused("491")
	u.reply(req, 200, "", audio(4000, "0", "a=recvonly"))
	if got := bridgetest.Await[bridge.Answered](c); got.Seq != 10 {
		t.Errorf("%+v", got)
	}
}

func TestKeyPressesCrossBothWays(t *testing.T) {
	t.Parallel()
	b, u := callsWithPeer(t, nil)
	// By INFO, where there are no events.
	c, _ := talking(t, b, u, 0, "0")
	u.request("INFO", "Signal=5\r\nDuration=250\r\n", "Content-Type: application/dtmf-relay")
	u.expect("SIP/2.0 200")
	if d := bridgetest.Await[bridge.Digit](c); d.Digit != '5' || d.Duration.Milliseconds() != 250 {
		t.Errorf("%+v", d)
	}
	u.request("INFO", "<media_control/>", "Content-Type: application/media_control+xml")
	u.expect("SIP/2.0 415")
	u.request("INFO", "")
	u.expect("SIP/2.0 200")
	for _, key := range "1#" {
		c.Leg.Digit(key, 0)
	}
	for _, want := range []string{"Signal=1\r\nDuration=160\r\n", "Signal=#\r\nDuration=160\r\n"} {
		req := u.expect("INFO ")
		if body(req) != want || header(req, "Content-Type") != relayType {
			t.Error(req)
		}
		u.reply(req, 200, "", "")
	}
	c.Leg.Digit('x', 0) // no key
	u.request("BYE", "")
	ends(t, c, bridge.Normal)
	// As events, where there are.
	c, port := talking(t, b, u, 1, "0 97", "a=rtpmap:97 telephone-event/8000")
	c.Leg.Digit('7', 0)
	u.request("INFO", "*", "Content-Type: application/dtmf")
	u.expect("SIP/2.0 200")
	if d := bridgetest.Await[bridge.Digit](c); d.Digit != '*' {
		t.Errorf("%+v", d)
	}
	if got := b.plane.Digits(port); got != "7" {
		t.Errorf("events %q", got)
	}
}

func TestStreamsInTheOtherIPVersionHaveAPortOfTheirOwn(t *testing.T) {
	t.Parallel()
	p := newFakePeer(t, "127.0.0.1:0")
	b := callsOn(t, func(c *Config) { c.Peer, c.Listen = "sip:"+p.addr(), []string{"udp:127.0.0.1:0", "udp:[::1]:0"} })
	u := &farUA{fakePeer: p, gw: b.a.Addrs()[0], tag: "far"}
	c, four := talking(t, b, u, 0, "0")
	u.request("INVITE", strings.Replace(audio(4000, "0"), "IN IP4 127.0.0.1\r\nt", "IN IP6 ::1\r\nt", 1))
	c.Leg.Answer(bridgetest.Await[bridge.Offered](c).Offer.Seq, sound(bridge.SendReceive, pcmu))
	six := bridgetest.Await[bridge.MediaReady](c).Port
	if res := u.accepted(""); sdpLine(res, "c=") != "c=IN IP6 ::1" {
		t.Error(res)
	}
	if set, _ := b.plane.Setting(six); six == four || b.plane.Count() != 1 || set.RTP.String() != "[::1]:4000" {
		t.Errorf("%v, %v: %+v", four, six, set)
	}
	// One that is refused leaves the port as it is.
	u.request("INVITE", audio(4000, "18"))
	c.Leg.Answer(bridgetest.Await[bridge.Offered](c).Offer.Seq, sound(bridge.SendReceive, pcmu))
	u.expect("SIP/2.0 488")
	if ports := b.plane.Ports(); len(ports) != 1 || ports[0] != six {
		t.Errorf("%v", ports)
	}
}

// inside has the leg of a call do something.
func (b *callBench) inside(c *bridgetest.Call, f func(l *leg)) {
	e := b.a.engine.Load()
	e.legs.mu.Lock()
	defer e.legs.mu.Unlock()
	for _, l := range e.legs.all {
		if l.id == c.Leg.ID() {
			l.later(func() { f(l) })
			return
		}
	}
	b.t.Error("no such leg")
}

func TestARefreshThatIsAnsweredAnewIsAnOffer(t *testing.T) {
	t.Parallel()
	b, u := callsWithPeer(t, nil)
	c, port := talking(t, b, u, 0, "0")
	refresh := func(body string) {
		b.inside(c, func(l *leg) { l.happened(l.cur, dialog.Answered{SDP: []byte(body), Refresh: true}) })
	}
	refresh(audio(4000, "0")) // nothing is new
	refresh(audio(4004, "0", "a=sendonly"))
	o := bridgetest.Await[bridge.Offered](c).Offer
	if o.Seq != 2 || o.Desc[0].Dir != bridge.SendOnly {
		t.Errorf("%+v", o)
	}
	if set, _ := b.plane.Setting(port); set.RTP.Port() != 4004 || set.Send {
		t.Errorf("%+v", set)
	}
	// The bridge does not take it: what was agreed on is offered anew.
	c.Leg.Refuse(o.Seq, bridge.NotAcceptable)
	req := u.expect("INVITE ")
	if sdpLine(req, "a=sendrecv") == "" {
		t.Error(req)
	}
	u.reply(req, 488, "", "")
	u.expect("ACK ")
	u.request("BYE", "")
	ends(t, c, bridge.Normal)
}

func TestAFaultOfOursEndsOneLegOnly(t *testing.T) {
	t.Parallel()
	b, u := callsWithPeer(t, nil)
	c, _ := talking(t, b, u, 0, "0")
	b.inside(c, func(*leg) { panic("as a test") })
	ends(t, c, bridge.Internal)
	u.expect("BYE ")
	if text := b.log.take(); !strings.Contains(text, "panic in a leg") {
		t.Error(text)
	}
	talking(t, b, u, 1, "0")
}

// TestAnOfferThatIsTakenBackIsNotInForce has a re-INVITE cancelled before the bridge
// has answered it: one whose end the leg has heard of by then, and one of which it has not.
func TestAnOfferThatIsTakenBackIsNotInForce(t *testing.T) {
	t.Parallel()
	b, u := callsWithPeer(t, nil)
	c, port := talking(t, b, u, 0, "0")
	before, _ := b.plane.Setting(port)
	for _, known := range []bool{true, false} {
		u.request("INVITE", audio(4010, "0", "a=inactive"))
		o := bridgetest.Await[bridge.Offered](c).Offer
		late := make(chan struct{})
		if !known {
			b.inside(c, func(l *leg) {
				<-late
				l.answer(o.Seq, sound(bridge.Inactive, pcmu))
			})
		}
		u.request("CANCEL", "")
		u.refused("487")
		close(late)
		if known {
			c.Leg.Answer(o.Seq, sound(bridge.Inactive, pcmu))
		}
		// The bridge hears that all is as it was, and so is the plane.
		again := bridgetest.Await[bridge.Offered](c).Offer
		if again.Seq != o.Seq+1 || again.Desc[0].Dir != bridge.SendReceive {
			t.Errorf("known: %v: %+v", known, again)
		}
		if after, _ := b.plane.Setting(port); !reflect.DeepEqual(after, before) {
			t.Errorf("known: %v: %+v became %+v", known, before, after)
		}
		c.Leg.Answer(again.Seq, sound(bridge.SendReceive, pcmu))
	}
	// Where the bridge does not want it either, there is nothing to say.
	u.request("INVITE", audio(4010, "0", "a=inactive"))
	o := bridgetest.Await[bridge.Offered](c).Offer
	u.request("CANCEL", "")
	u.refused("487")
	c.Leg.Refuse(o.Seq, bridge.NotAcceptable)
	u.request("INVITE", audio(4012, "0"))
	o = bridgetest.Await[bridge.Offered](c).Offer
	c.Leg.Answer(o.Seq, sound(bridge.SendReceive, pcmu))
	u.accepted("")
	if set, _ := b.plane.Setting(port); set.RTP.Port() != 4012 || b.plane.Count() != 1 {
		t.Errorf("%+v", set)
	}
}
