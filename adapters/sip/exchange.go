package sip

import (
	"encoding/hex"
	"net/netip"
	"strconv"
	"time"

	"gateway/adapters/sip/wire"
)

// An exchange is a request that has passed the gate, and its answer.
type exchange struct {
	e    *engine
	m    *wire.Message
	f    flow // it came by
	tx   *transaction
	from sender
}

// answer sends the final response.
func (x *exchange) answer(status int, reason string, fields ...wire.Field) {
	x.tx.Reply(status, x.e.reply(x.f, x.m, status, reason, fields))
}

// respond answers with a status's own phrase.
func (x *exchange) respond(status int, fields ...wire.Field) {
	x.answer(status, phrases[status], fields...)
}

// refuse is respond for a request that should not have been sent: the log hears
// of it.
func (x *exchange) refuse(status int, fields ...wire.Field) {
	x.reject(status, phrases[status], fields...)
}

// reject is refuse in other words than the status's own.
func (x *exchange) reject(status int, reason string, fields ...wire.Field) {
	if status >= 400 {
		x.e.complain(x.f, x.m, status, reason)
	}
	x.answer(status, reason, fields...)
}

// complain writes a line for a request that is refused for its own fault, or its
// sender's; not for each, if there are many.
func (e *engine) complain(f flow, m *wire.Message, status int, cause string) {
	e.badInput.Do(func() {
		from, err := e.set.nameOf(&m.Request.From().Address)
		if err != nil {
			from = "" // what it says is no name
		}
		e.log.Warn("request refused", "peer", f.remote, "transport", f.network(), "method", m.Request.Method,
			"from", from, "status", status, "cause", cause)
	})
}

// stateless answers without a transaction (RFC 3261 section 8.2.7): a repeat
// is answered anew, the same.
func (e *engine) stateless(f flow, m *wire.Message, status int, reason string, fields ...wire.Field) {
	e.metrics.response(directionOut, string(m.Request.Method), status)
	_ = back(f, m).write(e.reply(f, m, status, reason, fields))
}

func (e *engine) reply(f flow, m *wire.Message, status int, reason string, fields []wire.Field) []byte {
	return m.Reply(status, reason, e.toTag(m), f.remote, fields, nil)
}

// toTag is the same for every answer to one request (RFC 3261 section 8.2.6.2).
func (e *engine) toTag(m *wire.Message) string {
	sum := e.marks.Sum("sip to-tag\x00", m.Get("Call-ID"), "\x00", m.Get("CSeq"), "\x00", m.Get("Via"))
	return hex.EncodeToString(sum[:8])
}

// back is where answers to m go (RFC 3261 section 18.2.2, RFC 3581 section 4):
// by UDP to the source's address, at the port of Via unless it has an rport.
// Never to an address that only a header names.
func back(f flow, m *wire.Message) flow {
	via := m.Request.Via()
	if f.reliable() || via == nil || via.Params.Has("rport") {
		return f
	}
	port := uint16(via.Port)
	if port == 0 {
		port = defaultPort
	}
	f.remote = netip.AddrPortFrom(f.remote.Addr(), port)
	return f
}

// retryAfter is a Retry-After header, at least a second.
func retryAfter(d time.Duration) wire.Field {
	s := max(1, int((d+time.Second-1)/time.Second))
	return wire.Field{Name: "Retry-After", Value: strconv.Itoa(s)}
}
