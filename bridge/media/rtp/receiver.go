package rtp

import "time"

// The limits of RFC 3550 appendix A.1: how far a sequence number may go ahead
// or stay behind before the source is taken to have begun anew.
const (
	maxDropout  = 3000
	maxMisorder = 100
)

// A Verdict is what a Receiver makes of a packet.
type Verdict uint8

// The verdicts.
const (
	InOrder   Verdict = iota // the next one, or one after a gap
	Reordered                // comes after one that was sent later
	Duplicate                // has come before
	Begun                    // the first of a source, or of one that has begun anew
	Stray                    // far from the others: the source has begun anew if the next one follows it
)

// A Receiver counts the packets of one stream as they come (RFC 3550 appendices
// A.1, A.3 and A.8). Its zero value has heard nothing. It is a value of 80
// bytes and belongs to one goroutine.
type Receiver struct {
	recent     uint64 // bit n: highest-n has come
	lost       uint64 // by sources and beginnings that are over
	packets    uint64
	arrived    int64 // when the last packet came, in units of the clock
	first      uint64
	ssrc       uint32
	cycles     uint32 // how often the sequence numbers have gone round
	received   uint32 // since the beginning, without repeats
	reordered  uint32
	duplicates uint32
	jitter     uint32 // in sixteenths of a unit of the clock
	rate       uint32 // of the clock of the last packet
	timestamp  uint32 // of the last packet
	begun      uint16 // how often
	highest    uint16
	stray      uint16 // the number that would follow a Stray
	strayed    bool
}

// Add counts a packet that has come at, whose clock has rate units a second. A
// rate of 0 leaves its jitter out. Telephone events, whose timestamps stand
// still, are better given 0.
func (r *Receiver) Add(h Header, at time.Duration, rate uint32) Verdict {
	v := r.place(h)
	if v == Stray {
		return v
	}
	r.packets++
	if v != Duplicate {
		r.received++
	}
	if rate != 0 && v != Duplicate {
		r.timing(h, at, rate, v == Begun)
	}
	return v
}

// place finds where h stands in the sequence.
func (r *Receiver) place(h Header) Verdict {
	if r.begun == 0 || h.SSRC != r.ssrc {
		r.begin(h)
		return Begun
	}
	ahead := h.Sequence - r.highest
	switch {
	case ahead == 0:
		r.duplicates++
		return Duplicate
	case ahead < maxDropout:
		if h.Sequence < r.highest {
			r.cycles++
		}
		r.recent = r.recent<<ahead | 1
		r.highest = h.Sequence
		r.strayed = false
		return InOrder
	case -ahead <= maxMisorder:
		return r.late(-ahead)
	case r.strayed && h.Sequence == r.stray:
		r.begin(h)
		return Begun
	default:
		r.strayed, r.stray = true, h.Sequence+1
		return Stray
	}
}

// late is for a packet that many places behind the highest.
func (r *Receiver) late(behind uint16) Verdict {
	if behind < 64 {
		if r.recent>>behind&1 != 0 {
			r.duplicates++
			return Duplicate
		}
		r.recent |= 1 << behind
	}
	r.reordered++
	return Reordered
}

func (r *Receiver) begin(h Header) {
	r.lost += r.missing()
	r.ssrc, r.highest, r.first = h.SSRC, h.Sequence, uint64(h.Sequence)
	r.cycles, r.received, r.recent, r.strayed = 0, 0, 1, false
	if r.begun++; r.begun == 0 {
		r.begun--
	}
}

// timing is RFC 3550 appendix A.8. Where the clock's rate changes the next
// packet is only the start of a comparison.
func (r *Receiver) timing(h Header, at time.Duration, rate uint32, begun bool) {
	// The parts of a second apart, so that the product can't overflow.
	arrival := int64(at/time.Second)*int64(rate) + int64(at%time.Second)*int64(rate)/int64(time.Second)
	if begun || r.rate != rate {
		r.rescale(rate)
		r.arrived, r.timestamp = arrival, h.Timestamp
		return
	}
	d := arrival - r.arrived - int64(int32(h.Timestamp-r.timestamp))
	r.arrived, r.timestamp = arrival, h.Timestamp
	if d < 0 {
		d = -d
	}
	// A source that jumps in its timestamps says nothing about the network.
	if d > min(10*int64(rate), 1<<27) {
		return
	}
	r.jitter += uint32(d) - (r.jitter+8)>>4
}

// rescale keeps the jitter as a time when the clock becomes another.
func (r *Receiver) rescale(rate uint32) {
	if r.rate != 0 && r.rate != rate {
		r.jitter = uint32(uint64(r.jitter) * uint64(rate) / uint64(r.rate))
	}
	r.rate = rate
}

// expected is how many packets the numbers since the last beginning stand for.
func (r *Receiver) expected() uint64 {
	if r.begun == 0 {
		return 0
	}
	return uint64(r.cycles)<<16 + uint64(r.highest) - r.first + 1
}

// missing are those of the last beginning that have not come.
func (r *Receiver) missing() uint64 {
	e := r.expected()
	return e - min(e, uint64(r.received))
}

// Packets have come, repeats among them, those that were a Stray not.
func (r *Receiver) Packets() uint64 { return r.packets }

// Lost is how many packets are missing by the gaps in the sequence, of all
// sources so far (RFC 3550 appendix A.3, but never below zero).
func (r *Receiver) Lost() uint64 { return r.lost + r.missing() }

// Reordered packets came after one that was sent later.
func (r *Receiver) Reordered() uint64 { return uint64(r.reordered) }

// Duplicates have come more than once.
func (r *Receiver) Duplicates() uint64 { return uint64(r.duplicates) }

// Restarts is how often the source became another or began its numbers anew.
func (r *Receiver) Restarts() int { return max(0, int(r.begun)-1) }

// SSRC is that of the source now; false before the first packet.
func (r *Receiver) SSRC() (uint32, bool) { return r.ssrc, r.begun > 0 }

// Jitter is the estimate of RFC 3550 appendix A.8, as a time.
func (r *Receiver) Jitter() time.Duration {
	if r.rate == 0 {
		return 0
	}
	return time.Duration(uint64(r.jitter>>4) * uint64(time.Second) / uint64(r.rate))
}

// Loss is the part of the packets that has not come, 0 to 1.
func (r *Receiver) Loss() float64 {
	lost := r.Lost()
	all := lost + r.packets - min(r.packets, uint64(r.duplicates))
	if all == 0 {
		return 0
	}
	return float64(lost) / float64(all)
}
