package sound

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"gateway/codec"
)

// errPartial is for a payload that ends within a sample of all its channels.
var errPartial = errors.New("the payload ends within a sample")

// Linear sound has samples of 16 bits in network byte order, those of one moment
// beside each other (RFC 3551 section 4.5.11).
type l16Decoder struct {
	concealer
	channels int
}

func newL16Decoder(f codec.Format, _ int) (codec.Decoder, error) {
	return &l16Decoder{concealer: newConcealer(f.Rate), channels: max(1, f.Channels)}, nil
}

func checkL16(f codec.Format) error {
	if f.Channels > 2 {
		return fmt.Errorf("%d channels: %w", f.Channels, ErrUnsupported)
	}
	return checkRate(f.Rate)
}

func (d *l16Decoder) Decode(pcm []int16, payload []byte) ([]int16, error) {
	start, size := len(pcm), 2*d.channels
	pcm = slices.Grow(pcm, len(payload)/size)
	for ; len(payload) >= size; payload = payload[size:] {
		s := int(int16(binary.BigEndian.Uint16(payload)))
		if d.channels == 2 {
			s = (s + int(int16(binary.BigEndian.Uint16(payload[2:])))) / 2
		}
		pcm = append(pcm, int16(s))
	}
	d.heard(pcm[start:])
	if len(payload) > 0 {
		return pcm, errPartial
	}
	return pcm, nil
}

type l16Encoder struct{ rate, channels, frame int }

func newL16Encoder(f codec.Format, s Setting) (codec.Encoder, error) {
	return &l16Encoder{rate: f.Rate, channels: max(1, f.Channels), frame: s.samples(f.Rate)}, nil
}

func (e *l16Encoder) Rate() int  { return e.rate }
func (e *l16Encoder) Frame() int { return e.frame }

func (e *l16Encoder) Encode(out []byte, pcm []int16) ([]byte, error) {
	if len(pcm) != e.frame {
		return out, errFrame(len(pcm), e.frame)
	}
	out = slices.Grow(out, 2*e.channels*len(pcm))
	for _, s := range pcm {
		for range e.channels {
			out = binary.BigEndian.AppendUint16(out, uint16(s))
		}
	}
	return out, nil
}
