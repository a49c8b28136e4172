package peer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
)

// A Trunk is the wire between the gateway and the SIP peer that one of its
// adapters has. To the gateway it is that peer; behind it are SIPps, one for a
// call. It hands on UDP both ways, keeps every message, and can lose some. It
// answers OPTIONS itself: SIPp would take them for a call. What the gateway repeats
// reaches SIPp once, see repeats.
type Trunk struct {
	outer, inner *net.UDPConn
	gateway      netip.AddrPort
	done         sync.WaitGroup

	mu     sync.Mutex // guards what follows
	routes map[string]netip.AddrPort
	calls  map[string]netip.AddrPort // by Call-ID
	lose   func(TrunkMessage) bool
	twice  bool
	known  repeats
	all    []TrunkMessage
	grown  chan struct{} // closed at the next message; nil while nobody waits
}

// A TrunkMessage is one that has passed a Trunk, or was lost there.
type TrunkMessage struct {
	SIPMessage
	ToGateway bool
	Lost      bool
}

// NewTrunk makes one that is the peer at the address at of the gateway's
// address, with SIPps at host of the lab.
func NewTrunk(lab *Lab, at, gateway string, host int) (*Trunk, error) {
	g, err := netip.ParseAddrPort(gateway)
	if err != nil {
		return nil, fmt.Errorf("trunk: %w", err)
	}
	t := &Trunk{
		gateway: g, routes: map[string]netip.AddrPort{}, calls: map[string]netip.AddrPort{},
		known: repeats{delivered: map[string]bool{}, answers: map[string][]byte{}, acks: map[string][]byte{}},
	}
	if t.outer, err = listenUDP(at); err != nil {
		return nil, fmt.Errorf("trunk: %w", err)
	}
	if t.inner, err = listenUDP(lab.At(host, 0)); err != nil {
		t.outer.Close()
		return nil, fmt.Errorf("trunk: %w", err)
	}
	t.done.Go(func() { t.carry(t.outer, t.fromGateway) })
	t.done.Go(func() { t.carry(t.inner, t.fromInside) })
	return t, nil
}

func listenUDP(at string) (*net.UDPConn, error) {
	addr, err := net.ResolveUDPAddr("udp", at)
	if err != nil {
		return nil, err
	}
	return net.ListenUDP("udp", addr)
}

// Close ends it.
func (t *Trunk) Close() {
	t.outer.Close()
	t.inner.Close()
	t.done.Wait()
}

// Addr is where the gateway finds it, host:port.
func (t *Trunk) Addr() string { return t.outer.LocalAddr().String() }

// Route sends the calls to a user to the address of who plays it.
func (t *Trunk) Route(user string, to netip.AddrPort) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.routes[user] = to
}

// Lose has the trunk lose the messages that f says of. It is asked in their
// order, of every repeat anew.
func (t *Trunk) Lose(f func(TrunkMessage) bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lose = f
}

// Twice has the trunk hand everything to the gateway twice.
func (t *Trunk) Twice() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.twice = true
}

func (t *Trunk) carry(c *net.UDPConn, take func(raw []byte, m SIPMessage, from netip.AddrPort)) {
	buf := make([]byte, 1<<16)
	for {
		n, from, err := c.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil && n > 4 { // less is a keep-alive
			take(buf[:n], ParseSIP(string(buf[:n])), netip.AddrPortFrom(from.Addr().Unmap(), from.Port()))
		}
	}
}

func (t *Trunk) fromGateway(raw []byte, m SIPMessage, _ netip.AddrPort) {
	if m.Method() == "OPTIONS" && m.Code() == 0 && !strings.Contains(m.Header("To"), ";tag=") {
		_, _ = t.outer.WriteToUDPAddrPort([]byte(answerTo(m, 200)), t.gateway)
		return
	}
	to, ok := t.pass(TrunkMessage{SIPMessage: m})
	if ok {
		if answer, again := t.again(raw, m); !again {
			_, _ = t.inner.WriteToUDPAddrPort(raw, to)
		} else if answer != nil {
			t.toGateway(answer, ParseSIP(string(answer)))
		}
		return
	}
	if m.Method() == "INVITE" && m.Code() == 0 && !to.IsValid() {
		_, _ = t.outer.WriteToUDPAddrPort([]byte(answerTo(m, 404)), t.gateway)
	}
}

