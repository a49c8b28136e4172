package relay

import (
	"math"
	"slices"
	"sync"

	"gateway/bridge/media"
	"gateway/codec"
)

// maxPayloads bounds the payloads of one direction: more than any phone has.
const maxPayloads = 32

// maxRate bounds the clock of a format, in Hz, far above those of RFC 3551.
const maxRate = 1 << 20

// formats gives every format that is in use a number, so that a thousand
// streams of the same ones keep them once.
type formats struct {
	mu   sync.Mutex // guards what follows
	ids  map[codec.Format]uint16
	all  []format
	free []uint16
}

type format struct {
	codec.Format
	uses int
}

// A payload is a media.Payload in four bytes.
type payload struct {
	format uint16
	kind   uint8 // payload type, 0 to 127
}

// hold numbers the formats of list, the first maxPayloads of them. Numbers
// that no packet can have are left out.
func (f *formats) hold(list []media.Payload) []payload {
	if len(list) == 0 {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	held := make([]payload, 0, min(len(list), maxPayloads))
	for _, p := range list {
		if len(held) == maxPayloads {
			break
		}
		if p.Type > 127 {
			continue
		}
		if id, ok := f.id(p.Format); ok {
			held = append(held, payload{id, p.Type})
		}
	}
	return held
}

// id counts one more use of c; false where there is no number left for it. f.mu
// is held.
func (f *formats) id(c codec.Format) (uint16, bool) {
	id, known := f.ids[c]
	if !known {
		switch n := len(f.free); {
		case n > 0:
			id, f.free = f.free[n-1], f.free[:n-1]
		case len(f.all) <= math.MaxUint16:
			id = uint16(len(f.all))
			f.all = append(f.all, format{})
		default:
			return 0, false
		}
		f.all[id] = format{Format: c}
		if f.ids == nil {
			f.ids = map[codec.Format]uint16{}
		}
		f.ids[c] = id
	}
	f.all[id].uses++
	return id, true
}

// release gives back what hold gave.
func (f *formats) release(lists ...[]payload) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, list := range lists {
		for _, p := range list {
			u := &f.all[p.format]
			if u.uses--; u.uses == 0 {
				delete(f.ids, u.Format)
				*u = format{}
				f.free = append(f.free, p.format)
			}
		}
	}
}

// sight reports whether list has pictures.
func (f *formats) sight(list []payload) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.ContainsFunc(list, func(p payload) bool { return f.all[p.format].Kind == codec.Video })
}

// payloads are those of list.
func (f *formats) payloads(list []payload) []media.Payload {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]media.Payload, len(list))
	for i, p := range list {
		out[i] = media.Payload{Format: f.all[p.format].Format, Type: p.kind}
	}
	return out
}

// A route says what becomes of the packets of one payload type.
type route struct {
	in     uint8
	agreed bool  // false in the zero route only
	out    uint8 // the number on the other side; noType: it has none there
	events bool  // telephone events
	other  uint32
	rate   uint32 // of the RTP clock, in Hz; other: that on the other side, of events
}

const noType = 0xff

// routes matches what one peer may send with what the other takes. Sound that both
// have goes to the same format; telephone events go to events of whatever clock. Table is empty,
// and may have room.
func (f *formats) routes(table []route, in, out []payload) []route {
	if len(in) == 0 {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	table = slices.Grow(table, len(in))
	for _, p := range in {
		from := &f.all[p.format]
		r := route{in: p.kind, agreed: true, out: noType, events: from.IsEvents(), rate: clock(from.Rate)}
		for _, q := range out {
			if q.format == p.format || from.Same(f.all[q.format].Format) {
				r.out, r.other = q.kind, clock(f.all[q.format].Rate)
				break
			}
		}
		table = append(table, r)
	}
	for i := range table {
		if r := &table[i]; r.events && r.out == noType {
			r.out, r.other = f.events(out, r.rate)
		}
	}
	return table
}

// shared reports whether every sound of in is one of out too.
func (f *formats) shared(in, out []payload) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range in {
		from := &f.all[p.format]
		if from.Kind != codec.Audio || from.IsEvents() || from.IsNoise() {
			continue
		}
		if !slices.ContainsFunc(out, func(q payload) bool { return from.Same(f.all[q.format].Format) }) {
			return false
		}
	}
	return true
}

// events finds the number of telephone events in list, of the clock rate if
// there are such, and their clock; noType if there are none. f.mu is held.
func (f *formats) events(list []payload, rate uint32) (kind uint8, other uint32) {
	kind = noType
	for _, p := range list {
		c := &f.all[p.format]
		if !c.IsEvents() {
			continue
		}
		if clock(c.Rate) == rate {
			return p.kind, rate
		}
		if kind == noType {
			kind, other = p.kind, clock(c.Rate)
		}
	}
	return kind, other
}

// takesEvents is the number of telephone events in list that fits sound of the clock
// rate best, and their clock; noType if there are none.
func (f *formats) takesEvents(list []payload, rate uint32) (kind uint8, other uint32) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.events(list, rate)
}

// clock is rate if it is one that can be counted with, else 0.
func clock(rate int) uint32 {
	if rate <= 0 || rate > maxRate {
		return 0
	}
	return uint32(rate)
}
