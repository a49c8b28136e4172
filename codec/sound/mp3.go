package sound

import (
	"errors"
	"fmt"

	"gateway/codec"
	"gateway/codec/mp3"
	"gateway/codec/resample"
)

var errMP3 = errors.New("no frame of layer III")

// An mp3Decoder decodes frames of MPEG audio layer III, one or more a payload, of which
// only the part is decoded that the wanted rate can hold.
type mp3Decoder struct {
	concealer
	state    *mp3.Decoder
	from     int // the rate that comes of it
	pcm      []int16
	resample *resample.Resampler // where that is not ours
}

func checkMP3(f codec.Format) error { return checkRate(f.Rate) }

func newMP3Decoder(f codec.Format, rate int) (codec.Decoder, error) {
	return &mp3Decoder{concealer: newConcealer(mp3.Rate(f.Rate, rate)), state: mp3.NewDecoder(rate)}, nil
}

func (d *mp3Decoder) Decode(to []int16, payload []byte) ([]int16, error) {
	if len(payload) == 0 {
		return to, errNothing
	}
	start := len(to)
	var err error
	for len(payload) > 0 && err == nil {
		h, ok := mp3.ParseHeader(payload)
		if !ok || h.Size > len(payload) {
			err = errMP3
			break
		}
		if d.pcm, err = d.state.Decode(d.pcm[:0], payload[:h.Size]); err == nil {
			to, err = d.give(to)
		}
		payload = payload[h.Size:]
	}
	d.heard(to[start:])
	return to, err
}

// give appends what was decoded, at the rate that was promised.
func (d *mp3Decoder) give(to []int16) ([]int16, error) {
	from := d.state.Rate()
	if from == d.Rate() {
		return append(to, d.pcm...), nil
	}
	if d.from != from {
		var err error
		if d.resample, err = resample.New(from, d.Rate()); err != nil {
			return to, fmt.Errorf("mp3: %w", err)
		}
		d.from = from
	}
	return d.resample.Append(to, d.pcm), nil
}
