package bulk

import (
	"slices"
	"time"

	"gateway/adapters/mesh/wire"
)

const (
	maxSources  = 8 // of one object
	maxExpiries = 8 // of a source's timer in a row, before it is given up
	sourceDies  = 30 * time.Second
)

// A fetch is an object that is being received.
type fetch struct {
	offer   wire.Offer
	sum     [32]byte
	owner   wire.UUID // who offered it first
	partial *partial
	began   time.Time

	ready   bool
	closed  bool // the partial takes no more
	have    blocks
	left    uint32
	scan    uint32   // blocks before it have been asked for at least once
	again   []uint32 // that were asked for, and did not come
	asked   map[uint32]*request
	pieces  map[uint32][]byte // blocks that have come in part
	sources []*source
}

// A source is a peer who has offered an object.
type source struct {
	peer     wire.UUID
	transfer uint32
	flow     *flow
	queue    []*request // in the order of asking; those that are over stay a while
	latest   time.Time  // when what came last of all was asked for
	heard    time.Time
}

// A request is a block that a source was asked for.
type request struct {
	block uint32
	by    *source
	mark  mark
	first bool // it had not been asked for before
	over  bool
}

func newFetch(o wire.Offer, p *partial, now time.Time) *fetch {
	return &fetch{offer: o, sum: o.Sum, partial: p, began: now, asked: map[uint32]*request{}, pieces: map[uint32][]byte{}}
}

// start notes what was there before.
func (f *fetch) start(have blocks) {
	f.ready, f.have = true, have
	f.left = f.offer.Blocks() - have.count()
	if f.left == 0 {
		f.close()
	}
}

func (f *fetch) source(peer wire.UUID, transfer uint32) *source {
	for _, s := range f.sources {
		if s.peer == peer && s.transfer == transfer {
			return s
		}
	}
	return nil
}

// add takes a peer's offer. Whoever offers the same again under another number
// has begun anew.
func (f *fetch) add(peer wire.UUID, transfer uint32, rtt time.Duration, now time.Time) {
	if s := f.source(peer, transfer); s != nil {
		s.heard = now
		return
	}
	for _, s := range slices.Clone(f.sources) {
		if s.peer == peer {
			f.drop(s)
		}
	}
	if len(f.sources) < maxSources {
		f.sources = append(f.sources, &source{peer: peer, transfer: transfer, flow: newFlow(rtt, now), heard: now})
	}
}

// drop asks a source for nothing more.
func (f *fetch) drop(s *source) {
	f.sources = slices.DeleteFunc(f.sources, func(o *source) bool { return o == s })
	for _, r := range s.queue {
		f.lose(r)
	}
}

// lose has a block asked for again.
func (f *fetch) lose(r *request) {
	if r.over {
		return
	}
	r.over = true
	r.by.flow.gone()
	if f.asked[r.block] == r {
		delete(f.asked, r.block)
		delete(f.pieces, r.block)
		f.again = append(f.again, r.block)
	}
}

// data takes part of a block. A block's parts come in order, since they are in one
// packet; one that does not is as good as lost.
func (f *fetch) data(s *source, m *wire.Bulk, now time.Time) {
	s.heard = now
	if f.closed || !f.ready || m.Block >= f.offer.Blocks() || f.have.has(m.Block) {
		return
	}
	length := f.offer.Length(m.Block)
	piece, begun := f.pieces[m.Block]
	if m.Offset == 0 {
		if !begun && len(f.pieces) >= 2*mostWindow {
			return // nobody asked for so many
		}
		piece = make([]byte, 0, length)
	}
	if int(m.Offset) != len(piece) || len(piece)+len(m.Data) > length {
		return
	}
	piece = append(piece, m.Data...)
	if len(piece) < length {
		f.pieces[m.Block] = piece
		return
	}
	delete(f.pieces, m.Block)
	r := f.asked[m.Block]
	select {
	case f.partial.queue <- written{m.Block, piece}:
		f.have.add(m.Block)
		f.left--
	default: // the disk is slower than the network
		if r != nil {
			f.lose(r)
		}
		return
	}
	if r != nil {
		f.arrive(r, r.first && r.by == s, now)
	}
	if f.left == 0 {
		f.close()
	}
}