func (t *Trunk) fromInside(raw []byte, m SIPMessage, from netip.AddrPort) {
	t.mu.Lock()
	t.calls[m.Header("Call-ID")] = from
	twice := t.twice
	t.known.said(raw, m)
	t.mu.Unlock()
	if t.toGateway(raw, m) && twice {
		_, _ = t.outer.WriteToUDPAddrPort(raw, t.gateway)
	}
}

// toGateway hands a message on to the gateway; false: it is lost.
func (t *Trunk) toGateway(raw []byte, m SIPMessage) bool {
	_, ok := t.pass(TrunkMessage{SIPMessage: m, ToGateway: true})
	if ok {
		_, _ = t.outer.WriteToUDPAddrPort(raw, t.gateway)
	}
	return ok
}

// pass notes a message and says whether it goes on, and to whom inside.
func (t *Trunk) pass(m TrunkMessage) (netip.AddrPort, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	to, known := t.calls[m.Header("Call-ID")]
	if !known {
		if to, known = t.routes[m.User()]; known {
			t.calls[m.Header("Call-ID")] = to
		}
	}
	m.Lost = t.lose != nil && t.lose(m)
	t.all = append(t.all, m)
	if t.grown != nil {
		close(t.grown)
		t.grown = nil
	}
	return to, known && !m.Lost
}

// Messages is what has passed or was lost, in order.
func (t *Trunk) Messages() []TrunkMessage {
	all, _ := t.watch()
	return all
}

func (t *Trunk) watch() ([]TrunkMessage, <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.grown == nil {
		t.grown = make(chan struct{})
	}
	return t.all[:len(t.all):len(t.all)], t.grown
}

// Wait gives the first message that match likes, as soon as there is one.
func (t *Trunk) Wait(ctx context.Context, match func(TrunkMessage) bool) (TrunkMessage, error) {
	for seen := 0; ; {
		all, grown := t.watch()
		for ; seen < len(all); seen++ {
			if match(all[seen]) {
				return all[seen], nil
			}
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return TrunkMessage{}, fmt.Errorf("trunk %s: wait for a message: %w\n%s", t.Addr(), context.Cause(ctx), t.Trace())
		}
	}
}

// Trace is what has passed, a line a message, for people.
func (t *Trunk) Trace() string { return t.trace(func(m TrunkMessage) string { return m.Start }, "") }

// Talk is every word of what has passed in the calls of a user.
func (t *Trunk) Talk(user string) string {
	return t.trace(func(m TrunkMessage) string {
		text := m.Start
		for _, h := range m.Headers {
			text += "\n        " + h.Name + ": " + h.Value
		}
		return text + "\n        " + strings.ReplaceAll(m.Body, "\n", "\n        ")
	}, user)
}

func (t *Trunk) trace(text func(TrunkMessage) string, user string) string {
	var b strings.Builder
	for _, m := range t.Messages() {
		if !strings.Contains(m.Start+m.Header("From")+m.Header("To"), user) {
			continue
		}
		way := "gateway -> " + t.Addr()
		if m.ToGateway {
			way = t.Addr() + " -> gateway"
		}
		if m.Lost {
			way += " (lost)"
		}
		fmt.Fprintf(&b, "    %s: %s (%s)\n", way, text(m), m.Header("CSeq"))
	}
	return b.String()
}

// User is the user in the Request-URI, "" if there is none.
func (m SIPMessage) User() string {
	_, rest, _ := strings.Cut(m.Start, " sip:")
	user, _, ok := strings.Cut(rest, "@")
	if !ok {
		return ""
	}
	return user
}
