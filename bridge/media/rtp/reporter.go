package rtp

import (
	"encoding/binary"
	"time"
)

// canonical is how the CNAME begins that stands in reports; the source follows.
const canonical = "stream-"

// A Sent is what a SR says of the stream that we send (RFC 3550 section 6.4.1).
type Sent struct {
	SSRC            uint32
	Timestamp       uint32 // that it has now
	Packets, Octets uint32 // 0: nothing was sent, and there is no SR
}

// A Reporter makes the RTCP of one who sends a stream of its own and hears another.
// Its zero value has heard nothing. It belongs to one goroutine.
type Reporter struct {
	mark     uint32 // the middle of the last SR's NTP time
	at       time.Duration
	source   uint32
	expected uint64 // by the last report
	received uint32
}

// Heard is told of an RTCP compound that has come, at.
func (r *Reporter) Heard(b []byte, at time.Duration) {
	for len(b) > 0 {
		c, rest, ok := split(b)
		if !ok {
			return
		}
		b = rest
		if c.kind == typeSR && len(c.all) >= controlHeader+senderInfo {
			r.mark, r.at = binary.BigEndian.Uint32(c.all[controlHeader+2:]), at
		}
	}
}

// Append appends a compound of a SR or RR and a CNAME to b: about what we send, and of
// what has come to heard. at is now by the clock of Heard, wall by everybody's.
func (r *Reporter) Append(b []byte, s Sent, heard *Receiver, at time.Duration, wall time.Time) []byte {
	start := len(b)
	kind := byte(typeRR)
	if s.Packets > 0 {
		kind = typeSR
	}
	b = append(b, 2<<6, kind, 0, 0)
	b = binary.BigEndian.AppendUint32(b, s.SSRC)
	if kind == typeSR {
		b = binary.BigEndian.AppendUint64(b, ntp(wall))
		b = binary.BigEndian.AppendUint32(b, s.Timestamp)
		b = binary.BigEndian.AppendUint32(b, s.Packets)
		b = binary.BigEndian.AppendUint32(b, s.Octets)
	}
	if _, ok := heard.SSRC(); ok {
		b[start] |= 1
		b = r.block(b, heard, at)
	}
	binary.BigEndian.PutUint16(b[start+2:], uint16((len(b)-start)/4-1))
	start = len(b)
	b = append(b, 2<<6|1, typeSDES, 0, 0)
	b = binary.BigEndian.AppendUint32(b, s.SSRC)
	const digits = "0123456789abcdef"
	b = append(b, 1, byte(len(canonical)+8)) // CNAME
	b = append(b, canonical...)
	for shift := 28; shift >= 0; shift -= 4 {
		b = append(b, digits[s.SSRC>>shift&15])
	}
	b = append(b, 0)
	for (len(b)-start)%4 != 0 {
		b = append(b, 0)
	}
	binary.BigEndian.PutUint16(b[start+2:], uint16((len(b)-start)/4-1))
	return b
}

// block appends the report block of heard (RFC 3550 section 6.4.1 and appendix A.3).
func (r *Reporter) block(b []byte, heard *Receiver, at time.Duration) []byte {
	expected, received := heard.expected(), heard.received
	if r.source != heard.ssrc || expected < r.expected || received < r.received {
		r.source, r.expected, r.received = heard.ssrc, 0, 0
	}
	due, came := expected-r.expected, uint64(received-r.received)
	r.expected, r.received = expected, received
	fraction := uint64(0)
	if due > came {
		fraction = min(255, (due-came)<<8/due)
	}
	lost := min(heard.missing(), 1<<23-1)
	b = binary.BigEndian.AppendUint32(b, heard.ssrc)
	b = binary.BigEndian.AppendUint32(b, uint32(fraction<<24|lost))
	b = binary.BigEndian.AppendUint32(b, heard.cycles<<16|uint32(heard.highest))
	b = binary.BigEndian.AppendUint32(b, heard.jitter>>4)
	held := uint32(0)
	if r.mark != 0 {
		d := at - r.at
		held = uint32(uint64(d/time.Second)<<16 | uint64(d%time.Second)<<16/uint64(time.Second))
	}
	b = binary.BigEndian.AppendUint32(b, r.mark)
	return binary.BigEndian.AppendUint32(b, held)
}

// ntp is t as RFC 3550 section 4 has it.
func ntp(t time.Time) uint64 {
	const since1900 = 2208988800
	return uint64(t.Unix()+since1900)<<32 | uint64(t.Nanosecond())<<32/uint64(time.Second)
}

// Knows reports whether a SR has come.
func (r *Reporter) Knows() bool { return r.mark != 0 }
