//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	. "gateway/internal/peer"
)

// A caller behind a NAT describes an address of its own network, and its packets
// come from the signalling's address and a port that nobody has named. It is
// heard, and hears, though a stranger behind the same NAT sends to every port.
func TestCallerBehindANATIsHeard(t *testing.T) {
	for _, row := range []struct {
		name     string
		stranger bool
	}{{"alone", false}, {"with a stranger at the same address", true}} {
		t.Run(row.name, func(t *testing.T) {
			w := newCallWorldOf(t, fmt.Sprintf("ports = \"%d-%d\"", firstMedia, fewMedia))
			spraying, stop := context.WithCancel(w.ctx)
			var spray sync.WaitGroup
			defer spray.Wait()
			defer stop()
			stranger := w.rtpPeer(w.At(leftHost, 0))
			if row.stranger {
				gateway := netip.MustParseAddr(w.Host(GatewayHost))
				spray.Go(func() { stranger.Spray(spraying, gateway, firstMedia, fewMedia) })
			}
			c := w.soundCallOf(soundPlan{
				from: "1630", to: "2630", oneAt: w.At(leftHost, 0), twoAt: w.At(rightHost, 0), oneSays: netip.MustParseAddrPort("10.97.98.99:40000"),
				caller: func(SDP) CallStep { return isEnded() },
				callee: func(SDP) CallStep { return Steps(Cue(), ends()) },
			})
			const long = 2 * time.Second
			fromOne, fromTwo := RTPStream(Tone(ToneA, long), 0, 1), RTPStream(Tone(ToneB, long), 0, 2)
			c.paced = true  // by single packets nobody is found
			const late = 25 // packets until the gateway knows where the caller is
			one, two, err := c.exchange(w.ctx, fromOne, fromTwo, len(fromTwo)-late, len(fromOne)-late)
			if err != nil {
				t.Errorf("%d and %d packets: %v", len(one), len(two), err)
			}
			wantSame(t, "the caller", one, fromTwo, len(fromTwo)-late)
			wantSame(t, "the callee", two, fromOne, len(fromOne)-late)
			if heard := RTPSound(two).Lasts(ToneD, 0.5); heard > 0 {
				t.Errorf("the stranger was heard for %v", heard)
			}
			if n := len(stranger.Got()); n > 0 {
				t.Errorf("the stranger got %d datagrams", n)
			}
			w.end(t, c)
		})
	}
}
