//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	. "gateway/internal/peer"
)

// A soundCall is a call under way whose two sides are bare sockets.
type soundCall struct {
	one, two     *RTPPeer // the caller's and the callee's
	toOne, toTwo netip.AddrPort
	players      []*SIPp
	sides        []side
}

// A soundPlan is a call of two sockets.
type soundPlan struct {
	from, to      string
	oneAt, twoAt  string         // the addresses of the sockets
	oneSays       netip.AddrPort // what the caller gives as its socket; not valid: what it is
	offer, answer string         // how they describe themselves, see SDP.Media
	// caller and callee are what they do once the call is taken. They may use
	// the descriptions that they began with.
	caller, callee func(SDP) CallStep
}

// soundCall makes a call of two sockets at the given addresses that describe
// themselves by offer and answer (see SDP.Media). The callee ends it after d.
func (w *callWorld) soundCall(from, to, oneAt, twoAt, offer, answer string, d time.Duration) *soundCall {
	w.t.Helper()
	return w.soundCallOf(soundPlan{
		from: from, to: to, oneAt: oneAt, twoAt: twoAt, offer: offer, answer: answer,
		caller: func(SDP) CallStep { return isEnded() },
		callee: func(SDP) CallStep { return Steps(Pause(d), ends()) },
	})
}

// soundCallOf makes a call by a plan, and returns when it is taken.
func (w *callWorld) soundCallOf(p soundPlan) *soundCall {
	w.t.Helper()
	c := &soundCall{one: w.rtpPeer(p.oneAt), two: w.rtpPeer(p.twoAt)}
	one, two := SDP{Addr: c.one.Addr(), Media: p.offer}, SDP{Addr: c.two.Addr(), Media: p.answer}
	if p.oneSays.IsValid() {
		one.Addr = p.oneSays
	}
	c.sides = []side{
		w.onRight(SIPpCall{Name: "callee", To: p.to, SDP: two, Steps: is(rings(), takes(), p.callee(two))}),
		w.onLeft(SIPpCall{Name: "caller", Caller: true, From: p.from, To: p.to, SDP: one, Steps: is(asks(), Expect(180), isTaken(), p.caller(one))}),
	}
	c.players = w.begin(w.t, c.sides...)
	w.acknowledged(p.to, 1) // whoever has an ACK has all that was described
	c.toOne, c.toTwo = w.described(w.left, p.to, true).Media(), w.described(w.right, p.to, false).Media()
	return c
}

// acknowledged waits until n INVITEs that were taken have been acknowledged on
// either side of the call to a user.
func (w *callWorld) acknowledged(to string, n int) {
	w.t.Helper()
	for _, trunk := range []*Trunk{w.left, w.right} {
		seen := map[string]bool{}
		_, err := trunk.Wait(w.ctx, func(m TrunkMessage) bool {
			if strings.HasPrefix(m.Start, "ACK ") && strings.Contains(m.Header("To")+m.Header("From"), "sip:"+to+"@") {
				seen[m.Header("CSeq")+fmt.Sprint(m.ToGateway)] = true
			}
			return len(seen) >= n
		})
		w.must(err)
	}
}

// described is what the gateway said of its sound in a call to a user: its
// answer on the trunk of the caller, its offer on the callee's.
func (w *callWorld) described(trunk *Trunk, to string, answer bool) SIPMessage {
	w.t.Helper()
	if answer {
		return w.describedIn(trunk, to, 200)
	}
	return w.describedIn(trunk, to, 0)
}

// describedIn is what the gateway said of its sound on a trunk in a call to a user:
// in an answer with the code, or, 0, in the INVITE.
func (w *callWorld) describedIn(trunk *Trunk, to string, code int) SIPMessage {
	w.t.Helper()
	m, err := trunk.Wait(w.ctx, func(m TrunkMessage) bool {
		return !m.ToGateway && m.Method() == "INVITE" && m.Code() == code && m.Media().IsValid() && strings.Contains(m.Header("To"), "sip:"+to+"@")
	})
	w.must(err)
	return m.SIPMessage
}

func (w *world) rtpPeer(at string) *RTPPeer {
	w.t.Helper()
	p, err := NewRTPPeer(at)
	p = got(w.t, p, err)
	w.t.Cleanup(p.Close)
	return p
}

// play plays packets from both ends at once, and gives what each end got.
func (c *soundCall) play(ctx context.Context, fromOne, fromTwo [][]byte) (one, two [][]byte, err error) {
	var wg sync.WaitGroup
	var errOne, errTwo error
	wg.Go(func() { two, errTwo = pour(ctx, c.one, c.toOne, c.two, fromOne) })
	wg.Go(func() { one, errOne = pour(ctx, c.two, c.toTwo, c.one, fromTwo) })
	wg.Wait()
	return one, two, errors.Join(errOne, errTwo)
}

// pour plays packets from one end and waits until the other has them all. The
// first is sent until it arrives: the gateway may have said where it listens a
// moment before it does. Repeats of it are left out.
func pour(ctx context.Context, from *RTPPeer, gateway netip.AddrPort, to *RTPPeer, packets [][]byte) ([][]byte, error) {
	err := Poll(ctx, func(context.Context) bool {
		return slices.ContainsFunc(to.Got(), func(d Datagram) bool { return anyRTP(d.Data) }) || from.Send(gateway, packets[0]) != nil
	})
	if err == nil {
		err = from.Play(ctx, gateway, packets[1:])
	}
	if err != nil {
		return nil, err
	}
	var came [][]byte
	err = Poll(ctx, func(context.Context) bool {
		came = nil
		for _, d := range to.Got() {
			if anyRTP(d.Data) && (len(came) == 0 || !bytes.Equal(d.Data, came[0])) {
				came = append(came, d.Data)
			}
		}
		return len(came) >= len(packets)
	})
	if err != nil {
		err = fmt.Errorf("%d of %d packets have come: %w", len(came), len(packets), err)
	}
	return came, err
}

