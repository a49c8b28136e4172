package bulk

import (
	"io"
	"time"

	"gateway/adapters/mesh/wire"
)

const (
	maxCount    = 256 // blocks of one span that a GET of ours has
	maxQueued   = 2 * mostWindow
	burst       = 32                     // blocks to one peer, before others have their turn
	offerAgain  = 300 * time.Millisecond // while the receiver asks for nothing
	silentAfter = 30 * time.Second       // a receiver from whom nothing comes is gone
)

// An Object is something that can be sent.
type Object struct {
	Offer wire.Offer
	Data  io.ReaderAt
}

// A sending is an object on its way to one peer.
type sending struct {
	object   *Object
	to       wire.UUID
	transfer uint32
	spans    []wire.Span // asked for, and not sent
	queued   int         // blocks of them
	sent     blocks
	count    uint32 // of sent
	began    time.Time
	offered  time.Time
	heard    time.Time
	progress func(Progress)
	done     func(error)
}

// get notes what the receiver asks for; what is beyond reason is not looked at.
func (s *sending) get(m *wire.Bulk, now time.Time) {
	s.heard = now
	m.EachSpan(func(span wire.Span) {
		if span.Count == 0 || span.First >= s.object.Offer.Blocks() || s.queued+int(span.Count) > maxQueued {
			return
		}
		span.Count = uint16(min(uint32(span.Count), s.object.Offer.Blocks()-span.First))
		s.spans = append(s.spans, span)
		s.queued += int(span.Count)
	})
}

// next is the block to send; false: none is asked for.
func (s *sending) next() (uint32, bool) {
	if len(s.spans) == 0 {
		return 0, false
	}
	n := s.spans[0].First
	s.spans[0].First++
	s.queued--
	if s.spans[0].Count--; s.spans[0].Count == 0 {
		s.spans = s.spans[1:]
	}
	if !s.sent.has(n) {
		s.sent.add(n)
		s.count++
	}
	return n, true
}

// block reads a block, as values of which one packet is made.
func (s *sending) block(n uint32, buf []byte, values [][]byte) ([][]byte, error) {
	data := buf[:s.object.Offer.Length(n)]
	if _, err := s.object.Data.ReadAt(data, int64(n)*int64(s.object.Offer.Block)); err != nil && err != io.EOF {
		return values, err
	}
	for at := 0; at < len(data); at += wire.MaxBulkData {
		end := min(at+wire.MaxBulkData, len(data))
		values = append(values, wire.AppendData(nil, s.transfer, n, uint16(at), data[at:end]))
	}
	return values, nil
}

func (s *sending) report() {
	if s.progress != nil {
		o := &s.object.Offer
		s.progress(Progress{Bytes: min(uint64(s.count)*uint64(o.Block), o.Size), Size: o.Size})
	}
}
