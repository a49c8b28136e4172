package bulk

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"gateway/adapters/mesh/wire"
)

var (
	errNoFolder = errors.New("nothing is taken here")
	errTooLarge = errors.New("it is too large")
)

// offered takes an offer.
func (m *Mover) offered(in input, v *wire.Bulk, now time.Time) {
	if m.repeat(in.from, v.Transfer) {
		return
	}
	f := m.fetches[v.Offer.Sum]
	if f == nil {
		if f = m.fetch(in.from, v, now); f == nil {
			return
		}
	}
	if f.offer.Size != v.Offer.Size || f.offer.Block != v.Offer.Block {
		m.finish(in.from, v.Transfer, wire.BulkRefused, now) // one of the two lies
		return
	}
	f.add(in.from, v.Transfer, in.rtt, now)
	if f.closed && f.offer.Size > 0 { // the hash is being looked at: to ask says that we live
		m.say(in.from, wire.AppendGet(nil, v.Transfer, []wire.Span{{First: 0, Count: 1}}))
	}
}

// fetch begins to receive what a peer has offered, or refuses it.
func (m *Mover) fetch(from wire.UUID, v *wire.Bulk, now time.Time) *fetch {
	o := v.Offer
	var err error
	switch {
	case m.o.Folder == "":
		err = errNoFolder
	case o.Size > m.o.MaxFile:
		err = fmt.Errorf("%w: %d bytes of at most %d", errTooLarge, o.Size, m.o.MaxFile)
	case len(m.fetches) >= maxFetches || m.ownedBy(from) >= perPeer:
		err = errFull
	case !m.begun.AllowN(now, 1):
		return nil
	}
	if err != nil {
		m.refuse(News{Kind: Refused, From: from, Name: o.Name, Size: o.Size, Err: err})
		m.finish(from, v.Transfer, wire.BulkRefused, now)
		return nil
	}
	p := &partial{folder: m.o.Folder, offer: o, queue: make(chan written, diskQueue), log: m.o.Log, known: &m.known, quota: m.quota()}
	f := newFetch(o, p, now)
	f.owner = from
	p.tell = func(e diskEvent) { m.do(func(now time.Time) { m.disk(f, e, now) }) }
	m.fetches[o.Sum] = f
	m.order = append(m.order, f)
	m.running.Go(p.run)
	m.o.News(News{Kind: Offered, From: from, Name: o.Name, Size: o.Size})
	return f
}

// ownedBy is how many fetches a peer has begun.
func (m *Mover) ownedBy(peer wire.UUID) int {
	n := 0
	for _, f := range m.order {
		if f.owner == peer {
			n++
		}
	}
	return n
}

// quota is what the folder may hold besides what is under way.
func (m *Mover) quota() uint64 {
	left := m.o.MaxFolder
	for _, f := range m.order {
		left -= min(left, f.offer.Size)
	}
	return left
}

// refuse tells of what was refused, if that is not too often.
func (m *Mover) refuse(n News) { m.refusals.Do(func() { m.o.News(n) }) }

// disk takes what a partial tells.
func (m *Mover) disk(f *fetch, e diskEvent, now time.Time) {
	if e.ready {
		f.start(e.have)
	}
	if !e.ended {
		return
	}
	delete(m.fetches, f.sum)
	m.order = slices.DeleteFunc(m.order, func(o *fetch) bool { return o == f })
	f.close()
	news := News{Kind: Received, Name: f.offer.Name, Size: f.offer.Size, Path: e.path, Err: e.err}
	code := uint8(wire.BulkReceived)
	switch {
	case errors.Is(e.err, errNoRoom):
		news.Kind, code = Refused, wire.BulkRefused
	case errors.Is(e.err, errHash):
		news.Kind, code = Failed, wire.BulkBadHash
	case e.err != nil:
		news.Kind, code = Failed, wire.BulkGivenUp
	}
	for i, s := range f.sources {
		if i == 0 {
			news.From = s.peer
		}
		m.finish(s.peer, s.transfer, code, now)
	}
	m.o.News(news)
}

// finish ends a transfer towards its sender, and remembers that.
func (m *Mover) finish(peer wire.UUID, transfer uint32, code uint8, now time.Time) {
	if len(m.finished) >= maxFinished {
		m.finished = slices.Delete(m.finished, 0, maxFinished/4)
	}
	m.finished = append(m.finished, finished{peer, transfer, code, now})
	m.say(peer, wire.AppendDone(nil, transfer, code))
}

// repeat says DONE again to who has not heard it; false, if the transfer is not
// over.
func (m *Mover) repeat(peer wire.UUID, transfer uint32) bool {
	for _, f := range m.finished {
		if f.peer == peer && f.transfer == transfer {
			m.say(peer, wire.AppendDone(nil, transfer, f.status))
			return true
		}
	}
	return false
}

func (m *Mover) data(from wire.UUID, v *wire.Bulk, now time.Time) {
	for _, f := range m.order {
		if s := f.source(from, v.Transfer); s != nil {
			f.data(s, v, now)
			return
		}
	}
	if v.Offset == 0 { // once for a block
		m.repeat(from, v.Transfer)
	}
}

// ask asks all sources for what there is room for.
func (m *Mover) ask(now time.Time, ticked bool) {
	for _, f := range m.order {
		for _, s := range f.sources {
			if values := f.ask(s, now, ticked, nil); len(values) > 0 {
				m.say(s.peer, values...)
			}
		}
	}
}

// tick does what time brings to what is being received. What nobody sends any more
// is noted, and goes on when it is offered again.
func (m *Mover) tick(now time.Time) {
	for _, f := range slices.Clone(m.order) {
		for _, s := range f.tick(now) {
			m.o.Log.Info("a sender is given up", "object", f.offer.Name, "peer", s.peer)
			m.finish(s.peer, s.transfer, wire.BulkGivenUp, now)
		}
		if f.ready && len(f.sources) == 0 {
			f.close()
		}
	}
}
