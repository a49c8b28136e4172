package bridge

import "strconv"

// Availability says how reachable a party is, the less the lower.
type Availability uint8

// The availabilities.
const (
	Offline Availability = iota
	Occupied
	Away
	Available
)

// String is the word for logs and metrics.
func (a Availability) String() string {
	switch a {
	case Offline:
		return "offline"
	case Occupied:
		return "occupied"
	case Away:
		return "away"
	case Available:
		return "available"
	default:
		return "availability" + strconv.Itoa(int(a))
	}
}

// A Presence is what can be said of a party at the moment.
type Presence struct {
	State Availability
	Note  string // a line for people, or ""
}

// A Presencer is an adapter that can say who of its network is there.
type Presencer interface {
	// PresenceOf gives what is known of a party of this adapter's. Who is not
	// known is Offline. It returns at once, and takes no lock that is held while
	// the adapter calls Handler.Changed.
	PresenceOf(a Address) Presence
}

// A Viewer is an adapter that can show its network who is there elsewhere.
type Viewer interface {
	// ShowPresence tells a party of this adapter's that of, a name of this
	// adapter's too, is at p now. It returns at once.
	ShowPresence(of, to Address, p Presence)
}

// A Watch is a wish to be shown the presence of a party from now on, or no
// longer. Both names are of one adapter.
type Watch struct {
	By, To Address
	On     bool
}

// better is the presence to show of a party with several homes.
func (p Presence) better(q Presence) Presence {
	if q.State > p.State {
		return q
	}
	return p
}
