package sip

import (
	"errors"
	"strconv"
	"time"

	"gateway/adapters/sip/wire"
	"gateway/bridge"
)

// drainRetry is when those who are refused at the end may come again.
const drainRetry = 10 * time.Second

// request takes a request: repeats to their transaction, the rest through the
// gate to what it is for.
func (e *engine) request(f flow, m *wire.Message, known bool) {
	if e.peer != nil && e.isPeer(f.remote.Addr()) {
		e.peer.heard()
	}
	key, err := txKey(f, m.Request)
	if err != nil {
		e.malformed(f, m, known, &wire.StatusError{Status: 400, Reason: "No transaction"})
		return
	}
	if tx := e.txs.get(key); tx != nil {
		_ = tx.Receive(m.Request) // its only error is a method that the key rules out
		return
	}
	if m.Request.Method == "ACK" {
		return // for an answer that nobody waits for any more
	}
	from, ok := e.gate(f, m)
	if !ok {
		return
	}
	if e.draining.Load() {
		e.metrics.refused.WithLabelValues(refusedDraining).Inc()
		e.stateless(f, m, 503, phrases[503], retryAfter(drainRetry))
		return
	}
	tx := e.txs.begin(key, m, back(f, m))
	if tx == nil {
		e.metrics.refused.WithLabelValues(refusedRoom).Inc()
		e.stateless(f, m, 503, phrases[503], retryAfter(drainRetry))
		return
	}
	x := &exchange{e: e, m: m, f: f, tx: tx, from: from}
	if x.acceptable() {
		x.dispatch()
	}
}

// acceptable checks what every method has in common (RFC 3261 section 8.2).
// If it is not, it has been refused.
func (x *exchange) acceptable() bool {
	req := x.m.Request
	switch req.Recipient.Scheme {
	case "sip", "tel":
	default: // sips: RFC 7247 section 8
		x.refuse(416)
		return false
	}
	if required := x.m.All("Require"); len(required) > 0 && req.Method != "CANCEL" {
		var fields []wire.Field
		for _, r := range required {
			fields = append(fields, wire.Field{Name: "Unsupported", Value: r})
		}
		x.refuse(420, fields...)
		return false
	}
	if req.To().Params.Has("tag") && req.Method != "REGISTER" {
		x.respond(481) // we have no dialogs
		return false
	}
	return true
}

func (x *exchange) dispatch() {
	switch x.m.Request.Method {
	case "MESSAGE":
		x.message()
	case "OPTIONS":
		x.respond(200, append(accepts(), x.allow())...)
	case "REGISTER":
		x.register()
	case "SUBSCRIBE", "PUBLISH":
		x.respond(489)
	case "CANCEL", "BYE", "NOTIFY":
		x.respond(481) // every INVITE and SUBSCRIBE has been refused
	default:
		x.respond(405, x.allow())
	}
}

func (x *exchange) allow() wire.Field {
	allow := "OPTIONS, MESSAGE"
	if len(x.e.set.passwords) > 0 {
		allow += ", REGISTER"
	}
	return wire.Field{Name: "Allow", Value: allow}
}

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
