package sound

import (
	"fmt"
	"slices"

	"github.com/zaf/g711"

	"gateway/codec"
)

// The rates that formats without one of their own may have.
const minRate, maxRate = 8000, 48000

func checkRate(rate int) error {
	if rate < minRate || rate > maxRate {
		return fmt.Errorf("%d samples a second, not %d to %d", rate, minRate, maxRate)
	}
	return nil
}

// checkMono is for the formats that we have with one channel only.
func checkMono(f codec.Format) error {
	if f.Channels > 1 {
		return fmt.Errorf("%d channels: %w", f.Channels, ErrUnsupported)
	}
	return checkRate(f.Rate)
}

// A law is one of the two of ITU-T G.711.
type law uint8

const (
	ulaw law = iota
	alaw
)

type g711Decoder struct {
	concealer
	law law
}

func newG711Decoder(l law) func(codec.Format, int) (codec.Decoder, error) {
	return func(f codec.Format, _ int) (codec.Decoder, error) {
		return &g711Decoder{concealer: newConcealer(f.Rate), law: l}, nil
	}
}

func (d *g711Decoder) Decode(pcm []int16, payload []byte) ([]int16, error) {
	start := len(pcm)
	pcm = slices.Grow(pcm, len(payload))[:start+len(payload)]
	to := pcm[start:]
	switch d.law {
	case alaw:
		for i, b := range payload {
			to[i] = g711.DecodeAlawFrame(b)
		}
	default:
		for i, b := range payload {
			to[i] = g711.DecodeUlawFrame(b)
		}
	}
	d.heard(to)
	return pcm, nil
}

type g711Encoder struct {
	law         law
	rate, frame int
}

func newG711Encoder(l law) func(codec.Format, Setting) (codec.Encoder, error) {
	return func(f codec.Format, s Setting) (codec.Encoder, error) {
		return &g711Encoder{law: l, rate: f.Rate, frame: s.samples(f.Rate)}, nil
	}
}

func (e *g711Encoder) Rate() int  { return e.rate }
func (e *g711Encoder) Frame() int { return e.frame }

func (e *g711Encoder) Encode(out []byte, pcm []int16) ([]byte, error) {
	if len(pcm) != e.frame {
		return out, errFrame(len(pcm), e.frame)
	}
	start := len(out)
	out = slices.Grow(out, len(pcm))[:start+len(pcm)]
	to := out[start:]
	switch e.law {
	case alaw:
		for i, s := range pcm {
			to[i] = g711.EncodeAlawFrame(s)
		}
	default:
		for i, s := range pcm {
			to[i] = g711.EncodeUlawFrame(s)
		}
	}
	return out, nil
}

// errFrame is for a caller that does not keep to the frame.
func errFrame(got, want int) error { return fmt.Errorf("%d samples, not %d", got, want) }