func anyRTP(b []byte) bool { return len(b) >= 12 && b[0]>>6 == 2 && (b[1] < 192 || b[1] > 223) }

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
// its order.
func same(t *testing.T, who string, came, sent [][]byte) {
	t.Helper()
	if len(came) != len(sent) {
		t.Errorf("%s: %d of %d packets", who, len(came), len(sent))
	}
	for i := range min(len(came), len(sent)) {
		if !bytes.Equal(came[i], sent[i]) {
			t.Fatalf("%s: packet %d is\n%x, was sent as\n%x", who, i, came[i][:20], sent[i][:20])
		}
	}
}

func TestPlainSoundCrossesByteForByte(t *testing.T) {
	w := newCallWorld(t)
	c := w.soundCall("1601", "2601", w.At(leftHost, 0), w.At(rightHost, 0), "", "", 2*time.Second)
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
	w.finish(t, c.players, c.sides...)
	r := w.waitRecord(w.gateway, "left:1601", "left:2601")
	if r.Media != "untouched" || r.Legs[0].Streams[0].In.Packets < 50 || r.Legs[1].Streams[0].Out.Packets < 50 || r.Legs[0].Streams[0].In.Lost != 0 {
		t.Errorf("record %+v", r)
	}
}

// Caller, gateway and callee each have a number of their own for one format: the
// number is all that changes.
func TestPayloadTypesAreRenumbered(t *testing.T) {
	w := newCallWorld(t)
	const callers, callees = 107, 121
	opus := func(number int) string { return fmt.Sprintf("RTP/AVP %d\na=rtpmap:%d opus/48000/2", number, number) }
	c := w.soundCall("1604", "2604", w.At(leftHost, 0), w.At(rightHost, 0), opus(callers), opus(callees), 2*time.Second)
	var ours int
	if _, err := fmt.Sscanf(w.described(w.right, "2604", false).SDPLine("m=audio "), "%d RTP/AVP %d", new(int), &ours); err != nil {
		t.Fatal(err)
	}
	packets := RTPStream(Tone(ToneA, time.Second), 0, 0x33333333)
	one, two, err := c.play(w.ctx, numbered(packets, callers), numbered(packets, byte(ours)))
	w.must(err)
	same(t, "the callee", two, numbered(packets, callees))
	same(t, "the caller", one, numbered(packets, callers))
	w.finish(t, c.players, c.sides...)
}

// SRTP on one side and plain RTP on the other: what is opened is what was sealed,
// byte for byte.
func TestSealedSoundCrossesByteForByte(t *testing.T) {
	w := newCallWorld(t)
	key := NewSRTPKey("abcdefghijklmnopABCDEFGHIJKLMN")
	c := w.soundCall("1605", "2605", w.At(leftHost, 0), w.At(rightHost, 0), "RTP/SAVP 0\na=crypto:"+key.Line(), "", 2*time.Second)
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
	w.finish(t, c.players, c.sides...)
	if r := w.waitRecord(w.gateway, "left:1605", "left:2605"); r.Legs[0].Streams[0].Suite == "" || r.Legs[1].Streams[0].Suite != "" {
		t.Errorf("record %+v", r)
	}
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
	c := w.soundCall("1602", "2602", "[::1]:0", w.At(rightHost, 0), "", "", 2*time.Second)
	if !c.toOne.Addr().Is6() || !c.toTwo.Addr().Is4() {
		t.Fatalf("the gateway wants sound at %v and %v", c.toOne, c.toTwo)
	}
	one, two := RTPStream(Tone(ToneA, time.Second), 0, 1), RTPStream(Tone(ToneB, time.Second), 0, 2)
	gotOne, gotTwo, err := c.play(w.ctx, one, two)
	w.must(err)
	same(t, "the callee", gotTwo, one)
	same(t, "the caller", gotOne, two)
	w.finish(t, c.players, c.sides...)
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
	sent := 0
	spray.Go(func() { sent = attacker.Spray(spraying, gateway, firstMedia, fewMedia) })
	c := w.soundCall("1603", "2603", w.At(leftHost, 0), w.At(rightHost, 0), "", "", 4*time.Second)
	const long = 3 * time.Second
	one, two := RTPStream(Tone(ToneA, long), 0, 1), RTPStream(Tone(ToneB, long), 0, 2)
	var wg sync.WaitGroup
	wg.Go(func() { _ = c.one.Play(w.ctx, c.toOne, one) })
	wg.Go(func() { _ = c.two.Play(w.ctx, c.toTwo, two) })
	wg.Wait()
	w.finish(t, c.players, c.sides...)
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
		if len(came) < len(row.sent)-5 || len(came) > len(row.sent) || heard.Lasts(ToneD, 0.02) > 0 || heard.Lasts(row.hz, 0.9) < long-200*time.Millisecond {
			t.Errorf("%s got %d of %d packets, heard %v of the attacker and %v of the tone", row.name, len(came), len(row.sent), heard.Lasts(ToneD, 0.02), heard.Lasts(row.hz, 0.9))
		}
	}
	if n := len(attacker.Got()); n > 0 || sent < 10_000 {
		t.Errorf("the attacker got %d datagrams for %d", n, sent)
	}
}
