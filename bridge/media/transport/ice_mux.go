package transport

import (
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/pion/stun/v4"
)

const (
	// answerable is how long an answer to a check of ours is taken: as long as
	// the library remembers the check.
	answerable = 4 * time.Second
	// maxChecks bounds the checks of one agent that wait for an answer.
	maxChecks = 512
)

// A Base is a socket of ours that agents share.
type Base struct {
	Address netip.AddrPort
	// Send sends a datagram, from any goroutine and without waiting.
	Send func(b []byte, to netip.AddrPort)
}

// A Mux brings the STUN messages that come to shared sockets to those who they are
// for: a request to the agent whose user name it bears and whose password it
// is signed with, an answer to whoever has asked. What is neither gets nothing.
type Mux struct {
	mu     sync.Mutex // guards what follows
	agents map[string]*Agent
	checks map[transactionID]check
}

// A check is a request of ours that waits for its answer.
type check struct {
	agent *Agent
	base  *Base
	to    netip.AddrPort
	at    time.Time
	found func(netip.AddrPort) // of a question to a STUN server: its answer
}

// NewMux is a Mux without agents.
func NewMux() *Mux {
	return &Mux{agents: map[string]*Agent{}, checks: map[transactionID]check{}}
}

// Take takes a datagram that has come to base and copies what is to be kept. It
// does not wait, but calls AgentConfig.Valid if that is what the datagram shows. false
// says that it was nobody's.
func (m *Mux) Take(base *Base, source netip.AddrPort, b []byte) bool {
	msg, ok := parseSTUN(b)
	if !ok {
		return false
	}
	switch msg.kind {
	case bindingRequest:
		return m.asked(msg, base, source, b)
	case bindingSuccess:
		return m.answered(msg, base, source, b)
	default:
		return false
	}
}

func (m *Mux) asked(msg stunMessage, base *Base, source netip.AddrPort, b []byte) bool {
	m.mu.Lock()
	a := m.agents[msg.to()]
	m.mu.Unlock()
	return a != nil && msg.signed(b, a.pwd) && a.admits(source) && a.feed(base, source, b)
}

// answered takes the answer to a check. One that comes from where the check went
// to, and by the same socket, makes a valid pair (RFC 8445 section 7.2.5.3.2).
func (m *Mux) answered(msg stunMessage, base *Base, source netip.AddrPort, b []byte) bool {
	m.mu.Lock()
	c, ok := m.checks[msg.id]
	if ok && c.base == base && c.to == source {
		delete(m.checks, msg.id)
	}
	m.mu.Unlock()
	switch {
	case !ok || c.base != base || c.to != source:
		return false
	case c.found != nil:
		if mapped, ok := mappedAddress(b); ok {
			c.found(mapped)
		}
		return true
	case !msg.signed(b, c.agent.remotePassword()):
		return false
	}
	fed := c.agent.feed(base, source, b)
	c.agent.config.Valid(base, source)
	return fed
}

// mappedAddress is where a STUN server has seen us.
func mappedAddress(b []byte) (netip.AddrPort, bool) {
	msg := stun.Message{Raw: slices.Clone(b)}
	var x stun.XORMappedAddress
	if msg.Decode() != nil || x.GetFrom(&msg) != nil {
		return netip.AddrPort{}, false
	}
	addr, ok := netip.AddrFromSlice(x.IP)
	return netip.AddrPortFrom(addr.Unmap(), uint16(x.Port)), ok && x.Port > 0
}

// Ask asks a STUN server where it sees base (RFC 8445 section 5.1.1.2). found is
// called by Take if there is an answer.
func (m *Mux) Ask(base *Base, server netip.AddrPort, found func(netip.AddrPort)) error {
	msg, err := stun.Build(stun.TransactionID, stun.BindingRequest, stun.Fingerprint)
	if err != nil {
		return err
	}
	m.mu.Lock()
	now := time.Now()
	for id, c := range m.checks {
		if c.found != nil && c.base == base && now.Sub(c.at) > answerable {
			delete(m.checks, id)
		}
	}
	m.checks[msg.TransactionID] = check{base: base, to: server, at: now, found: found}
	m.mu.Unlock()
	base.Send(msg.Raw, server)
	return nil
}

// Names are the user name fragments that requests may be for.
func (m *Mux) Names() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.agents))
}

// enter has a found by its user name.
func (m *Mux) enter(a *Agent) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.agents[a.ufrag] = a
}

// leave forgets a.
func (m *Mux) leave(a *Agent) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.agents[a.ufrag] == a {
		delete(m.agents, a.ufrag)
	}
	for _, id := range a.sent {
		delete(m.checks, id)
	}
	a.sent, a.left = nil, true
}

// checked notes a check that a sends; false if it may not any more.
func (m *Mux) checked(a *Agent, base *Base, to netip.AddrPort, id transactionID) bool {
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	if a.left {
		return false
	}
	old := 0
	for _, id := range a.sent {
		// Those that were answered are gone already.
		if c, ok := m.checks[id]; ok && now.Sub(c.at) < answerable && len(a.sent)-old < maxChecks {
			break
		}
		delete(m.checks, id)
		old++
	}
	if a.sent = slices.Delete(a.sent, 0, old); len(a.sent) == 0 {
		a.sent = nil // a burst of checks leaves nothing behind
	}
	a.sent = append(a.sent, id)
	m.checks[id] = check{agent: a, base: base, to: to, at: now}
	return true
}
