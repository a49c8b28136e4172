// Package sip is the adapter for SIP (RFC 3261), for messages (RFC 3428): it
// faces one peer (a PBX or a proxy), or phones that register with it, or both.
//
//	       sockets              who is it?           what is it for?
//	udp.go, tcp.go ─▶ receive.go ─▶ gate.go ─▶ dispatch.go ─▶ message.go ─▶ bridge
//	 admit.go drops     wire reads    digest.go              registrar.go
//	 what is too much   the bytes     gives 401
//
//	bridge ─▶ send.go ─▶ request.go ─▶ client.go ─▶ flow.go ─▶ sockets
//	                      auth.go answers challenges
//
// The sockets are ours rather than sipgo's: so the order of arrival survives
// (a message is handed to the bridge from the goroutine that read it), what a
// stranger sends leaves nothing behind, and a panic while reading ends with
// the message that caused it. sipgo reads and writes header values and runs
// server transactions.
//
// Words. A flow (RFC 5626 section 3.1) is a way to one remote address and
// back: a UDP socket with an address, or a TCP connection. A stranger is a
// source that is neither the peer nor shows an account's credentials: it
// learns nothing but 401 or 403, without a transaction. A line is a name that
// we register at the peer; an account is a name that a phone registers here;
// contacts are where accounts are now, kept in memory only: after a restart
// phones are away until they register again.
package sip
