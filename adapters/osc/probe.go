package osc

import "time"

// Where one of two members is behind a NAT that gives it another port for each
// destination, it depends on the other's NAT whether they meet: does it let in
// what comes from an address that was sent to, or only from the very port? We
// ask it: a ping, as from the first, goes to the second from a port of ours
// that it has never sent to. If it gets in, it is answered.

const (
	probeEvery = time.Second // while there is no answer
	maxProbes  = 3           // then there is none
)

// A probe is what was sent to find a member's filter.
type probe struct {
	first, last time.Time
	count       int
	as          string // whose name was in it
}

// probeFor begins to find out v's filter, if that decides whether it meets u.
func (h *hub) probeFor(u, v *user, now time.Time, m *mail) {
	if u.nature.mapping != mappingOther || v.nature.mapping != mappingSame || v.nature.filter != filterUnknown || !v.probe.first.IsZero() {
		return
	}
	v.probe = probe{first: now, as: u.name}
	h.sendProbe(v, now, m)
}

func (h *hub) sendProbe(v *user, now time.Time, m *mail) {
	p := h.proof()
	if p == nil {
		return // without an answer
	}
	v.probe.last = now
	v.probe.count++
	m.build.Reset()
	m.build.Ping(v.probe.as)
	m.Compose(p.socket, m.build.Packet(), v.at, v.local)
}

// probeAgain repeats a probe that was not answered, and gives up after some.
func (h *hub) probeAgain(v *user, now time.Time, m *mail) {
	if v.probe.first.IsZero() || v.nature.filter != filterUnknown || now.Sub(v.probe.last) < probeEvery {
		return
	}
	if v.probe.count < maxProbes {
		h.sendProbe(v, now, m)
		return
	}
	v.nature.filter = filterStrict
	for u := range v.pairs {
		h.judge(v, u, now, m)
	}
}
