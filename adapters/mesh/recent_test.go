package mesh

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gateway/adapters/mesh/wire"

	"github.com/prometheus/client_golang/prometheus"
)

func TestASnapshotIsTakenOnceASecond(t *testing.T) {
	t.Parallel()
	now, taken := time.Unix(1_000_000, 0), 0
	r := newRecent(func() Snapshot {
		taken++
		return Snapshot{At: now, Self: fmt.Sprint("take ", taken)}
	})
	r.now = func() time.Time { return now }
	for i := range 3 {
		for range 5 {
			body, err := r.json()
			if want := fmt.Sprint("take ", i+1); err != nil || r.snapshot().Self != want || !strings.Contains(string(body), want) {
				t.Fatalf("%s, %v; want %s", body, err, want)
			}
		}
		now = now.Add(fresh)
	}
}

func TestWhatAClientTellsOfOthersIsBounded(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *Config) { c.PerHost = 1000 })
	a := r.client(1, "192.0.2.1:1000", wire.Extended)
	all := []*testClient{a}
	for i := range 2 * maxReaches {
		all = append(all, r.client(10+i, fmt.Sprintf("198.51.100.1:%d", 1000+i), original))
	}
	r.join(all...)
	for _, o := range all[1:] {
		a.send(func(w *wire.Builder) {
			w.CC(wire.AppendReaches(nil, []wire.Reach{{UUID: o.uuid, Path: wire.Direct}}))
		})
	}
	s := r.hub.snapshot(r.now)
	if len(s.Links) != maxReaches {
		t.Fatalf("%d links of one client", len(s.Links))
	}
	for i, l := range s.Links {
		if l.To != s.Peers[i+1].UUID || l.From != a.uuid.String() {
			t.Fatalf("link %d is %+v", i, l)
		}
	}
}

// Who comes back as somebody else again and again has no more series for it.
func TestPeersHaveABoundedNumberOfSeries(t *testing.T) {
	t.Parallel()
	s := Snapshot{At: time.Unix(1_000_000, 0)}
	c := newCollector(func() Snapshot { return s })
	series := map[string]bool{}
	collect := func() {
		reg := prometheus.NewPedanticRegistry()
		if err := reg.Register(c); err != nil {
			t.Fatal(err)
		}
		families, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			for _, m := range f.Metric {
				name := f.GetName()
				for _, l := range m.Label {
					name += " " + l.GetValue()
				}
				series[name] = true
			}
		}
	}
	id := func(n int) string { return wire.UUID{byte(n >> 8), byte(n), 1}.String() }
	for i := range 50 {
		s.Peers = []PeerState{{UUID: id(i), Name: "lab"}, {UUID: id(1000 + i), Name: "lab"}}
		s.Links = []LinkState{{From: id(i), To: id(1000 + i), Path: "direct"}}
		collect()
	}
	if !series["gateway_mesh_peer_loss_ratio lab"] {
		t.Errorf("%v", series)
	}
	for i := range 30 {
		s.Peers = nil
		for n := range 100 {
			s.Peers = append(s.Peers, PeerState{UUID: id(5000 + 100*i + n)})
		}
		collect()
	}
	peers := 0
	for name := range series {
		if strings.HasPrefix(name, "gateway_mesh_peer_loss_ratio") {
			peers++
		}
	}
	if peers != mostPeers {
		t.Errorf("%d series of peers, want %d", peers, mostPeers)
	}
}
