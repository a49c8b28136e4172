package sound

import (
	"fmt"

	"gateway/codec"
	"gateway/codec/nellymoser"
)

// Nellymoser has frames of 256 samples, a payload of them one or more. It is
// no RTP format: its name is ours.
type nellymoserDecoder struct {
	concealer
	state *nellymoser.Decoder
}

func checkNellymoser(f codec.Format) error {
	switch f.Rate {
	case 8000, 11025, 16000, 22050, 44100:
	default:
		return fmt.Errorf("%d samples a second: %w", f.Rate, ErrUnsupported)
	}
	return checkMono(f)
}

func newNellymoserDecoder(f codec.Format, _ int) (codec.Decoder, error) {
	return &nellymoserDecoder{concealer: newConcealer(f.Rate), state: nellymoser.NewDecoder()}, nil
}

func (d *nellymoserDecoder) Decode(pcm []int16, payload []byte) ([]int16, error) {
	start := len(pcm)
	pcm, err := d.state.Decode(pcm, payload)
	d.heard(pcm[start:])
	return pcm, err
}

type nellymoserEncoder struct {
	*nellymoser.Encoder
	rate int
}

func newNellymoserEncoder(f codec.Format, _ Setting) (codec.Encoder, error) {
	return nellymoserEncoder{nellymoser.NewEncoder(), f.Rate}, nil
}

func (e nellymoserEncoder) Rate() int { return e.rate }
func (nellymoserEncoder) Frame() int  { return nellymoser.Samples }
