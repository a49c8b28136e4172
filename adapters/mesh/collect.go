package mesh

import "github.com/prometheus/client_golang/prometheus"

// mostPairs is how many pairs have metrics of their own: what a mesh of 30 has.
// All are in the Snapshot.
const mostPairs = 900

// A collector gives what the Snapshot has of peers and pairs as metrics.
type collector struct {
	snapshot func() Snapshot

	rtt, jitter, loss, path *prometheus.Desc // of pairs
	peerRTT, peerLoss       *prometheus.Desc
	pairs                   *prometheus.Desc
	transfer                *prometheus.Desc
}

func newCollector(snapshot func() Snapshot) *collector {
	pair := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("gateway_mesh_pair_"+name, help, []string{"from", "to"}, nil)
	}
	return &collector{
		snapshot: snapshot,
		rtt:      pair("rtt_seconds", "Time from one peer to another and back, by its own word."),
		jitter:   pair("jitter_seconds", "How that varies from one to the next."),
		loss:     pair("loss_ratio", "Share of its last probes that was lost."),
		path:     pair("path", "How it reaches it: 0 not at all, 1 by the server, 2 directly, 3 in one network."),
		peerRTT:  prometheus.NewDesc("gateway_mesh_peer_rtt_seconds", "Time from us to a peer and back.", []string{"peer"}, nil),
		peerLoss: prometheus.NewDesc("gateway_mesh_peer_loss_ratio", "Share of our last probes to a peer that was lost.", []string{"peer"}, nil),
		pairs:    prometheus.NewDesc("gateway_mesh_pairs", "Pairs of peers, by how they meet.", []string{"path"}, nil),
		transfer: prometheus.NewDesc("gateway_mesh_transfer_bytes", "Bytes of the files that are under way.", nil, nil),
	}
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(out chan<- *prometheus.Desc) { prometheus.DescribeByCollect(c, out) }

// pathNumber is a path as a number.
var pathNumber = map[string]float64{"unreached": 0, "relayed": 1, "direct": 2, "internal": 3}

// Collect implements prometheus.Collector.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	s := c.snapshot()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	for _, p := range s.Peers {
		if p.UUID == "" || len(s.Peers) > mostPairs {
			continue
		}
		if p.Measure.RTT > 0 {
			gauge(c.peerRTT, p.Measure.RTT.Seconds(), p.UUID)
		}
		gauge(c.peerLoss, p.Measure.Loss, p.UUID)
	}
	count := map[string]float64{"unreached": 0, "relayed": 0, "direct": 0, "internal": 0}
	for i, l := range s.Links {
		count[l.Path]++
		if i >= mostPairs {
			continue
		}
		gauge(c.path, pathNumber[l.Path], l.From, l.To)
		gauge(c.loss, l.Loss, l.From, l.To)
		if l.RTT > 0 {
			gauge(c.rtt, l.RTT.Seconds(), l.From, l.To)
			gauge(c.jitter, l.Jitter.Seconds(), l.From, l.To)
		}
	}
	for path, n := range count {
		gauge(c.pairs, n, path)
	}
	bytes := 0.0
	for _, t := range s.Transfers {
		bytes += float64(t.Bytes)
	}
	gauge(c.transfer, bytes)
}
