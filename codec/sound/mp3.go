package sound

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/hajimehoshi/go-mp3"

	"gateway/codec"
	"gateway/codec/resample"
)

var errMP3 = errors.New("no frame of MPEG-1 layer III")

// An mp3Decoder decodes frames of MPEG-1 layer III, one or more a payload. The library
// reads a stream, always in two channels: it reads from the decoder itself, which
// has one frame at a time for it.
type mp3Decoder struct {
	concealer
	state *mp3.Decoder
	frame []byte // what it has not read of the frame
	out   []byte
	// reserve is how much of the data of frames before there is: a frame may begin
	// in it.
	reserve  int
	noise    bool // what came of the last frame was none of its sound
	rate     int  // of the frames
	pcm      []int16
	resample *resample.Resampler // where that is not ours
}

const (
	mp3Samples = 1152
	mp3Reserve = 511 // bytes that a frame's data may lie back at most
)

func checkMP3(f codec.Format) error {
	if f.Rate < 32000 || f.Rate > maxRate { // those are MPEG-2's
		return fmt.Errorf("%d samples a second: %w", f.Rate, ErrUnsupported)
	}
	return nil
}

func newMP3Decoder(f codec.Format, _ int) (codec.Decoder, error) {
	return &mp3Decoder{concealer: newConcealer(f.Rate), out: make([]byte, 4*mp3Samples)}, nil
}

// Read gives the library the frame that is there.
func (d *mp3Decoder) Read(p []byte) (int, error) {
	if len(d.frame) == 0 {
		return 0, io.EOF
	}
	n := copy(p, d.frame)
	d.frame = d.frame[n:]
	return n, nil
}

func (d *mp3Decoder) Decode(to []int16, payload []byte) ([]int16, error) {
	if len(payload) == 0 {
		return to, errNothing
	}
	start := len(to)
	for len(payload) > 0 {
		h, ok := parseMP3(payload)
		if !ok || h.size > len(payload) {
			d.heard(to[start:])
			return to, errMP3
		}
		var err error
		if to, err = d.decode(to, h, payload[:h.size]); err != nil {
			d.heard(to[start:])
			return to, err
		}
		payload = payload[h.size:]
	}
	d.heard(to[start:])
	return to, nil
}

// decode appends one frame.
func (d *mp3Decoder) decode(to []int16, h mp3Header, frame []byte) ([]int16, error) {
	known := d.reserve >= h.begin
	d.frame = frame
	n, err := d.read()
	d.frame = nil // it is the caller's
	if err != nil {
		d.state, d.reserve = nil, 0
		return to, fmt.Errorf("mp3: %w", err)
	}
	d.reserve = min(mp3Reserve, d.reserve+h.data)
	if !known || d.noise { // it began before we did, or overlaps with one that did
		clear(d.out[:n])
	}
	d.noise = !known
	return d.give(to, h.rate, d.out[:n])
}

// read has the library decode a frame into out. The library counts on sane input:
// what it does not survive is malformed.
func (d *mp3Decoder) read() (n int, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("malformed: %v", r)
		}
	}()
	if d.state == nil {
		if d.state, err = mp3.NewDecoder(d); err != nil {
			return 0, err
		}
	}
	return d.state.Read(d.out)
}

// give folds two channels into one, at the rate that was promised.
func (d *mp3Decoder) give(to []int16, rate int, from []byte) ([]int16, error) {
	d.pcm = slices.Grow(d.pcm[:0], len(from)/4)
	for i := 0; i+4 <= len(from); i += 4 {
		left, right := int16(binary.LittleEndian.Uint16(from[i:])), int16(binary.LittleEndian.Uint16(from[i+2:]))
		d.pcm = append(d.pcm, int16((int(left)+int(right))/2))
	}
	if rate == d.Rate() {
		return append(to, d.pcm...), nil
	}
	if d.rate != rate {
		var err error
		if d.resample, err = resample.New(rate, d.Rate()); err != nil {
			return to, fmt.Errorf("mp3: %w", err)
		}
		d.rate = rate
	}
	return d.resample.Append(to, d.pcm), nil
}

// An mp3Header is what stands before a frame's data (ISO/IEC 11172-3
// section 2.4.1.3).
type mp3Header struct {
	rate  int
	size  int // of the frame, in bytes
	begin int // how far before the frame its data begins
	data  int // bytes in the frame that are data
}

// parseMP3 reads that of a frame of MPEG-1 layer III. What the library makes of MPEG-2
// is noise at low bit rates, and 2.5 it does not know.
func parseMP3(b []byte) (h mp3Header, ok bool) {
	if len(b) < 8 || b[0] != 0xff || b[1]&0xfe != 0xfa { // with a checksum or without
		return h, false
	}
	kbps := [14]int{32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320}
	rate, bitrate := b[2]>>2&3, int(b[2]>>4)
	if rate == 3 || bitrate == 0 || bitrate == 15 {
		return h, false
	}
	h.rate = [3]int{44100, 48000, 32000}[rate]
	h.size = 144*kbps[bitrate-1]*1000/h.rate + int(b[2]>>1&1)
	at, side := 4, 32
	if b[1]&1 == 0 {
		at += 2
	}
	if b[3]>>6 == 3 { // one channel
		side = 17
	}
	h.begin = int(b[at])<<1 | int(b[at+1]>>7)
	h.data = max(0, h.size-at-side)
	return h, true
}
