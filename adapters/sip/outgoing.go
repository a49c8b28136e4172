package sip

import (
	"fmt"
	"strconv"
	"strings"

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
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s SIP/2.0\r\nVia: %s\r\nMax-Forwards: %d\r\n", o.method, o.uri, via, o.hops)
	if o.route != "" {
		b.WriteString("Route: " + o.route + "\r\n")
	}
	fmt.Fprintf(&b, "From: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\n", o.from, o.to, o.callID, o.cseq, o.method)
	for _, fields := range [][]wire.Field{o.extra, o.auth} {
		for _, f := range fields {
			b.WriteString(f.Name + ": " + f.Value + "\r\n")
		}
	}
	b.WriteString("User-Agent: " + agent + "\r\nContent-Length: " + strconv.Itoa(len(o.body)) + "\r\n\r\n")
	b.Write(o.body)
	return []byte(b.String())
}
