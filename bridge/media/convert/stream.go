package convert

import (
	"fmt"
	"time"

	"gateway/bridge/media"
)

// A Config says what a Stream carries.
type Config struct {
	Ways []Way
	// Frames: it comes as frames, by Stream.Frame; else as packets.
	Frames bool
	// Whole: what goes out are frames, of any length, at once; else packets.
	Whole bool
	// Ptime is how much sound a packet has; 0: media.DefaultPtime.
	Ptime time.Duration
}

// Counts are what a Stream has counted so far.
type Counts struct {
	Out       uint64 // that went out
	Concealed uint64 // packets that were lost
	Late      uint64 // packets that came too late
	Malformed uint64
	Skipped   uint64 // that had to be left out, because more came than time passed
}

// A Stream carries sound one way. It belongs to one goroutine. The times that it is told
// are of one clock that never goes back, and are never 0.
type Stream struct {
	c        Config
	emit     func(Out)
	order    order
	anchor   anchor
	pacer    *pacer            // nil: what is done goes out at once
	carriers map[uint8]carrier // by the payload type that comes
	made     map[uint8]carrier // by the payload type that goes out, and its mode
	last     carrier
	now      time.Duration
	expect   int64 // the stamp that the next packet ought to have
	blind    bool  // nobody knows how long the last was: its stamps tell
	budget   budget
	counts   Counts
	fault    error
}

// maxConceal is how much that was lost in a row is concealed; what is beyond is left out.
const maxConceal = 120 * time.Millisecond

// maxGap is how much may be left out for the stamps to be believed.
const maxGap = 10 * time.Second

// New makes a stream that calls emit with what is to go out.
func New(c Config, emit func(Out)) *Stream {
	if c.Ptime <= 0 {
		c.Ptime = media.DefaultPtime
	}
	c.Ptime = min(max(c.Ptime, leastPtime), mostPtime)
	s := &Stream{c: c, emit: emit, carriers: map[uint8]carrier{}, made: map[uint8]carrier{}}
	s.order.paced = c.Whole
	if c.Frames && !c.Whole {
		s.pacer = &pacer{gap: c.Ptime, emit: s.give}
	}
	return s
}

const (
	leastPtime = 10 * time.Millisecond
	mostPtime  = 120 * time.Millisecond
)

// Counts are what was counted so far.
func (s *Stream) Counts() Counts {
	n := s.counts
	if s.pacer != nil {
		n.Skipped += s.pacer.dropped
	}
	return n
}

// Err is why something can't be carried, if it can't.
func (s *Stream) Err() error { return s.fault }

func (s *Stream) give(o Out) {
	s.counts.Out++
	s.emit(o)
}

// done takes what a carrier has ready.
func (s *Stream) done(o Out) {
	if s.pacer == nil {
		s.give(o)
		return
	}
	s.pacer.put(o, s.now)
}

// Packet takes a packet that has come.
func (s *Stream) Packet(p Packet, now time.Duration) {
	s.now = now
	if w := s.way(p.Type); w != nil && s.order.rate != w.In.Format.Rate {
		s.order.rate, s.order.playout.started = w.In.Format.Rate, false
	}
	if s.order.rate <= 0 {
		return
	}
	if p.Data != nil && len(p.Data) == 0 {
		s.counts.Malformed++
		p.Data = nil // there was a packet
	}
	fresh, late := s.order.put(p, now)
	if late {
		s.counts.Late++
	}
	if fresh {
		s.anchor = anchor{}
	}
}

// Frame takes a frame that was fed.
func (s *Stream) Frame(f media.Frame, now time.Duration) {
	s.now = now
	w := s.way(f.Type)
	if w == nil {
		return
	}
	if len(f.Data) == 0 {
		s.counts.Malformed++
		return
	}
	if s.budget.spent(now) {
		s.counts.Skipped++
		return
	}
	c := s.carrier(*w)
	if c == nil {
		return
	}
	gap, fresh := s.anchor.check(f.Time, w.In.Format.Rate, now)
	if s.pacer != nil {
		s.pacer.burst, s.pacer.waited = true, f.Waited
		if fresh && gap > 0 {
			s.pacer.playout.started = false
		}
	}
	switch {
	case gap > 0 && s.blind && !fresh:
		s.conceal(c, gap, w.In.Format.Rate, nil)
	case gap > 0:
		c.rest(gap)
	}
	s.anchor.took(s.carry(c, w, f.Data))
	s.anchor.blind = s.blind
}

