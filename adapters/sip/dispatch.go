package sip

import (
	"errors"
	"strconv"
	"time"

	"gateway/adapters/sip/dialog"
	"gateway/adapters/sip/wire"
	"gateway/bridge"
)

// drainRetry is when those who are refused at the end may come again.
const drainRetry = 10 * time.Second

// request takes a request: repeats to their transaction, what belongs to a call
// to that, the rest through the gate to what it is for.
func (e *engine) request(f flow, m *wire.Message, known bool) {
	if e.isPeer(f) {
		e.peer.heard()
	}
	if m.Request.Method == methodAck {
		e.ack(f, m)
		return
	}
	key, err := txKey(f, m.Request, string(m.Request.Method))
	if err != nil {
		e.malformed(f, m, known, &wire.StatusError{Status: 400, Reason: "No transaction"})
		return
	}
	if tx := e.txs.get(key); tx != nil {
		tx.repeat()
		return
	}
	if m.Request.Method == methodCancel {
		if e.cancel(f, m, key) {
			return
		}
	} else if tagged(m) {
		if c := e.dialogs.Inside(m); c != nil {
			e.inside(f, m, key, c)
			return
		}
	}
	e.outside(f, m, key)
}

// outside takes a request that belongs to nothing yet.
func (e *engine) outside(f flow, m *wire.Message, key string) {
	from, ok := e.gate(f, m)
	if !ok {
		return
	}
	if e.draining.Load() {
		e.metrics.refused.WithLabelValues(refusedDraining).Inc()
		e.stateless(f, m, 503, phrases[503], retryAfter(drainRetry))
		return
	}
	tx := e.txs.begin(key, m, back(f, m), e.metrics)
	if tx == nil {
		e.crowded(f, m)
		return
	}
	x := &exchange{e: e, m: m, f: f, tx: tx, from: from}
	if x.acceptable() {
		x.dispatch()
	}
}

// crowded refuses a request for which there is no room.
func (e *engine) crowded(f flow, m *wire.Message) {
	e.metrics.refused.WithLabelValues(refusedRoom).Inc()
	e.stateless(f, m, 503, phrases[503], retryAfter(drainRetry))
}

// tagged says whether a request claims to be within a dialog.
func tagged(m *wire.Message) bool { return m.Request.To().Params.Has("tag") }

// acceptable checks what every method has in common (RFC 3261 section 8.2).
// If it is not, it has been refused.
func (x *exchange) acceptable() bool {
	req := x.m.Request
	switch scheme := req.Recipient.Scheme; {
	case scheme == "sip", scheme == "tel":
	case scheme == "sips" && isSecure(x.f.network()): // it has come all the way by TLS; here it has arrived
	default:
		x.refuse(416)
		return false
	}
	if !x.required() {
		return false
	}
	if tagged(x.m) && req.Method != "REGISTER" {
		x.respond(481)
		return false
	}
	return true
}

// required checks that we know what the request requires (RFC 3261 section
// 8.2.2.3): outside of calls that is nothing.
func (x *exchange) required() bool {
	method := x.m.Request.Method
	if method == methodCancel {
		return true
	}
	unknown := x.m.All("Require")
	if method == methodInvite || tagged(x.m) {
		unknown = dialog.Unsupported(x.m)
	}
	var fields []wire.Field
	for _, r := range unknown {
		fields = append(fields, wire.Field{Name: "Unsupported", Value: r})
	}
	if fields != nil {
		x.refuse(420, fields...)
		return false
	}
	return true
}

func (x *exchange) dispatch() {
	switch x.m.Request.Method {
	case methodInvite:
		x.invite()
	case "MESSAGE":
		x.message()
	case "OPTIONS":
		x.respond(200, append(accepts(), x.allow(), dialog.Supported())...)
	case "REGISTER":
		x.register()
	case "SUBSCRIBE", "PUBLISH":
		x.respond(489)
	case methodCancel, "BYE", "PRACK", "UPDATE", "INFO", "NOTIFY":
		x.respond(481) // of no call that is still there
	case "REFER":
		x.refuse(403) // nobody is called for it who is not in a call (RFC 3515 section 2.4.2)
	default:
		x.respond(405, x.allow())
	}
}

func (x *exchange) allow() wire.Field { return wire.Field{Name: "Allow", Value: x.e.set.allow()} }

// register takes a phone's REGISTER (RFC 3261 section 10.3).
func (x *exchange) register() {
	name := x.from.account
	if name == "" {
		x.respond(405, x.allow())
		return
	}
	if to, err := x.e.set.nameOf(&x.m.Request.To().Address); err != nil || to != name {
		x.e.metrics.refused.WithLabelValues(refusedSender).Inc()
		x.refuse(403)
		return
	}
	now := time.Now()
	switch err := x.e.registrar.register(name, x.m, x.f, now); {
	case err == nil:
	case errors.Is(err, errTooBrief):
		x.respond(423, wire.Field{Name: "Min-Expires", Value: strconv.Itoa(int(minExpires / time.Second))})
		return
	case errors.Is(err, errOutOfOrder):
		x.answer(500, "Out of order")
		return
	default:
		x.reject(400, "Malformed Contact")
		return
	}
	contacts := x.e.registrar.contacts(name, now)
	fields := []wire.Field{{Name: "Date", Value: wire.FormatDate(now)}}
	for _, c := range contacts {
		left := max(1, int(c.expires.Sub(now)/time.Second))
		fields = append(fields, wire.Field{Name: "Contact", Value: "<" + c.uri + ">;expires=" + strconv.Itoa(left)})
	}
	x.respond(200, fields...)
	if len(contacts) > 0 && len(x.m.Request.GetHeaders("Contact")) > 0 {
		x.e.h.Reachable(bridge.Address{Adapter: x.e.env.Name, Name: name})
	}
}
