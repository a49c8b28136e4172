//go:build !noaac

package sound

import (
	"fmt"

	"github.com/tphakala/go-aac"
	"github.com/tphakala/simd/f32"

	"gateway/codec"
)

const (
	aacFrame   = aac.FrameSize
	aacBitrate = 64000 // of one channel
)

func checkAACEncoder(f codec.Format) error {
	if f.Rate != 44100 && f.Rate != 48000 {
		return fmt.Errorf("%d samples a second: %w", f.Rate, ErrUnsupported)
	}
	if f.Channels > 1 { // whoever hears it has been told by a config of so many
		return fmt.Errorf("%d channels: %w", f.Channels, ErrUnsupported)
	}
	return nil
}

// An aacEncoder makes AAC-LC of one channel. The first frame gives nothing: what is
// heard comes a frame late.
type aacEncoder struct {
	state   *aac.Encoder
	rate    int
	samples []float32
	planes  [1][]float32
}

func newAACEncoder(f codec.Format, s Setting) (codec.Encoder, error) {
	bitrate := s.Bitrate
	if bitrate <= 0 {
		bitrate = aacBitrate
	}
	state, err := aac.NewEncoder(aac.EncoderConfig{SampleRate: f.Rate, Channels: 1, Bitrate: bitrate, Coder: aac.CoderFast})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	e := &aacEncoder{state: state, rate: f.Rate, samples: make([]float32, aacFrame)}
	e.planes[0] = e.samples
	return e, nil
}

func (e *aacEncoder) Rate() int { return e.rate }
func (*aacEncoder) Frame() int  { return aacFrame }

// Config is the AudioSpecificConfig of the stream.
func (e *aacEncoder) Config() []byte { return e.state.AudioSpecificConfig() }

func (e *aacEncoder) Encode(out []byte, from []int16) ([]byte, error) {
	if len(from) != aacFrame {
		return out, errFrame(len(from), aacFrame)
	}
	f32.Int16ToFloat32Scale(e.samples, from, 1.0/(1<<15))
	out, err := e.state.EncodeFrame(out, e.planes[:])
	if err != nil {
		return out, fmt.Errorf("aac: %w", err)
	}
	return out, nil
}
