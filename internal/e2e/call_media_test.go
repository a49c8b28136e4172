//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	. "gateway/internal/peer"
)

// numbered is packets under another payload type.
func numbered(packets [][]byte, payload byte) [][]byte {
	var all [][]byte
	for _, p := range packets {
		q := bytes.Clone(p)
		q[1] = q[1]&0x80 | payload
		all = append(all, q)
	}
	return all
}

// same fails the test where what came is not what was sent, byte for byte and in
// its order, but for the first that may be lost.
func same(t *testing.T, who string, came, sent [][]byte) {
	t.Helper()
	if len(came) > len(sent) || len(came) < len(sent)-lead {
		t.Fatalf("%s: %d of %d packets", who, len(came), len(sent))
	}
	sent = sent[len(sent)-len(came):]
	for i := range came {
		if !bytes.Equal(came[i], sent[i]) {
			t.Fatalf("%s: packet %d is\n%x, was sent as\n%x", who, i, came[i][:20], sent[i][:20])
		}
	}
}

func TestPlainSoundCrossesByteForByte(t *testing.T) {
	w := newCallWorld(t)
	c := w.soundCall("1601", "2601", w.At(leftHost, 0), w.At(rightHost, 0), "", "")
	one, two := RTPStream(Tone(ToneA, time.Second), 0, 0x11111111), RTPStream(Tone(ToneB, time.Second), 0, 0x22222222)
	// What is odd is left as it is: a header extension, contributing sources,
	// a jump of the clock.
	one[10] = append(append(bytes.Clone(one[10][:12]), 0xbe, 0xde, 0, 1, 0x10, 0x42, 0, 0), one[10][12:]...)
	one[10][0] |= 0x10
	two[20] = append(append(bytes.Clone(two[20][:12]), 0xc, 0xa, 0xf, 0xe), two[20][12:]...)
	two[20][0] |= 1
	binary.BigEndian.PutUint32(two[30][4:], 0xdeadbeef)
	gotOne, gotTwo, err := c.play(w.ctx, one, two)
	w.must(err)
	same(t, "the callee", gotTwo, one)
	same(t, "the caller", gotOne, two)
	w.end(t, c)
	r := w.waitRecord(w.gateway, "left:1601", "left:2601")
	if r.Media != "untouched" || r.Legs[0].Streams[0].In.Packets < 50 || r.Legs[1].Streams[0].Out.Packets < 50-lead || r.Legs[0].Streams[0].In.Lost != 0 {
		t.Errorf("record %+v", r)
	}
}

// What a caller sends as soon as it learns that its call is taken is not lost.
func TestFirstPacketAfterTheCallIsTakenCrosses(t *testing.T) {
	w := newCallWorld(t)
	for i := range 5 {
		from, to := fmt.Sprint(1610+i), fmt.Sprint(2610+i)
		one := w.rtpPeer(w.At(leftHost, 0))
		first := RTPStream(Tone(ToneA, time.Second), 0, 0x11110000+uint32(i))[0]
		sent := errors.New("the 200 has not come")
		w.left.Lose(func(m TrunkMessage) bool { // it is asked before the caller's side has the message
			if !m.ToGateway && m.Code() == 200 && m.Method() == "INVITE" && strings.Contains(m.Header("To"), to) {
				sent = one.Send(m.Media(), first)
			}
			return false
		})
		c := w.soundCallOf(soundPlan{
			from: from, to: to, one: one, twoAt: w.At(rightHost, 0),
			caller: func(SDP) CallStep { return isEnded() },
			callee: func(SDP) CallStep { return Steps(Cue(), ends()) },
		})
		w.left.Lose(nil)
		w.must(sent)
		came, err := c.two.WaitFor(w.ctx, 1, anyRTP)
		w.must(err)
		if !bytes.Equal(came[0], first) {
			t.Errorf("what came is\n%x, was sent as\n%x", came[0], first)
		}
		w.end(t, c)
	}
}

