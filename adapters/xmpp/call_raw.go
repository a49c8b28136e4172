package xmpp

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"gateway/adapters/xmpp/jingle"
)

// maxMoves is how many times in one session a client without ICE may say that it is
// somewhere else.
const maxMoves = 8

var (
	errOurDoors = errors.New("a client is said to be where we are")
	errFamily   = errors.New("a client is said to be at an address of another family than ours in the session")
	errMoves    = errors.New("a client has moved too often")
)

// farAway are addresses that are nobody's (RFC 5737, RFC 3849): what routes to
// them routes to the world.
func farAway() []netip.AddrPort {
	return []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:9"), netip.MustParseAddrPort("[2001:db8::1]:9")}
}

// ownAddr is the address of ours that a client without ICE is told: the one that
// routes to peer, or to the world while it has not said where it is. One of our own
// is not believed, or it might have us knock on our own doors; one on loopback is
// only if we have no other.
func (a *Adapter) ownAddr(peer netip.AddrPort) (netip.Addr, error) {
	world, err := a.world()
	switch {
	case !peer.IsValid() && err != nil:
		return netip.AddrFrom4([4]byte{127, 0, 0, 1}), nil // without a route there is nothing else
	case !peer.IsValid():
		return world, nil
	case peer.Addr().IsLoopback() && err == nil:
		return netip.Addr{}, errOurDoors
	}
	own, err := a.route(peer)
	if err == nil && own == peer.Addr() && !own.IsLoopback() {
		return netip.Addr{}, errOurDoors
	}
	return own, err
}

// world is the address of ours that routes to the world; an error if none does.
func (a *Adapter) world() (own netip.Addr, err error) {
	for _, far := range farAway() {
		if own, err = a.route(far); err == nil {
			return own, nil
		}
	}
	return netip.Addr{}, err
}

// believe looks at where a client is said to be, to which we would send from own:
// at each address as at the first.
func (a *Adapter) believe(own netip.Addr, all ...netip.AddrPort) error {
	for _, at := range all {
		if !at.IsValid() {
			continue
		}
		by, err := a.ownAddr(at)
		if err != nil {
			return err
		}
		if by.Is4() != own.Is4() {
			return errFamily
		}
	}
	return nil
}

// moved looks at what a request says of where a client without ICE is. Until it has
// there is to be nothing taken of that: an error is why it may not be.
func (l *leg) moved(b *branch, all []jingle.Content) error {
	where := b.x.Moves(all)
	if len(where) == 0 {
		return nil
	}
	if b.moves >= maxMoves { // counted as well if they were refused: each look has a cost
		return errMoves
	}
	b.moves++
	for _, at := range where {
		if at == b.port.RTP || at == b.port.RTCP {
			return errOurDoors
		}
	}
	return l.a.believe(b.port.RTP.Addr(), where...)
}

// transported takes a transport-info. What is refused changes nothing.
func (l *leg) transported(st *stanza, b *branch, j *jingle.Jingle) {
	switch err := l.moved(b, j.Contents); {
	case errors.Is(err, errMoves):
		l.a.reply(st, condition{"policy-violation", "modify"}, "the address has changed too often")
		return
	case err != nil:
		l.log.Debug("an address was refused", "err", err)
		l.a.reply(st, condition{"not-acceptable", "modify"}, "nothing can be sent to that address")
		return
	}
	l.a.result(st, nil)
	if b.x.Reach(j.Contents) {
		l.set(b)
	}
}

// routeTo is the address of ours that the system would send from. Nothing is sent.
func routeTo(peer netip.AddrPort) (netip.Addr, error) {
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(peer))
	if err != nil {
		return netip.Addr{}, fmt.Errorf("find the address that routes to %v: %w", peer, err)
	}
	defer conn.Close()
	local, ok := conn.LocalAddr().(*net.UDPAddr)
	if !ok {
		return netip.Addr{}, fmt.Errorf("find the address that routes to %v: it is %v", peer, conn.LocalAddr())
	}
	return local.AddrPort().Addr().Unmap(), nil
}
