package sound

import (
	"fmt"

	"gateway/codec"
	"gateway/codec/g722"
)

// G.722 has 16,000 samples a second, though its RTP clock has 8000 (RFC 3551
// section 4.5.2); one byte has two of them.
const (
	g722Rate  = 16000
	g722Clock = 8000
)

func checkG722(f codec.Format) error {
	if f.Rate != g722Clock || f.Channels > 1 {
		return fmt.Errorf("clock of %d Hz, %d channels: %w", f.Rate, f.Channels, ErrUnsupported)
	}
	return nil
}

type g722Decoder struct {
	concealer
	state *g722.Decoder
}

func newG722Decoder(f codec.Format, _ int) (codec.Decoder, error) {
	return &g722Decoder{concealer: newConcealer(g722Rate), state: g722.NewDecoder()}, nil
}

func (d *g722Decoder) Decode(pcm []int16, payload []byte) ([]int16, error) {
	start := len(pcm)
	pcm = d.state.Decode(pcm, payload)
	d.heard(pcm[start:])
	return pcm, nil
}

type g722Encoder struct {
	state *g722.Encoder
	frame int
}

func newG722Encoder(f codec.Format, s Setting) (codec.Encoder, error) {
	frame := s.samples(g722Rate) &^ 1
	return &g722Encoder{state: g722.NewEncoder(), frame: frame}, nil
}

func (e *g722Encoder) Rate() int  { return g722Rate }
func (e *g722Encoder) Frame() int { return e.frame }

func (e *g722Encoder) Encode(out []byte, pcm []int16) ([]byte, error) {
	if len(pcm) != e.frame {
		return out, errFrame(len(pcm), e.frame)
	}
	return e.state.Encode(out, pcm), nil
}