// arrive notes that a block came; first: its time there and back is known.
func (f *fetch) arrive(r *request, first bool, now time.Time) {
	r.over = true
	delete(f.asked, r.block)
	r.by.flow.got(r.mark, first, now)
	if r.mark.at.After(r.by.latest) {
		r.by.latest = r.mark.at
	}
	f.sift(r.by, now)
}

// sift finds what a source's answers have overtaken.
func (f *fetch) sift(s *source, now time.Time) {
	done := 0
	for _, r := range s.queue {
		if !r.over && (!r.mark.at.Before(s.latest) || now.Sub(r.mark.at) <= s.flow.overtaken()) {
			break
		}
		f.lose(r)
		done++
	}
	if s.queue = s.queue[done:]; len(s.queue) == 0 {
		s.queue = nil
	}
}

// tick does what time brings. It gives the sources that are given up.
func (f *fetch) tick(now time.Time) (dead []*source) {
	for _, s := range slices.Clone(f.sources) {
		f.sift(s, now)
		if len(s.queue) > 0 && s.flow.overdue(s.queue[0].mark.at, now) {
			for _, r := range s.queue {
				f.lose(r)
			}
			s.queue = nil
			s.flow.expired()
		}
		if s.flow.expiries > maxExpiries || f.ready && !f.closed && now.Sub(s.heard) > sourceDies {
			f.drop(s)
			dead = append(dead, s)
		}
	}
	return dead
}

// ask asks a source for as much as it may be asked for, in as few values as can be.
func (f *fetch) ask(s *source, now time.Time, eager bool, values [][]byte) [][]byte {
	if !f.ready || f.closed {
		return values
	}
	room := s.flow.room(now)
	if s.flow.expiries > 1 {
		room = min(room, 1) // it may be gone: others shall not wait for what it has been asked for
	}
	if !eager && room < int(s.flow.window)/32 && s.flow.inflight > 0 {
		return values // later, more at once
	}
	var spans []wire.Span
	for ; room > 0; room-- {
		n, first, ok := f.next()
		if !ok && s.flow.expiries == 0 && f.rescue(s) {
			n, first, ok = f.next()
		}
		if !ok {
			break
		}
		r := &request{block: n, by: s, mark: s.flow.ask(now), first: first}
		f.asked[n] = r
		s.queue = append(s.queue, r)
		if last := len(spans) - 1; last >= 0 && spans[last].First+uint32(spans[last].Count) == n && spans[last].Count < maxCount {
			spans[last].Count++
			continue
		}
		if len(spans) == wire.MaxSpans {
			values = append(values, wire.AppendGet(nil, s.transfer, spans))
			spans = spans[:0]
		}
		spans = append(spans, wire.Span{First: n, Count: 1})
	}
	if len(spans) > 0 {
		values = append(values, wire.AppendGet(nil, s.transfer, spans))
	}
	return values
}

// rescue takes back what sources were asked for that may be gone, since s has
// nothing else to bring: the end of an object would wait for them.
func (f *fetch) rescue(s *source) bool {
	for _, other := range f.sources {
		if other == s || other.flow.expiries == 0 {
			continue
		}
		for _, r := range other.queue {
			f.lose(r)
		}
	}
	return len(f.again) > 0
}

// next is a block that is missing and not asked for.
func (f *fetch) next() (block uint32, first, ok bool) {
	for len(f.again) > 0 {
		n := f.again[len(f.again)-1]
		f.again = f.again[:len(f.again)-1]
		if !f.have.has(n) && f.asked[n] == nil {
			return n, false, true
		}
	}
	for ; f.scan < f.offer.Blocks(); f.scan++ {
		if n := f.scan; !f.have.has(n) && f.asked[n] == nil {
			f.scan++
			return n, true, true
		}
	}
	return 0, false, false
}

// close lets the partial finish.
func (f *fetch) close() {
	if !f.closed {
		f.closed = true
		close(f.partial.queue)
	}
}

// got is how many bytes are there.
func (f *fetch) got() uint64 {
	if !f.ready {
		return 0
	}
	return min(uint64(f.offer.Blocks()-f.left)*uint64(f.offer.Block), f.offer.Size)
}
