package dialog

import (
	"net/netip"

	"gateway/adapters/sip/wire"
)

// A Path is a way to one remote address, for requests and responses of ours.
type Path interface {
	// Write sends one message. It does not block; nil does not mean that
	// anything arrives.
	Write(data []byte) error
	// Reliable paths lose nothing: what is sent is not sent again.
	Reliable() bool
	// Transport is its word in Via: "UDP", "TCP", "TLS", "WS", "WSS".
	Transport() string
	// SentBy is what the other end is told of us: host, IPv6 in brackets, and
	// port.
	SentBy() string
	Remote() netip.AddrPort
	// Next is the way to where a URI leads that the other end has given us, in a
	// Route or a Contact; the Path itself where there is no better one.
	Next(uri string) Path
	// Long is the way for a request that is too long for a datagram; the Path
	// itself where there is none.
	Long() Path
	// Silent says that a request had no answer.
	Silent()
}

// A Server is the server transaction of one request: it sends a response, and
// what it has sent last again to whoever repeats the request (RFC 3261 section
// 17.2).
type Server interface {
	Reply(status int, data []byte)
}

// A Request is an INFO, REFER or NOTIFY of the other side's.
type Request struct {
	Method  string
	Message *wire.Message

	c      *Call
	path   Path // it came by
	tx     Server
	done   bool
	giveUp alarm
}

// Answer sends the final response. Only the first counts.
func (r *Request) Answer(status int, phrase string, fields ...wire.Field) {
	r.c.mu.Lock()
	defer r.c.unlock()
	r.c.finish(r, status, phrase, fields)
}
