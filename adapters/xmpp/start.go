package xmpp

import (
	"errors"

	"gateway/bridge"
)

// StartMessage implements bridge.Starter, for texts. One that comes while the barrier's question
// is out goes with the next question: the server would not look at it before.
func (a *Adapter) StartMessage(m bridge.Message, done func(bridge.Outcome, error)) bool {
	s := a.current()
	if m.Kind != bridge.Text || s == nil {
		return false
	}
	from, to, err := a.parties(m)
	if err != nil {
		return false
	}
	id, data, err := a.outgoing(m, from, to)
	if err != nil || !s.expect(id) {
		return false
	}
	if !a.out.lay(packet{data, s}, queueHigh) {
		_ = s.settle(id) // it has not been sent
		return false
	}
	s.barrier.then(func(lost bool) {
		refused := s.settle(id)
		switch {
		case refused != nil:
			done(0, refused) // what came before the end counts
		case lost:
			done(0, errLost())
		default:
			done(a.arrived(m, from, to), nil)
		}
	})
	return true
}

// arrived notes that the server has handled a text, and gives what that is worth.
func (a *Adapter) arrived(m bridge.Message, from, to bridge.Name) bridge.Outcome {
	a.shown.put(false, pair(from, to)...) // what was written is there
	if m.Want.Displayed && m.Thread == "" {
		a.awaitDisplay(from, to, m.ID)
	}
	if !a.local[to.Main] {
		return bridge.Relayed
	}
	return bridge.Taken
}

func errLost() error {
	return &bridge.Error{Op: "send", Cause: bridge.Unavailable, Retry: true, Err: errors.New("the connection was lost")}
}
