package sip

import (
	"time"

	"gateway/adapters/sip/wire"
)

// A sender is whom a request is from, as far as that is proven.
type sender struct {
	account string // by digest; "" for the peer
}

// gate decides whether a request is taken at all, whatever its method is. If
// not, it has answered, always without a transaction.
func (e *engine) gate(f flow, m *wire.Message) (sender, bool) {
	peer := e.isPeer(f)
	accounts := len(e.set.passwords) > 0
	register := m.Request.Method == "REGISTER"
	if peer && (!accounts || !register && !e.claimsAccount(m) && m.Get("Authorization") == "") {
		return sender{}, true
	}
	if !accounts || m.Request.Method == "CANCEL" { // a CANCEL can't be asked for credentials (RFC 3261 section 22.1)
		return e.forbid(f, m, refusedStranger)
	}
	name, verdict := e.auth.check(m, f.remote.Addr(), time.Now())
	switch verdict {
	case proven:
		if user, err := e.set.nameOf(&m.Request.From().Address); err != nil || user != name {
			return e.forbid(f, m, refusedSender)
		}
		return sender{account: name}, true
	case noCredentials:
		switch {
		case peer && !register && !e.claimsAccount(m):
			return sender{}, true // credentials of another realm are none of ours
		case peer && !register && e.peer.is(f.remote):
			// The peer itself would not know what to do with a challenge.
			return e.forbid(f, m, refusedSender)
		}
		return e.challenge(f, m, refusedStranger, false)
	case staleNonce:
		return e.challenge(f, m, refusedStranger, true)
	case wrongSecret:
		e.badInput.Do(func() { e.log.Warn("wrong credentials", "peer", f.remote, "method", m.Request.Method) })
		return e.challenge(f, m, refusedSecret, false)
	case tooManyTries:
		return e.forbid(f, m, refusedTries)
	default:
		e.malformed(f, m, true, &wire.StatusError{Status: 400, Reason: "Malformed credentials"})
		return sender{}, false
	}
}

// claimsAccount says whether From names one of the accounts.
func (e *engine) claimsAccount(m *wire.Message) bool {
	name, err := e.set.nameOf(&m.Request.From().Address)
	_, is := e.set.passwords[name]
	return err == nil && is
}

// forbid refuses a request for good.
func (e *engine) forbid(f flow, m *wire.Message, why string) (sender, bool) {
	e.metrics.refused.WithLabelValues(why).Inc()
	e.complain(f, m, 403, why)
	e.stateless(f, m, 403, phrases[403])
	return sender{}, false
}

// challenge asks for credentials. That who says to be an account comes without
// them, or with a nonce that has ended, is how digest goes and no news; a wrong
// password has its line already.
func (e *engine) challenge(f flow, m *wire.Message, why string, stale bool) (sender, bool) {
	e.metrics.refused.WithLabelValues(why).Inc()
	name, err := e.set.nameOf(&m.Request.From().Address)
	if err != nil {
		name = "" // nobody's
	}
	if _, account := e.set.passwords[name]; !account && why == refusedStranger {
		e.complain(f, m, 401, why)
	}
	register := m.Request.Method == "REGISTER"
	var fields []wire.Field
	for _, c := range e.auth.challenges(name, register, f.remote.Addr(), stale, time.Now()) {
		fields = append(fields, wire.Field{Name: "WWW-Authenticate", Value: c})
	}
	e.stateless(f, m, 401, phrases[401], fields...)
	return sender{}, false
}
