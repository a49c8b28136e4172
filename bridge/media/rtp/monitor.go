package rtp

import (
	"encoding/binary"
	"time"

	"gateway/bridge/media"
)

// A Monitor reads what one peer says in its RTCP of the packets that it gets
// from us, and finds out how long the way there and back is (RFC 3550 section
// 6.4.1). The senders' clocks are not ours: it takes its own time of when a SR
// was passed on to the peer. Its zero value has heard nothing. It belongs to
// one goroutine.
type Monitor struct {
	passed [4]struct {
		mark uint32 // the middle of the SR's NTP time, as the peer repeats it
		at   time.Duration
	}
	last  media.Report
	at    time.Duration
	next  uint8
	heard bool
}

// Passed is told of an RTCP compound that goes to the peer, at.
func (m *Monitor) Passed(b []byte, at time.Duration) {
	for len(b) > 0 {
		c, rest, ok := split(b)
		if !ok {
			return
		}
		b = rest
		if c.kind != typeSR || len(c.all) < controlHeader+senderInfo {
			continue
		}
		p := &m.passed[m.next%uint8(len(m.passed))]
		p.mark, p.at = binary.BigEndian.Uint32(c.all[controlHeader+2:]), at
		m.next++
	}
}

// Heard is told of an RTCP compound that has come from the peer, at. It takes
// what is said there of the source ssrc, whose clock has rate units a second,
// and reports whether there was anything.
func (m *Monitor) Heard(b []byte, at time.Duration, ssrc, rate uint32) bool {
	found := false
	for len(b) > 0 {
		c, rest, ok := split(b)
		if !ok {
			return found
		}
		b = rest
		for blocks := c.blocks(); len(blocks) > 0; blocks = blocks[reportBlock:] {
			if binary.BigEndian.Uint32(blocks) == ssrc {
				m.take(blocks[:reportBlock], at, rate)
				found = true
			}
		}
	}
	return found
}

func (m *Monitor) take(block []byte, at time.Duration, rate uint32) {
	m.heard, m.at = true, at
	m.last.Loss = float64(block[4]) / 256
	// 24 bits with a sign.
	m.last.Lost = int64(int32(binary.BigEndian.Uint32(block[4:])<<8) >> 8)
	m.last.Jitter = 0
	if rate != 0 {
		jitter := uint64(binary.BigEndian.Uint32(block[12:]))
		m.last.Jitter = time.Duration(jitter/uint64(rate))*time.Second +
			time.Duration(jitter%uint64(rate)*uint64(time.Second)/uint64(rate))
	}
	mark, held := binary.BigEndian.Uint32(block[16:]), binary.BigEndian.Uint32(block[20:])
	if mark == 0 {
		return
	}
	for i := range m.passed {
		p := &m.passed[i]
		if p.mark != mark {
			continue
		}
		if trip := at - p.at - time.Duration(uint64(held)*uint64(time.Second)>>16); trip > 0 {
			m.last.Trip = trip
		}
	}
}

// Report is what the peer has said last; start is when the time at was 0.
func (m *Monitor) Report(start time.Time) media.Report {
	r := m.last
	if m.heard {
		r.At = start.Add(m.at)
	}
	return r
}
