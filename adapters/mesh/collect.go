package mesh

import (
	"sync"
	"time"

	"gateway/adapters/mesh/wire"

	"github.com/prometheus/client_golang/prometheus"
)

// mostPairs is how many pairs have metrics of their own: what a mesh of 30 has.
// All are in the Snapshot.
const mostPairs = 900

// Peers choose their UUIDs and names themselves, and a series stays in whatever collects
// it: so many peers and pairs have metrics of their own within a day.
const (
	mostPeers     = 1000
	mostPairsSeen = 10 * mostPairs
	labelTime     = 24 * time.Hour
)

// A collector gives what the Snapshot has of peers and pairs as metrics.
type collector struct {
	snapshot func() Snapshot

	mu    sync.Mutex // guards the rest of these
	since time.Time
	peers map[string]bool // that have metrics
	both  map[[2]string]bool

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
		snapshot: snapshot, peers: map[string]bool{}, both: map[[2]string]bool{},
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
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.At.Sub(c.since) >= labelTime {
		c.since, c.peers, c.both = s.At, map[string]bool{}, map[[2]string]bool{}
	}
	label := labels(s.Peers)
	for _, p := range s.Peers {
		name := label[p.UUID]
		if name == "" || !room(c.peers, name, mostPeers) {
			continue
		}
		if p.Measure.RTT > 0 {
			gauge(c.peerRTT, p.Measure.RTT.Seconds(), name)
		}
		gauge(c.peerLoss, p.Measure.Loss, name)
	}
	count := map[string]float64{"unreached": 0, "relayed": 0, "direct": 0, "internal": 0}
	for i, l := range s.Links {
		count[l.Path]++
		from, to := label[l.From], label[l.To]
		if from == "" {
			from = l.From // we ourselves
		}
		if i >= mostPairs || !room(c.both, [2]string{from, to}, mostPairsSeen) {
			continue
		}
		gauge(c.path, pathNumber[l.Path], from, to)
		gauge(c.loss, l.Loss, from, to)
		if l.RTT > 0 {
			gauge(c.rtt, l.RTT.Seconds(), from, to)
			gauge(c.jitter, l.Jitter.Seconds(), from, to)
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

// labels gives peers, by their UUIDs, the names by which metrics know them: their own,
// which stay when a peer comes back as another, else the UUID.
func labels(peers []PeerState) map[string]string {
	all, taken := map[string]string{}, map[string]bool{}
	for _, p := range peers {
		if p.UUID == "" {
			continue
		}
		name := p.Name
		if _, id := wire.ParseUUID(name); id || name == "" || taken[name] {
			name = p.UUID
		}
		taken[name] = true
		all[p.UUID] = name
	}
	return all
}

// room notes that k has metrics, if it has or there is room for it.
func room[K comparable](all map[K]bool, k K, most int) bool {
	if !all[k] && len(all) >= most {
		return false
	}
	all[k] = true
	return true
}
