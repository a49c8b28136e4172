package sip

// The networks of SIP, by their names in the mapping file (RFC 3261 section 18,
// RFC 7118). All but UDP are connections of TCP below.
const (
	networkUDP = "udp"
	networkTCP = "tcp"
	networkTLS = "tls"
	networkWS  = "ws"  // a message is a WebSocket's
	networkWSS = "wss" // the same by TLS
)

// isSecure reports whether nobody between can read or change what goes by a
// network, and whether the other end is an address's true owner.
func isSecure(network string) bool { return network == networkTLS || network == networkWSS }

// isWeb reports whether a network is WebSockets: browsers come by it, and nobody
// is called by it who has not come.
func isWeb(network string) bool { return network == networkWS || network == networkWSS }

// socketOf is what a network takes a port of: "udp" or "tcp".
func socketOf(network string) string {
	if network == networkUDP {
		return networkUDP
	}
	return networkTCP
}

// portOf is where a network is unless something else is said (RFC 3261 section
// 19.1.2).
func portOf(network string) uint16 {
	if network == networkTLS {
		return defaultTLSPort
	}
	return defaultPort
}