// Caller, gateway and callee each have a number of their own for one format: the
// number is all that changes.
func TestPayloadTypesAreRenumbered(t *testing.T) {
	w := newCallWorld(t)
	const callers, callees = 107, 121
	opus := func(number int) string { return fmt.Sprintf("RTP/AVP %d\na=rtpmap:%d opus/48000/2", number, number) }
	c := w.soundCall("1604", "2604", w.At(leftHost, 0), w.At(rightHost, 0), opus(callers), opus(callees))
	var ours int
	if _, err := fmt.Sscanf(w.described(w.right, "2604", false).SDPLine("m=audio "), "%d RTP/AVP %d", new(int), &ours); err != nil {
		t.Fatal(err)
	}
	packets := RTPStream(Tone(ToneA, time.Second), 0, 0x33333333)
	one, two, err := c.play(w.ctx, numbered(packets, callers), numbered(packets, byte(ours)))
	w.must(err)
	same(t, "the callee", two, numbered(packets, callees))
	same(t, "the caller", one, numbered(packets, callers))
	w.end(t, c)
}

// SRTP on one side and plain RTP on the other: what is opened is what was sealed,
// byte for byte.
func TestSealedSoundCrossesByteForByte(t *testing.T) {
	w := newCallWorld(t)
	key := NewSRTPKey("abcdefghijklmnopABCDEFGHIJKLMN")
	c := w.soundCall("1605", "2605", w.At(leftHost, 0), w.At(rightHost, 0), "RTP/SAVP 0\na=crypto:"+key.Line(), "")
	theirs, err := w.described(w.left, "2605", true).SRTPKey()
	w.must(err)
	fromOne, fromTwo := RTPStream(Tone(ToneA, time.Second), 0, 5), RTPStream(Tone(ToneB, time.Second), 0, 6)
	sealed, err := key.Seal(fromOne)
	w.must(err)
	gotOne, gotTwo, err := c.play(w.ctx, sealed, fromTwo)
	w.must(err)
	same(t, "the callee", gotTwo, fromOne)
	opened, err := theirs.Open(gotOne)
	w.must(err)
	same(t, "the caller", opened, fromTwo)
	w.end(t, c)
	if r := w.waitRecord(w.gateway, "left:1605", "left:2605"); r.Legs[0].Streams[0].Suite == "" || r.Legs[1].Streams[0].Suite != "" {
		t.Errorf("record %+v", r)
	}
}

// The same with keys that DTLS has agreed on.
func TestSoundUnderDTLSCrossesByteForByte(t *testing.T) {
	w := newCallWorld(t)
	one, err := NewDTLSPeer(w.At(leftHost, 0))
	w.must(err)
	t.Cleanup(one.Close)
	c := w.soundCallOf(soundPlan{
		from: "1607", to: "2607", one: one.RTPPeer, twoAt: w.At(rightHost, 0),
		offer:  "UDP/TLS/RTP/SAVP 0\na=rtpmap:0 PCMU/8000\n" + one.Lines(),
		caller: func(SDP) CallStep { return isEnded() },
		callee: func(SDP) CallStep { return Steps(Cue(), ends()) },
	})
	mine, theirs, err := one.Shake(w.ctx, c.toOne)
	w.must(err)
	fromOne, fromTwo := RTPStream(Tone(ToneA, time.Second), 0, 5), RTPStream(Tone(ToneB, time.Second), 0, 6)
	sealed, err := mine.Seal(fromOne)
	w.must(err)
	const last = 40 // the gateway may have its keys a moment later
	gotOne, gotTwo, err := c.exchange(w.ctx, sealed, fromTwo, last, last)
	w.must(err)
	wantSame(t, "the callee", gotTwo, fromOne, last)
	opened, err := theirs.Open(gotOne)
	w.must(err)
	wantSame(t, "the caller", opened, fromTwo, last)
	w.end(t, c)
}

// Keys cross between telephone events and INFO, each way.
func TestKeysCrossBetweenEventsAndINFO(t *testing.T) {
	w := newCallWorld(t)
	one := w.rtpPeer(w.At(leftHost, 0))
	const pressed = "Signal=5\r\nDuration=200\r\n"
	sides := []side{
		w.onRight(SIPpCall{Name: "callee", To: "2606", SDP: noEvents, Steps: is(rings(), takes(),
			ExpectRequest("INFO", "Signal= ?7"), Answer(200), Request("INFO", pressed, isRelay), Expect(200), Pause(time.Second), ends())}),
		w.onLeft(SIPpCall{Name: "caller", Caller: true, From: "1606", To: "2606", SDP: SDP{Addr: one.Addr()}, Steps: is(asks(), Expect(180), isTaken(), isEnded())}),
	}
	players := w.begin(t, sides...)
	to := w.described(w.left, "2606", true).Media()
	w.must(one.Play(w.ctx, to, RTPKey(101, 7, 0x44444444)))
	packets, err := one.WaitFor(w.ctx, 3, func(b []byte) bool { return IsRTP(101)(b) && b[13]&0x80 != 0 })
	w.must(err)
	for _, p := range packets {
		if event, duration := p[12], binary.BigEndian.Uint16(p[14:]); event != 5 || duration != 1600 {
			t.Errorf("event %d for %d", event, duration)
		}
	}
	w.finish(t, players, sides...)
}

