package sip

import (
	"gateway/adapters/sip/wire"
	"gateway/bridge"
)

// startMessage sends a text on its way to a peer that is at one address, where nothing but
// the peer's answer has to be waited for. It reports false where more may have to be done.
func (e *engine) startMessage(m bridge.Message, done func(bridge.Outcome, error)) bool {
	best, _ := bestForm(&m)
	if m.Kind != bridge.Text || m.Hops < 1 || best != plainForm || e.peer == nil || e.set.network != "udp" {
		return false
	}
	from, err1 := e.set.naming.Parse(m.From.Name)
	to, err2 := e.set.naming.Parse(m.To.Name)
	addrs := e.peer.addresses()
	if err1 != nil || err2 != nil || len(addrs) != 1 || e.lineNamed(e.set.naming.Text(from)) != nil {
		return false
	}
	if _, account := e.set.passwords[e.set.naming.Text(to)]; account {
		return false
	}
	f, err := e.udpWay(addrs[0])
	if err != nil {
		return false
	}
	s := &sending{e: e, m: &m, from: from, to: to, form: best}
	o, err := s.request(f, best, e.set.uri(to, e.set.peer.hostport()), e.set.uri(to, e.set.peer.host), e.set.route)
	if err != nil {
		return false
	}
	build, err := e.writer(f, o)
	if err != nil {
		return false
	}
	branch := newBranch()
	data := build(branch)
	if len(data) > maxUDP {
		return false
	}
	e.notices.over(s.pair())
	return e.posted.start(f, branch, o.method, data, func(res *wire.Message, err error) {
		if err != nil {
			e.peer.suspect()
			done(0, unanswered(err))
			return
		}
		e.peer.heard()
		done(s.outcome(res, false))
	}) == nil
}
