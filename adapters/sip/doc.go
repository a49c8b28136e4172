// Package sip is the adapter for SIP (RFC 3261), for messages (RFC 3428) and
// calls: it faces one peer (a PBX or a proxy), or phones that register with it, or
// both.
//
//	       sockets              who is it?           what is it for?
//	udp.go, door.go ─▶ receive.go ─▶ gate.go ─▶ dispatch.go ─▶ message.go ─▶ bridge
//	 admit.go drops     wire reads    digest.go              imdn.go
//	 what is too much   the bytes     gives 401              typing.go
//	                        │                                registrar.go
//	                        │                                dialogs.go ─▶ leg.go ─▶ bridge
//	                        └─ what is in a call ─▶ dialog/ ────┘ ▲
//
//	bridge ─▶ send.go ─▶ destination.go ─▶ request.go ─▶ client.go ─▶ flow.go ─▶ sockets
//	     composing.go      where to          auth.go answers challenges
//	     fork.go         form.go
//	      all phones       in what form; taste.go remembers who does not take which
//	bridge ─▶ caller.go ─▶ dialogs_dial.go ─▶ dialog/ ─▶ dialogs_path.go ─▶ flow.go ─▶ sockets
//
// The sockets are ours rather than sipgo's: so the order of arrival survives
// (a message is handed to the bridge from the goroutine that read it), what a
// stranger sends leaves nothing behind, and a panic while reading ends with
// the message that caused it. sipgo reads header values. Connections (tcp.go) are of
// TCP, of TLS (tls.go says whom we believe to be the peer) or of WebSockets
// (websocket.go), and conns.go counts them.
//
// Words. A flow (RFC 5626 section 3.1) is a way to one remote address and
// back: a UDP socket at one address of ours with one of theirs, or a
// connection; a path is a flow as calls use it. A place is where a call can
// go: the peer, or one contact. A stranger is a source that is neither the peer nor shows an
// account's credentials: it learns nothing but 401 or 403, without a
// transaction. A line is a name that we register at the peer; an account is a
// name that a phone registers here; contacts are where accounts are now, kept
// in memory only: after a restart phones are away until they register again. A
// message for an account is forked: it goes to all its contacts at once, under
// one identity; the first that takes it decides, else, when all have answered,
// the best refusal (RFC 3261 section 16.7). Who has seen that identity before
// answers 482: to a repeat that means that the message is there. A wish is
// what the writer of a message asks to be told; it goes as the text in
// message/cpim (RFC 3862) with an imdn.Message-ID, and what comes of it comes
// back as a notification (RFC 5438). Who takes no such thing gets the same
// message, under the same identity, as plain text at once.
package sip
