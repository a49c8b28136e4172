package mesh

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// Why packets came to nothing: the label of dropped.
const (
	dropMalformed = "malformed" // no packet
	dropChecksum  = "checksum"
	dropStranger  = "stranger" // from nobody who is known
	dropFull      = "full"     // from one client too many
	dropRate      = "rate"     // more than is handed on for one client
	dropRelay     = "relay"    // to be handed on to nobody who is there
	dropCut       = "cut"      // an entry of a list that has no room, for a client that can't have more
	dropRefused   = "refused"  // by our own system
	dropPanic     = "panic"    // a fault of ours
)

// metrics count what the adapter sees.
type metrics struct {
	peers   prometheus.Gauge
	beacons prometheus.Counter
	lists   prometheus.Counter
	relayed prometheus.Counter
	bytes   prometheus.Counter
	dropped *prometheus.CounterVec
	rtt     prometheus.Histogram
}

// newMetrics registers with reg, which adds the label that tells adapters
// apart. With a nil reg nobody looks.
func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	m := &metrics{
		peers:   prometheus.NewGauge(prometheus.GaugeOpts{Name: "gateway_mesh_peers", Help: "Peers of the mesh who are there."}),
		beacons: counter("gateway_mesh_packets_total", "Packets of the mesh that were read."),
		lists:   counter("gateway_mesh_lists_total", "Lists that a server has sent, one for each client."),
		relayed: counter("gateway_mesh_relayed_packets_total", "Packets that a server has handed on between clients who can't meet."),
		bytes:   counter("gateway_mesh_relayed_bytes_total", "Bytes of those."),
		dropped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gateway_mesh_dropped_packets_total", Help: "Packets that came to nothing, by reason.",
		}, []string{"reason"}),
		rtt: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "gateway_mesh_rtt_seconds", Help: "Time to another peer, or a client, and back.",
			Buckets: []float64{.001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2},
		}),
	}
	if reg == nil {
		return m, nil
	}
	var errs []error
	for _, c := range []prometheus.Collector{m.peers, m.beacons, m.lists, m.relayed, m.bytes, m.dropped, m.rtt} {
		errs = append(errs, reg.Register(c))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	return m, nil
}

func (m *metrics) drop(reason string) { m.dropped.WithLabelValues(reason).Inc() }
