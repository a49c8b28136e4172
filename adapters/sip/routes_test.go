package sip

import (
	"errors"
	"net/netip"
	"testing"
	"time"
)

func TestARouteIsAskedForOnceInASecond(t *testing.T) {
	t.Parallel()
	var known routes
	asked, answer, fault := 0, netip.MustParseAddr("192.0.2.1"), error(nil)
	ask := func(netip.AddrPort) (netip.Addr, error) {
		asked++
		return answer, fault
	}
	there, other, start := netip.MustParseAddrPort("198.51.100.1:5060"), netip.MustParseAddrPort("198.51.100.2:5060"), time.Now()
	moved := netip.MustParseAddr("192.0.2.9")
	for i, step := range []struct {
		to    netip.AddrPort
		after time.Duration
		is    netip.Addr // that the system would say
		err   error
		asked int
		want  netip.Addr
	}{
		{there, 0, answer, nil, 1, answer},
		{netip.AddrPortFrom(there.Addr(), 9), routeTime / 2, moved, nil, 1, answer},
		{other, routeTime / 2, moved, nil, 2, moved},
		{there, routeTime, moved, nil, 3, moved},
		{there, 2 * routeTime, moved, errors.New("no route"), 4, moved},
		{there, 2 * routeTime, moved, nil, 5, moved}, // that there is none is not remembered
	} {
		answer, fault = step.is, step.err
		got, err := known.to(step.to, start.Add(step.after), ask)
		if !errors.Is(err, step.err) || got != step.want || asked != step.asked {
			t.Errorf("step %d: %v, %v, asked %d times", i, got, err, asked)
		}
	}
	for i := range 3 * maxRoutes {
		if _, err := known.to(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 1), start, ask); err != nil {
			t.Fatal(err)
		}
	}
	if len(known.known) > maxRoutes {
		t.Errorf("%d are remembered", len(known.known))
	}
}
