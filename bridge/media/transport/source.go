package transport

// maxSources is how many sources one direction of a session knows whole, for each
// of RTP and RTCP. Of those that have been quiet for the longest only the highest index
// stays known, for it must not be forgotten while the key lives; there are at most
// maxNames in all, for memory is not for strangers to fill.
const (
	maxSources = 64
	maxNames   = 1024
)

// reach is how many packets a window looks back on. RFC 3711 section 3.3.2 asks
// for 64; with pictures these pass in an eighth of a second.
const reach = 256

// A source is what has been sealed or opened of one SSRC.
type source struct {
	ssrc    uint32 // as the sender wrote it
	out     uint32 // as it is sealed
	highest uint64 // of the indices: roll-over counter and sequence number
	bits    [reach / 64]uint64
	next    uint16 // the number that would go on from one that was behind
	run     uint8  // how many have come like that
	turn    uint32 // of table.turn, when it was found last
}

// A table has the sources of one direction.
type table struct {
	list []source
	last int // where the last one was found
	turn uint32
	gone map[uint32]past // those that are not in list any more
}

// A past is what stays known of a source.
type past struct {
	out     uint32
	highest uint64
}

// find is where the source stands; nil if it is not known.
func (t *table) find(ssrc uint32) *source {
	if t.last < len(t.list) && t.list[t.last].ssrc == ssrc {
		return &t.list[t.last]
	}
	for i := range t.list {
		if t.list[i].ssrc == ssrc {
			t.choose(i)
			return &t.list[i]
		}
	}
	p, known := t.gone[ssrc]
	if !known {
		return nil
	}
	delete(t.gone, ssrc)
	s := t.put(source{ssrc: ssrc, out: p.out, highest: p.highest})
	for i := range s.bits {
		s.bits[i] = ^uint64(0) // nobody knows what has been seen
	}
	return s
}

// choose makes the source at i the last one that was found.
func (t *table) choose(i int) {
	t.turn++
	t.last, t.list[i].turn = i, t.turn
}

// names is how many sources are known.
func (t *table) names() int { return len(t.list) + len(t.gone) }

// full reports whether another source would be one too many.
func (t *table) full() bool { return t.names() >= maxNames }

// add takes up a source whose first index is given.
func (t *table) add(ssrc, out uint32, index uint64) {
	t.put(source{ssrc: ssrc, out: out}).begin(index)
}

// put gives a source a place: that of the one that has been quiet for the longest, where
// there is none left.
func (t *table) put(s source) *source {
	i := len(t.list)
	if i < maxSources {
		t.list = append(t.list, s)
	} else {
		i = 0
		for j := range t.list {
			if t.turn-t.list[j].turn > t.turn-t.list[i].turn {
				i = j
			}
		}
		old := &t.list[i]
		if t.gone == nil {
			t.gone = map[uint32]past{}
		}
		t.gone[old.ssrc] = past{old.out, old.highest}
		*old = s
	}
	t.choose(i)
	return &t.list[i]
}

// begin forgets what was seen and starts at index.
func (s *source) begin(index uint64) {
	s.highest, s.bits, s.run = index, [reach / 64]uint64{}, 0
	s.set(index)
}

// estimate is the index that a sequence number stands for (RFC 3711 section
// 3.3.1); false if it is from before the first round or after the last.
func (s *source) estimate(sequence uint16) (uint64, bool) {
	const half = 1 << 15
	round, highest := s.highest>>16, uint16(s.highest)
	switch {
	case highest < half && sequence > highest && sequence-highest > half:
		if round == 0 {
			return 0, false
		}
		round--
	case highest >= half && highest-half > sequence:
		if round++; round > 1<<32-1 {
			return 0, false
		}
	}
	return round<<16 | uint64(sequence), true
}

// old reports whether index is further behind than the window reaches.
func (s *source) old(index uint64) bool { return index+reach <= s.highest }

// seen reports whether index, which is not old, has been marked.
func (s *source) seen(index uint64) bool {
	return index <= s.highest && s.bits[index/64%(reach/64)]>>(index%64)&1 != 0
}

// mark takes down index, which is neither old nor seen.
func (s *source) mark(index uint64) {
	if index > s.highest {
		for i := s.highest + 1; i < min(index, s.highest+1+reach); i++ {
			s.bits[i/64%(reach/64)] &^= 1 << (i % 64)
		}
		s.highest = index
	}
	s.set(index)
}

func (s *source) set(index uint64) { s.bits[index/64%(reach/64)] |= 1 << (index % 64) }

// follows counts how many packets in a row have come from behind, each the next
// of the one before.
func (s *source) follows(sequence uint16) uint8 {
	if s.run == 0 || sequence != s.next {
		s.run = 0
	}
	s.next = sequence + 1
	if s.run < 255 {
		s.run++
	}
	return s.run
}
