package convert

import (
	"errors"
	"strings"
	"time"

	"gateway/bridge/media"
	"gateway/codec"
	"gateway/codec/speex"
)

// A carrier carries sound of formats that it knows to one other.
type carrier interface {
	// begin says where the first sound is to stand, in units of the clock of what goes
	// out.
	begin(at int64)
	// end is where the next sound will stand.
	end() int64
	// carry takes the sound of one payload and returns how long it is, in units of
	// the clock of what comes; 0 is not known. An error says that it is malformed.
	carry(kind uint8, payload []byte) (int64, error)
	// conceal stands in for so much that was lost. Next is the payload that comes right
	// behind, which may tell of it; nil: there is none.
	conceal(ticks int64, kind uint8, next []byte)
	// rest leaves so much out.
	rest(ticks int64)
	// costly reports whether what is concealed is made, and not only counted.
	costly() bool
}

// An Out is what goes to the peer.
type Out struct {
	Type uint8
	// Time is in units of the RTP clock of its format, Rate a second, and begins at 0.
	Time   int64
	Length int64 // of its sound, in the same units; 0 is not known
	Rate   int
	Marker bool
	Data   []byte // good during the call
}

// A cutter carries encoded frames as they are. If piece is not 0 it cuts them to packets
// of one length.
type cutter struct {
	out    media.Payload
	unit   unit
	piece  int64 // in units of the clock
	emit   func(Out)
	at     int64 // of what is in left
	left   []byte
	marker bool
	one    []byte
}

// A unit says how to tell the length of encoded sound.
type unit struct {
	bytes  int64 // for each tick; 0: by frames
	frames func(payload []byte) (int, error)
	cut    func(out, payload []byte, from, to int) ([]byte, error)
	ticks  int64 // of one frame
}

// unitOf is that of a format; zero where nobody can tell.
func unitOf(f codec.Format) unit {
	channels := int64(max(1, f.Channels))
	switch strings.ToLower(f.Name) {
	case "pcmu", "pcma":
		return unit{bytes: channels}
	case "g722":
		return unit{bytes: 1} // 8 bits for two samples, in a clock of half their rate
	case "l16":
		return unit{bytes: 2 * channels}
	case "speex":
		return unit{frames: speex.Frames, cut: speex.AppendFrames, ticks: int64(f.Rate) / 50}
	case "opus":
		return unit{frames: opusTicks, ticks: 1}
	default:
		return unit{}
	}
}

var errOpus = errors.New("no Opus packet")

// opusTicks is how long an Opus packet is, in units of 1/48000 s (RFC 6716 section 3.1).
func opusTicks(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, errOpus
	}
	config := p[0] >> 3
	var frame int
	switch {
	case config < 12: // SILK
		frame = []int{480, 960, 1920, 2880}[config&3]
	case config < 16: // both
		frame = []int{480, 960}[config&1]
	default: // CELT
		frame = 120 << (config & 3)
	}
	switch p[0] & 3 {
	case 0:
	case 3:
		if len(p) < 2 {
			return 0, errOpus
		}
		frame *= int(p[1] & 0x3f)
	default:
		frame *= 2
	}
	if frame == 0 || frame > 5760 {
		return 0, errOpus
	}
	return frame, nil
}

func newCutter(out media.Payload, ptime time.Duration, whole bool, emit func(Out)) *cutter {
	c := &cutter{out: out, unit: unitOf(out.Format), emit: emit, marker: true}
	if !whole {
		c.piece = int64(ptime) * int64(out.Format.Rate) / int64(time.Second)
	}
	return c
}

func (c *cutter) begin(at int64) { c.at, c.left, c.marker = at, c.left[:0], true }

func (c *cutter) end() int64 {
	if c.unit.bytes > 0 {
		return c.at + int64(len(c.left))/c.unit.bytes
	}
	return c.at
}

func (c *cutter) costly() bool { return false }

func (c *cutter) carry(_ uint8, payload []byte) (int64, error) {
	if c.unit.long(payload, c.out.Format.Rate) {
		return 0, errLong
	}
	if c.unit.bytes > 0 {
		return c.bytes(payload)
	}
	if c.unit.frames == nil {
		c.give(payload, 0)
		return 0, nil
	}
	n, err := c.unit.frames(payload)
	if n == 0 {
		return 0, err
	}
	total := int64(n) * c.unit.ticks
	if c.piece == 0 || c.unit.cut == nil || total <= c.piece {
		c.give(payload, total)
		return total, err
	}
	step := max(1, int(c.piece/c.unit.ticks))
	for i := 0; i < n; i += step {
		var wrong error
		if c.one, wrong = c.unit.cut(c.one[:0], payload, i, min(n, i+step)); wrong != nil {
			return total, wrong
		}
		c.give(c.one, int64(min(n, i+step)-i)*c.unit.ticks)
	}
	return total, err
}

// bytes carries a format in which each tick has its own bytes.
func (c *cutter) bytes(payload []byte) (int64, error) {
	ticks := int64(len(payload)) / c.unit.bytes
	payload = payload[:ticks*c.unit.bytes]
	if c.piece == 0 {
		c.give(payload, ticks)
		return ticks, nil
	}
	size := int(c.piece * c.unit.bytes)
	if len(c.left) > 0 {
		n := min(len(payload), size-len(c.left))
		c.left = append(c.left, payload[:n]...)
		payload = payload[n:]
		if len(c.left) < size {
			return ticks, nil
		}
		c.give(c.left, c.piece)
		c.left = c.left[:0]
	}
	for len(payload) >= size {
		c.give(payload[:size], c.piece)
		payload = payload[size:]
	}
	c.left = append(c.left, payload...)
	return ticks, nil
}

func (c *cutter) give(data []byte, ticks int64) {
	if len(data) == 0 {
		return
	}
	c.emit(Out{Type: c.out.Type, Time: c.at, Length: ticks, Rate: c.out.Format.Rate, Marker: c.marker, Data: data})
	c.marker = false
	c.at += ticks
}

// flush gives what is less than a packet.
func (c *cutter) flush() {
	if len(c.left) > 0 {
		c.give(c.left, int64(len(c.left))/c.unit.bytes)
		c.left = c.left[:0]
	}
}

// conceal leaves it to who decodes: the encoded form of what is lost nobody has.
func (c *cutter) conceal(ticks int64, _ uint8, _ []byte) {
	c.flush()
	c.at += ticks
}

func (c *cutter) rest(ticks int64) {
	c.flush()
	c.at += ticks
	c.marker = true
}