func TestSoundCrossesBetweenIPv6AndIPv4(t *testing.T) {
	w := &callWorld{world: newWorld(t)}
	at, theirs := freePort6(t), freePort6(t)
	atRight := w.At(GatewayHost, rightPort)
	w.left = w.trunkAt(theirs, at, leftHost)
	w.right = w.trunkAt(w.At(rightHost, SIPPort), atRight, rightHost)
	w.gateway = w.world.gateway(w.callTables(""), w.peerTable("left", at, theirs), w.peerTable("right", atRight, w.right.Addr()), callMaps)
	c := w.soundCall("1602", "2602", "[::1]:0", w.At(rightHost, 0), "", "")
	if !c.toOne.Addr().Is6() || !c.toTwo.Addr().Is4() {
		t.Fatalf("the gateway wants sound at %v and %v", c.toOne, c.toTwo)
	}
	one, two := RTPStream(Tone(ToneA, time.Second), 0, 1), RTPStream(Tone(ToneB, time.Second), 0, 2)
	gotOne, gotTwo, err := c.play(w.ctx, one, two)
	w.must(err)
	same(t, "the callee", gotTwo, one)
	same(t, "the caller", gotOne, two)
	w.end(t, c)
}

// An attacker who sends to every port for sound from before the call until its
// end gets nothing, is not heard, and costs the parties less than five packets.
func TestAttackerHearsNothingAndIsNotHeard(t *testing.T) {
	w := newCallWorldOf(t, fmt.Sprintf("ports = \"%d-%d\"", firstMedia, fewMedia))
	attacker := w.rtpPeer(w.At(66, 0))
	gateway := netip.MustParseAddr(w.Host(GatewayHost))
	spraying, stop := context.WithCancel(w.ctx)
	defer stop()
	var spray sync.WaitGroup
	spray.Go(func() { attacker.Spray(spraying, gateway, firstMedia, fewMedia) })
	c := w.soundCall("1603", "2603", w.At(leftHost, 0), w.At(rightHost, 0), "", "")
	const long = 3 * time.Second
	one, two := RTPStream(Tone(ToneA, long), 0, 1), RTPStream(Tone(ToneB, long), 0, 2)
	var wg sync.WaitGroup
	wg.Go(func() { _ = say(w.ctx, c.one, c.toOne, listen(c.two), one, lead) })
	wg.Go(func() { _ = say(w.ctx, c.two, c.toTwo, listen(c.one), two, lead) })
	wg.Wait()
	const enough = 10_000 // for an attack; before the end of the call
	w.must(w.poll(func() bool {
		return attacker.Sent() >= enough && len(c.one.Got()) >= len(two)-lead && len(c.two.Got()) >= len(one)-lead
	}))
	w.end(t, c)
	stop()
	spray.Wait()
	for _, row := range []struct {
		name string
		peer *RTPPeer
		sent [][]byte
		hz   float64
	}{{"the caller", c.one, two, ToneB}, {"the callee", c.two, one, ToneA}} {
		var came [][]byte
		for _, d := range row.peer.Got() {
			if anyRTP(d.Data) {
				came = append(came, d.Data)
			}
		}
		heard := RTPSound(came)
		if len(came) < len(row.sent)-lead || len(came) > len(row.sent) || heard.Lasts(ToneD, 0.02) > 0 || heard.Lasts(row.hz, 0.9) < long-200*time.Millisecond {
			t.Errorf("%s got %d of %d packets, heard %v of the attacker and %v of the tone", row.name, len(came), len(row.sent), heard.Lasts(ToneD, 0.02), heard.Lasts(row.hz, 0.9))
		}
	}
	if n := len(attacker.Got()); n > 0 {
		t.Errorf("the attacker got %d datagrams for %d", n, attacker.Sent())
	}
}