// Tick does what is due and returns when something is due next; 0: nothing waits.
func (s *Stream) Tick(now time.Duration) time.Duration {
	s.now = now
	if s.pacer != nil {
		return s.pacer.tick(now)
	}
	for {
		p, lost, wait := s.order.pop(now)
		if p == nil {
			return wait
		}
		s.play(p, lost)
	}
}

// play carries a packet, and stands in for those that were lost before it.
func (s *Stream) play(p *slot, lost int64) {
	w := s.way(p.kind)
	if !p.sound || w == nil {
		return // what it has of time is seen by the next
	}
	if s.budget.spent(s.now) {
		s.counts.Skipped++
		return
	}
	c := s.carrier(*w)
	if c == nil {
		return
	}
	if s.anchor.started {
		s.bridge(c, p, lost)
	}
	s.anchor.started = true
	ticks := s.carry(c, w, p.data)
	if ticks > 0 {
		s.order.length = ticks
	}
	s.expect = p.stamp + ticks
	s.anchor.came = s.now
}

// carry has c carry a payload and returns how long that was.
func (s *Stream) carry(c carrier, w *Way, data []byte) int64 {
	ticks, err := c.carry(w.In.Type, data)
	s.budget.take(max(least, ticksTime(ticks, w.In.Format.Rate)), s.now)
	if err != nil {
		s.counts.Malformed++
	}
	s.blind = ticks == 0 && err == nil
	return ticks
}

// conceal stands in for so much that is missing, in units of a clock of that rate, as far as
// that is of use. Next is the packet that comes right behind; nil: none that could help.
func (s *Stream) conceal(c carrier, ticks int64, rate int, next *slot) {
	n := ticks
	if c.costly() {
		n = min(ticks, toTicks(maxConceal, rate))
		s.budget.take(ticksTime(n, rate), s.now)
	}
	if next != nil && n == ticks {
		c.conceal(n, next.kind, next.data)
	} else {
		c.conceal(n, 0, nil)
	}
	if n < ticks {
		c.rest(ticks - n)
	}
}

// bridge fills what is between the sound that was carried last and p.
func (s *Stream) bridge(c carrier, p *slot, lost int64) {
	gap := p.stamp - s.expect
	rate := s.order.rate
	switch most := toTicks(maxConceal, rate); {
	case gap < 0, gap > toTicks(maxGap, rate):
		if silent := s.now - s.anchor.came; gap != 0 && silent > hole {
			c.rest(toTicks(silent, rate))
		}
	case gap == 0:
	case s.blind && lost == 0:
		s.conceal(c, gap, rate, nil)
	case lost > 0 && gap <= most:
		s.counts.Concealed += uint64(lost)
		s.conceal(c, gap, rate, p)
	case lost > 0 && !p.marker:
		s.counts.Concealed += uint64(lost)
		s.conceal(c, most, rate, nil)
		c.rest(gap - most)
	default:
		c.rest(gap)
	}
}

// way is what becomes of a payload type; nil: nothing.
func (s *Stream) way(kind uint8) *Way {
	for i := range s.c.Ways {
		if w := &s.c.Ways[i]; w.In.Type == kind && w.Mode > media.CrossUntouched {
			return w
		}
	}
	return nil
}

// carrier is what carries sound of a payload type; it goes on where the one before
// ended.
func (s *Stream) carrier(w Way) carrier {
	c, known := s.carriers[w.In.Type]
	if !known {
		c = s.make(w)
		s.carriers[w.In.Type] = c
	}
	if c == nil || c == s.last {
		return c
	}
	if s.last != nil {
		from, to := s.clockOf(s.last), int64(w.Out.Format.Rate)
		c.begin(s.last.end() * to / from)
	}
	s.last = c
	return c
}

// clockOf is the rate of the clock in which c counts.
func (s *Stream) clockOf(c carrier) int64 {
	switch c := c.(type) {
	case *voice:
		return int64(c.out.Format.Rate)
	case *cutter:
		return int64(c.out.Format.Rate)
	}
	return 1
}

// make makes the carrier of a way, or finds one that does the same. One that can't be made is
// nil, and s has a fault.
func (s *Stream) make(w Way) carrier {
	key := w.Out.Type
	if w.Mode == media.CrossTranscoded {
		key |= 1 << 7
	}
	if c := s.made[key]; c != nil {
		return c
	}
	var c carrier
	if w.Mode == media.CrossTranscoded {
		v, err := newVoice(s.c.Ways, w.Out, s.c.Ptime, s.done)
		if err != nil {
			s.fault = fmt.Errorf("carry %v: %w", w.In.Format, err)
			return nil
		}
		c = v
	} else {
		c = newCutter(w.Out, s.c.Ptime, s.c.Whole, s.done)
	}
	s.made[key] = c
	return c
}
