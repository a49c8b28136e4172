package osc

import "gateway/bridge"

// causeOf reads the word for a cause in a CHAT/failed message. An unknown one is
// a fault of the other side's.
func causeOf(word string) bridge.Cause {
	for _, c := range bridge.Causes() {
		if c.String() == word {
			return c
		}
	}
	return bridge.Internal
}

// passing reports whether a text that was refused for c may be taken later.
func passing(c bridge.Cause) bool {
	switch c {
	case bridge.Internal, bridge.Unavailable, bridge.Constrained, bridge.Overloaded, bridge.Timeout, bridge.GatewayTimeout, bridge.NoRoute:
		return true
	default:
		return false
	}
}
