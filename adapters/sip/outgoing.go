package sip

import (
	"strconv"

	"gateway/adapters/sip/wire"
)

// An outgoing is a request of ours, but for its topmost Via.
type outgoing struct {
	method   string
	uri      string
	route    string // "" for none
	from, to string
	callID   string
	cseq     uint32
	hops     int // Max-Forwards
	extra    []wire.Field
	auth     []wire.Field // credentials
	body     []byte
	sent     bool // it may have arrived
}

// bytes writes the request. Every value has been made fit for a header.
func (o *outgoing) bytes(via, agent string) []byte {
	const rest = 160 // the names of headers, and numbers
	size := rest + 2*len(o.method) + len(o.uri) + len(via) + len(o.route) + len(o.from) + len(o.to) + len(o.callID) + len(agent) + len(o.body)
	fields := [2][]wire.Field{o.extra, o.auth}
	for _, some := range fields {
		for _, f := range some {
			size += len(f.Name) + len(f.Value) + len(": \r\n")
		}
	}
	b := make([]byte, 0, size)
	b = append(append(append(append(b, o.method...), ' '), o.uri...), " SIP/2.0\r\n"...)
	b = appendHeader(b, "Via", via)
	b = strconv.AppendInt(append(b, "Max-Forwards: "...), int64(o.hops), 10)
	b = append(b, "\r\n"...)
	if o.route != "" {
		b = appendHeader(b, "Route", o.route)
	}
	b = appendHeader(b, "From", o.from)
	b = appendHeader(b, "To", o.to)
	b = appendHeader(b, "Call-ID", o.callID)
	b = strconv.AppendUint(append(b, "CSeq: "...), uint64(o.cseq), 10)
	b = append(append(append(b, ' '), o.method...), "\r\n"...)
	for _, some := range fields {
		for _, f := range some {
			b = appendHeader(b, f.Name, f.Value)
		}
	}
	b = appendHeader(b, "User-Agent", agent)
	b = strconv.AppendInt(append(b, "Content-Length: "...), int64(len(o.body)), 10)
	return append(append(b, "\r\n\r\n"...), o.body...)
}

func appendHeader(b []byte, name, value string) []byte {
	return append(append(append(append(b, name...), ": "...), value...), "\r\n"...)
}
