package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"

	"gateway/internal/peer"
)

const (
	callRounds = 9
	callRate   = 300  // calls begun in a second
	callCount  = 1500 // in a round
	callWarm   = 300
	// callSettle is for what a program still does for calls that have ended.
	callSettle = 500 * time.Millisecond
)

// The hosts of the lab where the calls' proxy and the gateways are, and the ports of
// the two ends, which share one host.
const (
	callProxyHost    = 5
	callApartHost    = 6 // its media is in another process
	callTogetherHost = 7
	callerPort       = peer.SIPPort + 4
	calledPort       = peer.SIPPort + 6
	callSecondPort   = peer.SIPPort + 8 // of the gateway, towards the called end
	callFirstMedia   = 10000
	callLastMedia    = 23999
)

// A switcher is a program that connects calls.
type switcher struct {
	at string // host:port where the caller sends to
	// processes are those of the signalling, and those that only carry media.
	processes func() (signalling, media []int, err error)
}

// A callSample is one round of calls through one switcher.
type callSample struct {
	calls, retransmitted int
	signalling, media    time.Duration // CPU time
}

// callCosts is what calls cost, round by round. Of Kamailio there may be
// nothing; note then says why.
type callCosts struct {
	together, apart, proxy callSwitched
	note                   string
	preferred              bool // all of them ran before other processes
}

// callSwitched is what was measured of one switcher.
type callSwitched struct {
	samples []callSample
	memory  int // bytes, after all rounds; of the signalling's processes
}

// measureSignalling has SIPp call itself through the gateway, with media in its
// process and in another, and through Kamailio. They take turns.
func (w *world) measureSignalling(ctx context.Context) (c callCosts, err error) {
	ends, err := w.newCallEnds(ctx)
	if err != nil {
		return c, err
	}
	defer ends.close()
	type entry struct {
		switcher
		name string
		to   *callSwitched
	}
	var all []entry
	for _, g := range []struct {
		apart bool
		name  string
		host  int
		to    *callSwitched
	}{{false, "calls", callTogetherHost, &c.together}, {true, "calls-apart", callApartHost, &c.apart}} {
		s, end, err := w.startCallGateway(ctx, g.name, g.host, g.apart)
		if err != nil {
			return c, err
		}
		defer end()
		all = append(all, entry{s, g.name, g.to})
	}
	switch k, err := startCallProxy(ctx, w); {
	case errors.Is(err, exec.ErrNotFound):
		c.note = "not installed (scripts/install-peers bench)"
	case err != nil:
		return c, err
	default:
		defer k.close()
		all = append(all, entry{k.switcher(w), "Kamailio", &c.proxy})
	}
	c.preferred = true
	for round := -1; round < callRounds; round++ { // the first is to warm up
		for i := range all {
			e := all[(i+max(round, 0))%len(all)]
			n := callCount
			if round < 0 {
				n = callWarm
			}
			s, preferred, err := ends.round(ctx, e.switcher, n)
			if err != nil {
				return c, fmt.Errorf("%s: %w", e.name, err)
			}
			if c.preferred = c.preferred && preferred; round >= 0 {
				e.to.samples = append(e.to.samples, s)
			}
		}
	}
	for _, e := range all {
		if e.to.memory, err = callMemory(e.switcher); err != nil {
			return c, fmt.Errorf("%s: %w", e.name, err)
		}
	}
	return c, nil
}

// callMemory is what the processes of the signalling have in RAM; what they share
// is counted once.
func callMemory(s switcher) (int, error) {
	signalling, _, err := s.processes()
	if err != nil {
		return 0, err
	}
	sum := 0
	for _, pid := range signalling {
		n, err := proportional(pid)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// clock is what the processes have had of the CPUs so far.
func (s switcher) clock() (signalling, media time.Duration, err error) {
	some, others, err := s.processes()
	if err != nil {
		return 0, 0, err
	}
	for _, pid := range some {
		t, err := threadTime(pid)
		if err != nil {
			return 0, 0, err
		}
		signalling += t
	}
	for _, pid := range others {
		t, err := threadTime(pid)
		if err != nil {
			return 0, 0, err
		}
		media += t
	}
	return signalling, media, nil
}
