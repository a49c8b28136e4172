package osc

import "gateway/bridge"

// deliver sends a packet from the gateway itself to one member of a group, or to
// all of it.
func (h *hub) deliver(to bridge.Name, packet []byte, m *mail) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	g := h.groups[to.Main]
	if g == nil || h.self == nil {
		return errAway("nobody is in the group")
	}
	if to.Lead != "" {
		u := h.users[to.Lead]
		if u == nil || u.self || !u.in(g) || !h.canPass(u) {
			return errAway("the member is not there")
		}
		h.pass(h.self, u, packet, m)
		return nil
	}
	n := 0
	for _, u := range g.members {
		if !u.self && h.canPass(u) {
			h.pass(h.self, u, packet, m)
			n++
		}
	}
	if n == 0 {
		return errAway("nobody is in the group")
	}
	return nil
}

// canPass reports whether the gateway itself can send to u.
func (h *hub) canPass(u *user) bool {
	return !u.byUDP() || h.self.port != nil && h.self.port.callers[u] != nil
}

// lost forgets a port whose socket has failed.
func (h *hub) lost(p *port) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case p == h.prover:
		h.prover = nil
	case p.user != nil && p.user.port == p:
		h.closePort(p.user)
	}
}
