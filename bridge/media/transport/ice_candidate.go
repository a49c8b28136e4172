package transport

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"

	"gateway/bridge/media"

	"github.com/pion/ice/v4"
)

// maxCandidates bounds what is tried of a peer's candidates, for one component.
const maxCandidates = 32

// Preferences of the types (RFC 8445 section 5.1.2.2).
const (
	hostPreference      = 126
	reflexivePreference = 100
)

// priority is that of a candidate (RFC 8445 section 5.1.2.1). The first of our
// addresses is the one that we like best.
func priority(preference, address, component int) uint32 {
	return uint32(preference)<<24 | uint32(0xffff-address)<<8 | uint32(256-component)
}

// HostCandidate describes a base of ours, the one with that number, from 0 on.
func HostCandidate(base netip.AddrPort, number, component int) media.Candidate {
	return media.Candidate{
		Foundation: strconv.Itoa(number + 1), Component: component,
		Priority: priority(hostPreference, number, component), Address: base, Type: media.Host,
	}
}

// ReflexiveCandidate describes where a STUN server has seen a base of ours.
func ReflexiveCandidate(mapped, base netip.AddrPort, number, component int) media.Candidate {
	return media.Candidate{
		Foundation: strconv.Itoa(100 + number + 1), Component: component,
		Priority: priority(reflexivePreference, number, component), Address: mapped,
		Type: media.ServerReflexive, Related: base,
	}
}

// ErrCredentials is for a user name fragment or a password that is none.
var ErrCredentials = errors.New("no credentials of ICE")

// CheckCredentials reports whether a peer's credentials can be used: bounded, and of
// the characters that RFC 8839 section 5.4 names, and of those that clients use
// beside. Lengths below those that it asks for are taken. The error is ErrCredentials.
func CheckCredentials(ufrag, pwd string) error {
	for _, s := range []string{ufrag, pwd} {
		if s == "" || len(s) > 256 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == ':' }) {
			return ErrCredentials
		}
	}
	return nil
}

// usable reports whether a candidate is one that a check can be sent to.
func (a *Agent) usable(c media.Candidate) bool {
	addr := c.Address.Addr()
	return c.Component == a.config.Component && c.Address.IsValid() && c.Address.Port() != 0 && addr.Zone() == "" &&
		!addr.IsUnspecified() && !addr.IsMulticast() && addr != netip.AddrFrom4([4]byte{255, 255, 255, 255}) &&
		a.reaches(addr) && !a.ours(c.Address)
}

// fresh are those of list that were not tried yet, as the library has them. a.mu
// is held.
func (a *Agent) fresh(list []media.Candidate) []ice.Candidate {
	var fresh []ice.Candidate
	for _, c := range list {
		c.Address = netip.AddrPortFrom(c.Address.Addr().Unmap(), c.Address.Port())
		if _, known := a.known[c.Address]; known || len(a.known) == maxCandidates || !a.usable(c) {
			continue
		}
		if candidate, err := libraryCandidate(c); err == nil {
			a.known[c.Address] = struct{}{}
			fresh = append(fresh, candidate)
		}
	}
	return fresh
}

func libraryCandidate(c media.Candidate) (ice.Candidate, error) {
	const network = "udp"
	address, port, component := c.Address.Addr().String(), int(c.Address.Port()), uint16(c.Component)
	related, relatedPort := "", 0
	if c.Related.IsValid() {
		related, relatedPort = c.Related.Addr().String(), int(c.Related.Port())
	}
	switch c.Type {
	case media.Host:
		return ice.NewCandidateHost(&ice.CandidateHostConfig{
			Network: network, Address: address, Port: port, Component: component,
			Priority: c.Priority, Foundation: c.Foundation,
		})
	case media.ServerReflexive:
		return ice.NewCandidateServerReflexive(&ice.CandidateServerReflexiveConfig{
			Network: network, Address: address, Port: port, Component: component,
			Priority: c.Priority, Foundation: c.Foundation, RelAddr: related, RelPort: relatedPort,
		})
	case media.PeerReflexive:
		return ice.NewCandidatePeerReflexive(&ice.CandidatePeerReflexiveConfig{
			Network: network, Address: address, Port: port, Component: component,
			Priority: c.Priority, Foundation: c.Foundation, RelAddr: related, RelPort: relatedPort,
		})
	case media.Relayed:
		return ice.NewCandidateRelay(&ice.CandidateRelayConfig{
			Network: network, Address: address, Port: port, Component: component,
			Priority: c.Priority, Foundation: c.Foundation, RelAddr: related, RelPort: relatedPort,
		})
	default:
		return nil, errors.New("no type of candidate")
	}
}

// pairSide is a candidate of the library's, ours or the peer's, that it has paired.
func (a *Agent) pairSide(c ice.Candidate) media.Candidate {
	addr, err := netip.ParseAddr(c.Address())
	if err != nil {
		return media.Candidate{}
	}
	side := media.Candidate{
		Foundation: c.Foundation(), Component: a.config.Component, Priority: c.Priority(),
		Address: netip.AddrPortFrom(addr.Unmap(), uint16(c.Port())), Type: media.CandidateType(c.Type().String()),
	}
	if r := c.RelatedAddress(); r != nil {
		if base, err := netip.ParseAddr(r.Address); err == nil {
			side.Related = netip.AddrPortFrom(base.Unmap(), uint16(r.Port))
		}
	}
	return side
}
