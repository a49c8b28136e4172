package bulk

import (
	"slices"
	"time"

	"gateway/adapters/mesh/wire"
)

// begin offers an object to a peer.
func (m *Mover) begin(o *Object, to wire.UUID, now time.Time) *sending {
	s := &sending{object: o, to: to, transfer: newNumber(), sent: newBlocks(o.Offer.Blocks()), began: now, heard: now}
	m.sendings = append(m.sendings, s)
	m.offer(s, now)
	return s
}

func (m *Mover) offer(s *sending, now time.Time) {
	s.offered = now
	m.say(s.to, wire.AppendOffer(nil, s.transfer, s.object.Offer))
}

func (m *Mover) sendingTo(peer wire.UUID, transfer uint32) *sending {
	for _, s := range m.sendings {
		if s.to == peer && s.transfer == transfer {
			return s
		}
	}
	return nil
}

// wanted answers who asks for an object by its name. Only who it is being sent to may
// have it.
func (m *Mover) wanted(peer wire.UUID, v *wire.Bulk, now time.Time) {
	for _, s := range m.sendings {
		if s.to == peer && s.object.Offer.Name == string(v.Text) {
			m.offer(s, now)
			return
		}
	}
	m.say(peer, wire.AppendError(nil, v.Transfer, wire.BulkUnknown, "there is no such object"))
}

// serve sends what was asked for, some to each, so that what comes is not kept waiting.
func (m *Mover) serve(now time.Time) {
	more := false
	for _, s := range slices.Clone(m.sendings) {
		for range burst {
			n, ok := s.next()
			if !ok {
				break
			}
			values, err := s.block(n, m.block, nil)
			if err != nil {
				m.end(s, err)
				break
			}
			m.say(s.to, values...)
		}
		more = more || len(s.spans) > 0
		if now.Sub(s.heard) > silentAfter {
			m.end(s, ErrSilent)
		} else if len(s.spans) == 0 && now.Sub(s.heard) >= offerAgain && now.Sub(s.offered) >= offerAgain {
			m.offer(s, now)
		}
		s.report()
	}
	if more {
		m.mu.Lock()
		m.signal()
		m.mu.Unlock()
	}
}

// end ends a sending.
func (m *Mover) end(s *sending, err error) {
	m.abandon(s)
	s.finish(err)
}

func (m *Mover) abandon(s *sending) {
	m.sendings = slices.DeleteFunc(m.sendings, func(o *sending) bool { return o == s })
}

func (s *sending) finish(err error) {
	if err == nil && s.progress != nil {
		s.progress(Progress{Bytes: s.object.Offer.Size, Size: s.object.Offer.Size})
	}
	if s.done != nil {
		s.done(err)
		s.done = nil
	}
}
