package mesh

import (
	"net/netip"
	"slices"
	"time"

	"gateway/adapters/mesh/bulk"
	"gateway/adapters/mesh/wire"
)

// A Snapshot is a mesh as a server, or a client, sees it at one moment: plain
// values, in the order of the peers' coming.
type Snapshot struct {
	Server  bool        `json:"server"`            // of a server; else of a client
	Up      bool        `json:"up"`                // the client's server answers
	Self    string      `json:"self"`              // our own name
	At      time.Time   `json:"at"`                // when it was taken; zero: nothing runs
	Address string      `json:"address,omitempty"` // where the client's server sees us
	NAT     NATKind     `json:"nat,omitzero"`      // of a client: its own
	Peers   []PeerState `json:"peers"`
	Links   []LinkState `json:"links"` // of a server: what its clients tell of each other, each of at most 128; of a client: its own
	Relayed Traffic     `json:"relayed,omitzero"`
	// Transfers are the objects that we send and receive.
	Transfers []bulk.State `json:"transfers,omitempty"`
}

// Traffic counts what a server has handed on.
type Traffic struct {
	Packets int `json:"packets"`
	Bytes   int `json:"bytes"`
}

// A PeerState is what is known of one peer.
type PeerState struct {
	UUID     string    `json:"uuid,omitempty"`
	Name     string    `json:"name,omitempty"`
	Version  int       `json:"version"`
	External string    `json:"external"`           // where the server sees it
	Internal string    `json:"internal,omitempty"` // in its own network
	Since    time.Time `json:"since"`
	Heard    time.Time `json:"heard,omitzero"`
	NAT      NATKind   `json:"nat,omitzero"`
	Measure  Measure   `json:"measure"` // between the server and it, or the client and it
}

// A NATKind is what a client has found out about its NAT (RFC 4787, RFC 5780).
type NATKind struct {
	Mapping   string `json:"mapping,omitempty"`   // "", "none", "endpoint-independent", "address-dependent", "address-and-port-dependent", "dependent"
	Filtering string `json:"filtering,omitempty"` // likewise; "" is unknown
	Port      int    `json:"port,omitempty"`      // that the router hands on, by UPnP
	Seen      string `json:"seen,omitempty"`      // where STUN sees it
}

// A LinkState is how one client reaches another.
type LinkState struct {
	From   string        `json:"from"` // UUIDs
	To     string        `json:"to"`
	Path   string        `json:"path"` // "unreached", "relayed", "direct", "internal"
	RTT    time.Duration `json:"rtt"`  // nanoseconds
	Jitter time.Duration `json:"jitter"`
	Loss   float64       `json:"loss"` // 0 to 1
	At     time.Time     `json:"at"`   // when it was told
}

func natKind(n wire.NAT) NATKind {
	return NATKind{Mapping: n.Mapping.String(), Filtering: n.Filtering.String(), Port: int(n.Port), Seen: text(n.Seen)}
}

// text is an address, "" for none.
func text(a netip.AddrPort) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// A seen is what a snapshot takes of a client while the hub is held up: no text, and
// only what was told.
type seen struct {
	remote       Remote
	bound        bool
	at, inside   netip.AddrPort
	since, heard time.Time
	nat          wire.NAT
	measure      Measure
	reaches      []reach
}

func (h *hub) snapshot(now time.Time) Snapshot {
	s := Snapshot{Server: true, Up: true, Self: h.set.self, At: now, Peers: []PeerState{}, Links: []LinkState{}}
	all, relayed := h.look(now)
	s.Relayed = relayed
	order := map[wire.UUID]int{}
	for i := range all {
		if all[i].bound {
			order[all[i].remote.UUID] = i
		}
	}
	for i := range all {
		c := &all[i]
		p := PeerState{
			Name: c.remote.Name, Version: int(c.remote.Version), External: text(c.at), Internal: text(c.inside),
			Since: c.since, Heard: c.heard, NAT: natKind(c.nat), Measure: c.measure,
		}
		if c.bound {
			p.UUID = c.remote.UUID.String()
		}
		s.Peers = append(s.Peers, p)
	}
	for i := range all {
		slices.SortFunc(all[i].reaches, func(a, b reach) int { return order[a.UUID] - order[b.UUID] })
		for _, r := range all[i].reaches {
			s.Links = append(s.Links, LinkState{
				From: s.Peers[i].UUID, To: s.Peers[order[r.UUID]].UUID, Path: r.Path.String(), RTT: r.RTT, Jitter: r.Jitter, Loss: r.Loss, At: r.at,
			})
		}
	}
	return s
}

// look is the part of a snapshot for which the hub is held up.
func (h *hub) look(now time.Time) ([]seen, Traffic) {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]seen, 0, len(h.listed))
	for _, c := range h.listed {
		o := seen{
			remote: c.remote(), bound: c.bound, at: c.at, inside: c.inside, since: c.since, heard: c.heard, nat: c.nat, measure: c.window.measure(now),
		}
		if c.bound {
			o.reaches = make([]reach, 0, len(c.reaches))
			for _, r := range c.reaches { // of those who are there: forget
				o.reaches = append(o.reaches, r)
			}
		}
		all = append(all, o)
	}
	return all, h.relayed
}

func (n *node) snapshot() Snapshot {
	now := time.Now()
	n.lock.Lock()
	defer n.lock.Unlock()
	s := Snapshot{
		Up: n.link.err == nil, Self: n.set.self, At: now, Address: text(n.self), NAT: natKind(n.nat), Peers: []PeerState{}, Links: []LinkState{},
	}
	for _, q := range n.peers {
		p := PeerState{
			Name: q.name, Version: int(q.version), External: text(q.entry.External), Internal: text(q.entry.Internal),
			Since: q.since, Heard: q.window.heard, Measure: q.measure(now, &n.set.pace),
		}
		if q.bound {
			p.UUID = q.uuid.String()
			s.Links = append(s.Links, LinkState{
				From: n.set.uuid.String(), To: p.UUID, Path: q.pathNow(now, &n.set.pace).String(),
				RTT: p.Measure.RTT, Jitter: p.Measure.Jitter, Loss: p.Measure.Loss, At: now,
			})
		}
		s.Peers = append(s.Peers, p)
	}
	return s
}
