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
