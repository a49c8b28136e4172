package sip

import (
	"bytes"
	"errors"
	"runtime/debug"
	"time"

	"gateway/adapters/sip/wire"

	gosip "github.com/emiago/sipgo/sip"
)

// isPeer says whether requests that come by f are the peer's: from its address,
// and by TLS where that is how it is met, for else anybody on the way could speak for
// it. A WebSocket is never the peer's: any page that is looked at on a machine of the
// peer's networks can open one, and all who come through a proxy have that one's address.
func (e *engine) isPeer(f flow) bool {
	network := f.network()
	return e.peer != nil && !isWeb(network) && (!isSecure(e.set.network) || isSecure(network)) && e.peer.has(f.remote.Addr())
}

// isKnown says whether f leads to the peer, to an account, or into a call.
func (e *engine) isKnown(f flow) bool {
	return e.isPeer(f) || e.registrar.knows(f) || e.dialogs.Knows(f.remote)
}

// receive takes one message, in the goroutine of its socket. false: the
// connection is worth nothing any more.
func (e *engine) receive(f flow, data []byte) (ok bool) {
	defer func() {
		// A fault of ours that a message has found ends with that message.
		if p := recover(); p != nil {
			e.metrics.refused.WithLabelValues(refusedPanic).Inc()
			e.badInput.Do(func() {
				e.log.Error("panic while taking a message", "peer", f.remote, "err", p, "stack", string(debug.Stack()))
			})
			ok = false
		}
	}()
	known := e.isKnown(f)
	if !known && !e.admits(f, data, time.Now()) {
		e.metrics.refused.WithLabelValues(refusedFlood).Inc()
		return false
	}
	m, err := wire.Parse(data)
	switch {
	case err != nil:
		e.malformed(f, m, known, err)
	case m.Response != nil:
		if !e.deliver(m) {
			e.metrics.refused.WithLabelValues(refusedUnasked).Inc()
			return true
		}
		e.metrics.response(directionIn, string(m.Response.CSeq().MethodName), m.Response.StatusCode)
	default:
		e.request(f, m, known)
	}
	return true
}

// deliver hands a response to the transaction it is for; the likeliest are asked first. False:
// there is none.
func (e *engine) deliver(m *wire.Message) bool {
	if m.Response.CSeq().MethodName == gosip.MESSAGE {
		return e.posted.deliver(m) || e.clients.deliver(m) || e.dialogs.Response(m)
	}
	return e.dialogs.Response(m) || e.clients.deliver(m) || e.posted.deliver(m)
}

// broken takes what a connection ended with that is no SIP message.
func (e *engine) broken(f flow, rest []byte, err error) {
	known := e.isKnown(f)
	var m *wire.Message
	if head, _, ok := bytes.Cut(rest, []byte("\r\n\r\n")); ok && known && len(head) < wire.MaxMessage/2 {
		// Only to answer it: what was wrong is known already.
		m, _ = wire.Parse(append(bytes.Clone(head), "\r\n\r\n"...))
	}
	e.malformed(f, m, known, err)
}

// malformed counts and logs bad input, and answers it where that helps
// somebody: those we know.
func (e *engine) malformed(f flow, m *wire.Message, known bool, err error) {
	e.metrics.refused.WithLabelValues(refusedMalformed).Inc()
	e.badInput.Do(func() { e.log.Warn("bad input", "peer", f.remote, "transport", f.network(), "err", err) })
	var wrong *wire.StatusError
	if !known || m == nil || m.Request == nil || m.Get("Via") == "" || !errors.As(err, &wrong) || m.Request.Method == "ACK" {
		return
	}
	e.stateless(f, m, wrong.Status, wrong.Reason)
}
