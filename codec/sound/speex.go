package sound

import (
	"fmt"

	"gateway/codec"
	"gateway/codec/speex"
)

// speexQuality is what most senders of Speex have: 15 kbit/s narrowband, 28 wideband.
const speexQuality = 8

func checkSpeex(f codec.Format) error {
	switch f.Rate {
	case 8000, 16000, 32000:
		return checkMono(f)
	default:
		return fmt.Errorf("%d samples a second: %w", f.Rate, ErrUnsupported)
	}
}

func newSpeexDecoder(f codec.Format, _ int) (codec.Decoder, error) {
	d, err := speex.NewDecoder(f.Rate)
	if err != nil {
		return nil, fmt.Errorf("%w", err)
	}
	return d, nil
}

func newSpeexEncoder(f codec.Format, _ Setting) (codec.Encoder, error) {
	e, err := speex.NewEncoder(f.Rate, speex.Quality(f.Rate, speexQuality))
	if err != nil {
		return nil, fmt.Errorf("%w", err)
	}
	return e, nil
}
