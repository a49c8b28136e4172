package peer

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"
)

var (
	oscInside  = netip.MustParseAddrPort("10.0.0.2:22300")
	oscOutside = netip.MustParseAddrPort("198.51.100.7:22300")
	oscThird   = netip.MustParseAddrPort("198.51.100.7:40001")
)

// pingTimes runs the ticks of d and gives when which endpoints were pinged, in
// whole seconds.
func pingTimes(p *oscPeer, start time.Time, d time.Duration) []string {
	var all []string
	for at := time.Duration(0); at <= d; at += oscTick {
		if to := p.due(start.Add(at)); len(to) > 0 {
			all = append(all, fmt.Sprintf("%.0f:%d", at.Seconds(), len(to)))
		}
	}
	return all
}

func TestMemberPingsAtTheTimesOfTheOriginal(t *testing.T) {
	t.Parallel()
	start := time.Unix(1e9, 0)
	for _, row := range []struct {
		name  string
		setUp func(p *oscPeer)
		want  []string
	}{
		{"nobody answers", func(*oscPeer) {}, []string{"0:2", "2:2", "5:2", "10:2", "16:2", "22:2", "28:2"}},
		{"the private endpoint has pinged", func(p *oscPeer) { p.ping(oscInside, start) },
			[]string{"0:1", "6:1", "12:1", "18:1", "24:1", "30:1"}},
		{"the public one has", func(p *oscPeer) { p.ping(oscOutside, start) }, []string{"0:2", "2:2", "5:2", "10:2", "16:2", "22:1", "28:1"}},
		{"a third has", func(p *oscPeer) { p.ping(oscThird, start) }, []string{"0:3", "2:3", "5:3", "10:3", "16:3", "22:1", "28:1"}},
		{"there is traffic", func(p *oscPeer) { p.ping(oscInside, start); p.forwarded = start.Add(time.Minute) }, []string{"0:1", "30:1"}},
	} {
		p := &oscPeer{}
		p.tell(oscInside, oscOutside, start)
		row.setUp(p)
		if got := pingTimes(p, start, 31*time.Second); !slices.Equal(got, row.want) {
			t.Errorf("%s: %v, want %v", row.name, got, row.want)
		}
	}
}

func TestMemberChoosesAnEndpointAsTheOriginalDoes(t *testing.T) {
	t.Parallel()
	now := time.Unix(1e9, 0)
	for _, row := range []struct {
		name  string
		wide  bool
		pings []netip.AddrPort
		want  netip.AddrPort
	}{
		{"no ping", false, nil, netip.AddrPort{}},
		{"the public one", false, []netip.AddrPort{oscThird, oscOutside}, oscOutside},
		{"the private one", false, []netip.AddrPort{oscThird, oscOutside, oscInside}, oscInside},
		{"where pings come from", false, []netip.AddrPort{oscThird}, oscThird},
		{"where the last ping of a wide one came from", true, []netip.AddrPort{oscThird, oscOutside}, oscOutside},
		{"the private one of a wide one", false, []netip.AddrPort{oscThird, oscInside}, oscInside},
	} {
		p := &oscPeer{wide: row.wide}
		p.tell(oscInside, oscOutside, now)
		for _, from := range row.pings {
			p.ping(from, now)
		}
		if got, _ := p.chosen(); got != row.want {
			t.Errorf("%s: %s", row.name, got)
		}
		if row.wide && !(p.private.pinged.IsZero() && p.public.pinged.IsZero()) {
			t.Errorf("%s: it knows where the ping comes from", row.name)
		}
		if p.gone(now.Add(oscForgotten)) || !p.gone(now.Add(oscForgotten+1)) {
			t.Errorf("%s: forgotten at the wrong time", row.name)
		}
	}
}
