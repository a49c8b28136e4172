//go:build e2e

package e2e

import (
	"bytes"
	"context"
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
	to           string // who is called
	players      []*SIPp
	sides        []side
	paced        bool // exchange sends the first packets, too, in their pace
}

// A soundPlan is a call of two sockets.
type soundPlan struct {
	from, to      string
	oneAt, twoAt  string         // the addresses of the sockets
	one           *RTPPeer       // the caller's socket; nil for one at oneAt
	oneSays       netip.AddrPort // what the caller gives as its socket; not valid: what it is
	offer, answer string         // how they describe themselves, see SDP.Media
	// caller and callee are what they do once the call is taken. They may use
	// the descriptions that they began with.
	caller, callee func(SDP) CallStep
}

// soundCall makes a call of two sockets at the given addresses that describe
// themselves by offer and answer (see SDP.Media). The callee ends it when it is told
// to, see end.
func (w *callWorld) soundCall(from, to, oneAt, twoAt, offer, answer string) *soundCall {
	w.t.Helper()
	return w.soundCallOf(soundPlan{
		from: from, to: to, oneAt: oneAt, twoAt: twoAt, offer: offer, answer: answer,
		caller: func(SDP) CallStep { return isEnded() },
		callee: func(SDP) CallStep { return Steps(Cue(), ends()) },
	})
}

// soundCallOf makes a call by a plan, and returns when it is taken.
func (w *callWorld) soundCallOf(p soundPlan) *soundCall {
	w.t.Helper()
	c := &soundCall{one: p.one, two: w.rtpPeer(p.twoAt), to: p.to}
	if c.one == nil {
		c.one = w.rtpPeer(p.oneAt)
	}
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

// end gives the callee its cue, which is to end the call, and waits until both sides
// have come to their ends.
func (w *callWorld) end(t *testing.T, c *soundCall) {
	t.Helper()
	w.must(w.right.Cue(c.to))
	w.finish(t, c.players, c.sides...)
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

// lead is how many of the first packets may be lost: the gateway may have said where it listens
// a moment before it passes on what comes. leadTime is how long each of them is waited for.
const (
	lead     = 5
	leadTime = 2 * time.Second
)

// pour plays packets from one end, and gives what the other has when the last has come.
func pour(ctx context.Context, from *RTPPeer, gateway netip.AddrPort, to *RTPPeer, packets [][]byte) ([][]byte, error) {
	heard := listen(to)
	if err := say(ctx, from, gateway, heard, packets, lead); err != nil {
		return nil, err
	}
	err := Poll(ctx, func(context.Context) bool { return complete(heard.rtp(), packets, len(packets)-lead) })
	came := heard.rtp()
	if err != nil {
		err = fmt.Errorf("%d of %d packets have come: %w", len(came), len(packets), err)
	}
	return came, err
}

// say plays packets from one end. Until one of the first, which may be lost, has arrived at the
// other they are sent one by one: none of them twice, as a packet that has come before is passed
// on as little as one that came too early.
func say(ctx context.Context, from *RTPPeer, gateway netip.AddrPort, heard listener, packets [][]byte, first int) error {
	sent := 0
	for arrived := false; !arrived && sent < first; sent++ {
		if err := from.Send(gateway, packets[sent]); err != nil {
			return err
		}
		arrived = arrives(ctx, heard, packets[:sent+1])
	}
	return from.Play(ctx, gateway, packets[sent:])
}

// arrives reports whether one of some packets comes, within leadTime.
func arrives(ctx context.Context, heard listener, packets [][]byte) bool {
	ctx, cancel := context.WithTimeout(ctx, leadTime)
	defer cancel()
	return Poll(ctx, func(context.Context) bool {
		return slices.ContainsFunc(heard.rtp(), func(came []byte) bool {
			return slices.ContainsFunc(packets, func(sent []byte) bool { return samePlace(came, sent) })
		})
	}) == nil
}

// samePlace says whether a packet that came is the one that was sent, which may be sealed or have
// another payload type: by its sequence number and its source.
func samePlace(came, sent []byte) bool {
	return bytes.Equal(came[2:4], sent[2:4]) && bytes.Equal(came[8:12], sent[8:12])
}

func anyRTP(b []byte) bool { return len(b) >= 12 && b[0]>>6 == 2 && (b[1] < 192 || b[1] > 223) }

// A listener is an end of a call from a moment on.
type listener struct {
	peer *RTPPeer
	mark int
}

func listen(p *RTPPeer) listener { return listener{p, len(p.Got())} }

// rtp is what has come since, without RTCP.
func (l listener) rtp() [][]byte {
	var all [][]byte
	for _, d := range l.peer.Got()[l.mark:] {
		if anyRTP(d.Data) {
			all = append(all, d.Data)
		}
	}
	return all
}

// exchange plays packets from both ends of a call at once, and gives what has
// come at each end while it lasted and until wantOne and wantTwo packets were
// there, the last that was sent among them. The first, as many as need not come, are said as say
// does: to an end at which nothing shall come all goes in its pace.
func (c *soundCall) exchange(ctx context.Context, fromOne, fromTwo [][]byte, wantOne, wantTwo int) (one, two [][]byte, err error) {
	first, second := listen(c.one), listen(c.two)
	spare := func(packets [][]byte, want int) int {
		if want == 0 || c.paced {
			return 0
		}
		return len(packets) - want
	}
	var wg sync.WaitGroup
	wg.Go(func() { _ = say(ctx, c.one, c.toOne, second, fromOne, spare(fromOne, wantTwo)) })
	wg.Go(func() { _ = say(ctx, c.two, c.toTwo, first, fromTwo, spare(fromTwo, wantOne)) })
	wg.Wait()
	err = Poll(ctx, func(context.Context) bool {
		return complete(first.rtp(), fromTwo, wantOne) && complete(second.rtp(), fromOne, wantTwo)
	})
	return first.rtp(), second.rtp(), err
}

// complete says whether n packets have come and the last one sent is the last of
// them, by its sequence number.
func complete(came, sent [][]byte, n int) bool {
	return n == 0 || len(came) >= n && bytes.Equal(came[len(came)-1][2:4], sent[len(sent)-1][2:4])
}

// half is half a second of sound of one source, the nth such.
func half(hz float64, n int, ssrc uint32, payload byte) [][]byte {
	const packets = 25
	all := RTPStream(Tone(hz, time.Duration(n+1)*500*time.Millisecond), payload, ssrc)
	return all[n*packets:]
}

// wantSame fails the test unless the last n packets that came are the last n
// that were sent: what was said before a description was in force may be lost.
func wantSame(t *testing.T, who string, came, sent [][]byte, n int) {
	t.Helper()
	if len(came) < n || !slices.EqualFunc(came[len(came)-n:], sent[len(sent)-n:], bytes.Equal) {
		t.Errorf("%s has %d packets of %d, want the last %d as they were sent", who, len(came), len(sent), n)
	}
}
