package mesh

import (
	"net/netip"
	"time"

	"gateway/adapters/mesh/wire"
	"gateway/bridge"
)

// A Remote is a peer as those see it who send to it or hear of it: a value, true
// when it was given.
type Remote struct {
	UUID    wire.UUID // of a server, zero: it tells none of its own
	Name    string    // "" if it gave none
	Version uint8     // of its program; below wire.Extended it knows nothing of CC
	Path    wire.Path
	RTT     time.Duration // smoothed, and how it varies; 0 if not measured
	RTTVar  time.Duration
}

// extended reports whether the peer knows what stands in values of type CC.
func (r Remote) extended() bool { return r.Version >= wire.Extended }

// title is what the peer is called: by its name, or else its UUID.
func (r Remote) title() string {
	if r.Name != "" {
		return r.Name
	}
	return r.UUID.String()
}

// A carrier takes values of type CC to peers.
type carrier interface {
	// find gives the peer with a name, or a UUID in its text form. The error is a
	// *bridge.Error.
	find(name string) (Remote, error)
	// send sends values to a peer, in one packet, or in more where they do not
	// fit, each with META if that is not nil. Nobody answers for them. The error is
	// a *bridge.Error.
	send(to wire.UUID, meta []byte, values ...[]byte) error
}

// A taker takes values of type CC that begin with one byte, its own. It is called
// by one goroutine for one socket, in the order of their coming, and must not wait.
// meta and value are not its to keep.
type taker func(from Remote, meta, value []byte)

// heard is a value of type CC, for a taker.
type heard struct {
	from  Remote
	meta  []byte
	value []byte
}

// news is who has come or gone.
type news struct {
	who   Remote
	there bool
}

var errAway = &bridge.Error{Op: "send", Cause: bridge.Unavailable, Reason: "the peer is not there", Retry: true}

// errNoTexts is for the original's clients.
var errNoTexts = &bridge.Error{Op: "send", Cause: bridge.Unsupported, Reason: "the peer's program takes no texts"}

// isPrivate reports whether an address is one that many places use for
// themselves: nobody elsewhere is told it, nor can be made to send there.
func isPrivate(a netip.Addr) bool {
	return a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || carrierGrade.Contains(a)
}

// carrierGrade is where providers put their customers (RFC 6598).
var carrierGrade = netip.MustParsePrefix("100.64.0.0/10")
