package convert

import "time"

// A Packet is an RTP packet as a Stream takes it.
type Packet struct {
	Type      uint8
	Marker    bool
	Sequence  uint16
	Timestamp uint32
	SSRC      uint32
	// Waited is how long it had been here, unread, before it was taken: that we were late is no jitter
	// of its way. 0: nobody knows.
	Waited time.Duration
	// Data is the payload. nil: it is known that there was a packet, and it holds no
	// sound: a key press.
	Data []byte
}

const (
	window = 64 // packets that are kept in order
	far    = 1000
	// patience is how long one that is missing is waited for where nothing else
	// is: after that, or when as many have come that it ought to have overtaken,
	// it is lost.
	patience = 20 * time.Millisecond
	overtook = 2
)

// order puts packets in their order and finds out which are lost. It holds them until
// they are due, or, without a playout, only while one before them is missing.
type order struct {
	paced   bool
	started bool
	ssrc    uint32
	next    int64 // the extended sequence number that is due
	newest  int64
	stamp   int64 // the extended timestamp of newest
	held    int
	slots   [window]slot
	since   time.Duration // when the first came that one was missing before
	playout playout
	rate    int   // of the clock
	length  int64 // of a packet, in its units; 0: not known
}

type slot struct {
	full     bool
	kind     uint8
	marker   bool
	sound    bool
	sequence int64
	stamp    int64
	came     time.Duration
	data     []byte
}

// put takes a packet. fresh: the stream begins, maybe anew. late: it is of no use any more.
func (o *order) put(p Packet, now time.Duration) (fresh, late bool) {
	ahead := int64(0)
	if o.started {
		ahead = int64(int16(p.Sequence - uint16(o.newest)))
	}
	if !o.started || p.SSRC != o.ssrc || ahead > far || ahead < -far {
		o.restart(p)
		fresh, ahead = true, 0
	}
	sequence := o.newest + ahead
	if sequence < o.next {
		return fresh, true
	}
	stamp := o.stamp + int64(int32(p.Timestamp-uint32(o.stamp)))
	if fresh {
		stamp = int64(p.Timestamp)
	}
	if sequence >= o.next+window {
		o.skip(sequence - window + 1)
	}
	s := &o.slots[sequence%window]
	if s.full && s.sequence == sequence {
		return fresh, true
	}
	*s = slot{full: true, kind: p.Type, marker: p.Marker, sound: p.Data != nil, sequence: sequence, stamp: stamp, came: now, data: append(s.data[:0], p.Data...)}
	if o.held == 0 {
		o.since = now
	}
	o.held++
	if sequence > o.newest || fresh {
		o.newest, o.stamp = sequence, stamp
	}
	if o.paced && s.sound {
		o.playout.arrive(now-ours(p.Waited), ticksTime(stamp, o.rate), fresh || p.Marker)
	}
	return fresh, false
}

// restart begins with p. What is held of before is thrown away.
func (o *order) restart(p Packet) {
	for i := range o.slots {
		o.slots[i].full = false
	}
	o.started, o.ssrc, o.held = true, p.SSRC, 0
	o.next, o.newest, o.stamp = 1<<16+int64(p.Sequence), 1<<16+int64(p.Sequence), int64(p.Timestamp)
	o.playout.started = false
}

// skip gives up what comes before the number to.
func (o *order) skip(to int64) {
	for ; o.next < to && o.held > 0; o.next++ {
		if s := &o.slots[o.next%window]; s.full {
			s.full = false
			o.held--
		}
	}
	o.next = to
}

// pop is the next packet that is due, and how many before it are lost; nil: none is, before
// wait, which is 0 if nothing is held at all. It is good until the next put.
func (o *order) pop(now time.Duration) (s *slot, lost int64, wait time.Duration) {
	if o.held == 0 {
		return nil, 0, 0
	}
	first := o.next
	for !o.slots[first%window].full {
		first++
	}
	s, lost = &o.slots[first%window], first-o.next
	if wait = o.due(s, lost); wait > now {
		return nil, 0, wait
	}
	s.full = false
	o.held--
	o.next = first + 1
	o.since = now
	return s, lost, 0
}

// due is when s may go on, though lost packets before it are missing.
func (o *order) due(s *slot, lost int64) time.Duration {
	switch {
	case o.paced:
		return min(s.came+2*mostDelay, o.playout.due(ticksTime(s.stamp-lost*o.length, o.rate)))
	case lost > 0 && o.held < overtook:
		return o.since + patience
	default:
		return 0
	}
}
