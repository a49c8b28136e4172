package bridgetest

import (
	"math/rand/v2"
	"net/netip"
)

// OwnHost is a loopback address that no other test has. Who needs a certain port, or one
// that is closed, or that will be free again, takes it there: at 127.0.0.1 it may be
// that of any connection by then.
func OwnHost() string {
	return netip.AddrFrom4([4]byte{127, byte(192 + rand.IntN(60)), byte(rand.IntN(256)), byte(rand.IntN(256))}).String()
}
