package dialog

import (
	"crypto/rand"
	"encoding/base32"
	"slices"
	"strconv"
	"strings"

	"gateway/adapters/sip/wire"
)

// A dialog is what we know of one remote tag (RFC 3261 section 12).
type dialog struct {
	tag           string // the other side's; "" of an element of RFC 2543
	local, remote string // values of From and To, with tags
	target        string // remote target
	routes        []route
	seq           uint32 // of our last request
	heard         uint32 // of their last request; 0: there was none
	path          Path   // by which the other side was met
	try           Path   // by which an INVITE is tried; nil: the other side has been met
	allow         []string

	// One exchange of offer and answer at a time (RFC 3264 section 4).
	open   *open   // theirs waits for our answer
	ours   bool    // ours waits for their answer
	agreed bool    // one has been completed that both sides know of
	modify *modify // our re-INVITE or UPDATE, its back-off included
	served *served // their last INVITE, until its ACK
	rseq   uint32  // of their last reliable provisional
	acked  bool    // we have acknowledged its first 2xx

	sent, got []byte // the session descriptions that are in force, or proposed
}

// An open is an offer of the other side's that wants an answer. Exactly one of its
// functions is called, once.
type open struct {
	answer func(sdp []byte)
	refuse func(status int, phrase string)
	of     *served // the INVITE that it came in, nil for another

	committed bool // it can't be taken back any more
}

// tokens has letters only that no element changes.
var tokens = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

func newToken() string { return newName("") }

func newBranch() string { return newName("z9hG4bK") }

// newName is a token behind what it begins with.
func newName(begin string) string {
	var b [15]byte
	rand.Read(b[:]) // never fails, by its documentation
	var room [32]byte
	return string(tokens.AppendEncode(append(room[:0], begin...), b[:]))
}

// learn takes over what a message of the other side's says of it: whom it
// allows to ask what, and where it wants requests (RFC 3261 sections 12.1 and
// 12.2.1.2).
func (d *dialog) learn(m *wire.Message) {
	if t := contact(m); t != "" && t != d.target {
		d.target = t // keep follows for the first; later ones are seldom others
	}
	var allow []string
	for _, v := range m.All("Allow") {
		for _, one := range split(v) {
			allow = append(allow, method(one))
		}
	}
	if allow != nil {
		d.allow = allow
	}
}

// keep makes strings ones of our own, in one piece of memory: a part of a message would keep
// all of it for as long as the dialog lives.
func keep(all ...*string) {
	size := 0
	for _, s := range all {
		size += len(*s)
	}
	var b strings.Builder
	b.Grow(size)
	for _, s := range all {
		b.WriteString(*s)
	}
	text := b.String()
	for _, s := range all {
		*s, text = text[:len(*s)], text[len(*s):]
	}
}

// methods are those that are kept of an Allow without the message that it stood in.
var methods = [...]string{
	methodInvite, methodAck, methodCancel, methodBye, methodPrack, methodUpdate, methodNotify, "INFO", "REFER", "MESSAGE", "OPTIONS",
	"SUBSCRIBE", "PUBLISH", "REGISTER",
}

// method is one in upper case, which keeps nothing else.
func method(s string) string {
	if i := slices.IndexFunc(methods[:], func(m string) bool { return strings.EqualFold(m, s) }); i >= 0 {
		return methods[i]
	}
	return strings.Clone(strings.ToUpper(s))
}

// way is where a request goes.
func (d *dialog) way(r *draft) Path {
	if d.try != nil {
		return d.try
	}
	return d.path.Next(r.next)
}

// allows says whether the other side takes a method, as far as it has said.
func (d *dialog) allows(method string) bool { return slices.Contains(d.allow, method) }

// A draft is a request of ours, but for its topmost Via.
type draft struct {
	method      string
	uri, next   string // Request-URI, and what it is reached by
	routes      []string
	from, to    string
	callID      string
	cseq        uint32
	hops        int
	fields      []wire.Field
	auth        []wire.Field // credentials
	contentType string
	body        []byte
}

// draft makes a request within d. The caller sets cseq.
func (c *Call) draft(d *dialog, method string, fields []wire.Field, contentType string, body []byte) *draft {
	uri, routes, next := head(d.routes, d.target)
	return &draft{
		method: method, uri: uri, routes: routes, next: next, from: d.local, to: d.remote, callID: c.callID,
		hops: c.hops, fields: fields, contentType: contentType, body: body,
	}
}

// bytes writes the request for one Path. Every value has been made fit for a
// header, or came in one. What is given back may wait for half a minute, and has no room to
// spare.
func (r *draft) bytes(p Path, branch, agent string) []byte {
	var room [maxDatagram]byte
	b := room[:0]
	line := func(parts ...string) {
		for _, s := range parts {
			b = append(b, s...)
		}
		b = append(b, "\r\n"...)
	}
	line(r.method, " ", r.uri, " SIP/2.0")
	line("Via: SIP/2.0/", p.Transport(), " ", p.SentBy(), ";branch=", branch, ";rport")
	line("Max-Forwards: ", strconv.Itoa(r.hops))
	for _, v := range r.routes {
		line("Route: ", v)
	}
	line("From: ", r.from)
	line("To: ", r.to)
	line("Call-ID: ", r.callID)
	line("CSeq: ", strconv.FormatUint(uint64(r.cseq), 10), " ", r.method)
	for _, f := range r.fields {
		line(f.Name, ": ", f.Value)
	}
	for _, f := range r.auth {
		line(f.Name, ": ", f.Value)
	}
	line("User-Agent: ", agent)
	if len(r.body) > 0 {
		line("Content-Type: ", r.contentType)
	}
	line("Content-Length: ", strconv.Itoa(len(r.body)))
	line()
	return slices.Concat(b, r.body)
}
