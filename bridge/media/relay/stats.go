package relay

import "gateway/bridge/media"

// stats are the counts of g, for the world outside.
func (r *Relay) stats(g *leg) media.Stats {
	got, dropped := g.got, drops{}
	if g.dropped != nil {
		dropped = *g.dropped
	}
	if g.port.intake != nil {
		got, dropped = g.port.intake.fed(dropped)
	}
	s := media.Stats{
		In: media.Flow{
			Packets: got.packets, Octets: got.octets,
			Lost: g.receiver.Lost(), Reordered: g.receiver.Reordered(), Jitter: g.receiver.Jitter(),
			First: r.moment(got.first), Last: r.moment(got.last),
		},
		Out: media.Flow{
			Packets: g.gave.packets, Octets: g.gave.octets,
			First: r.moment(g.gave.first), Last: r.moment(g.gave.last),
		},
		Reported: g.monitor.Report(r.moment(startAt).Add(-startAt)),
		Remote:   g.sock[forRTP].to,
		Learned:  g.own() && g.locked[forRTP] && g.sock[forRTP].to != g.said.rtp,
	}
	for why, n := range dropped {
		if n > 0 {
			if s.Dropped == nil {
				s.Dropped = map[media.Drop]uint64{}
			}
			s.Dropped[media.Drop(why)] = n
		}
	}
	if g.security != nil {
		s.Suite, s.Renamed = g.security.suite(), g.security.renamed()
	}
	if g.ice != nil {
		s.Pair = g.ice.pair
	}
	return s
}
