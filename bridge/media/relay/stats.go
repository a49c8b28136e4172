package relay

import (
	"gateway/bridge/media"
	"gateway/bridge/media/convert"
)

// stats are the counts of g, for the world outside.
func (r *Relay) stats(g *leg) media.Stats {
	got, gave, dropped := g.got, g.gave, drops{}
	if g.dropped != nil {
		dropped = *g.dropped
	}
	if g.port.intake != nil {
		got, gave, dropped = g.port.intake.fed(dropped)
	}
	s := media.Stats{
		In: media.Flow{
			Packets: got.packets, Octets: got.octets,
			Lost: g.receiver.Lost(), Reordered: g.receiver.Reordered(), Jitter: g.receiver.Jitter(),
			First: r.moment(got.first), Last: r.moment(got.last),
		},
		Out: media.Flow{
			Packets: gave.packets, Octets: gave.octets,
			First: r.moment(gave.first), Last: r.moment(gave.last),
		},
		Reported: g.monitor.Report(r.moment(startAt).Add(-startAt)),
		Remote:   g.sock[forRTP].to,
		Learned:  g.own() && g.locked[forRTP] && g.sock[forRTP].to != g.said.rtp,
	}
	s.Crossing = g.crossed
	if m := g.made; m != nil {
		all := *m
		if f := g.line; f != nil {
			all.add(f)
		}
		s.Concealed = all.concealed
		dropped[media.DropLate] += all.late
		dropped[media.DropFull] += all.skipped
		dropped[media.DropMalformed] += all.malformed
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
		s.Suite, s.Keys, s.Renamed = g.security.suite(), g.security.keys(), g.security.renamed()
	}
	if g.ice != nil {
		s.Pair = g.ice.pair
	}
	return s
}

// crossing is how what comes from g reaches the other side now.
func (g *leg) crossing() media.Crossing {
	if g.line != nil {
		return convert.Best(g.line.ways)
	}
	for _, r := range g.routes {
		if r.out != noType && !r.events {
			return media.CrossUntouched
		}
	}
	return media.CrossNone
}
