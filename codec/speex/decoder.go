package speex

import (
	"errors"
	"math"
)

// ErrRate says that Speex has no band of a sampling rate.
var ErrRate = errors.New("speex: a sampling rate that is none of 8000, 16000 and 32000")

// A Decoder decodes one stream. It is a codec.Decoder.
type Decoder struct {
	rate    int
	bands   int // layers it decodes
	narrow  narrowDecoder
	wide    [2]wideDecoder
	low     [3][4 * frameLen]float32 // the signal of each band
	made    []int16                  // what Conceal made and nobody wanted yet
	scratch [4 * frameLen]int16
}

// NewDecoder makes a decoder that gives rate samples a second: 8000, 16000 or
// 32000. Frames of any bandwidth may come: layers it has no use for are passed
// over, and what is above a narrower frame is silence. It enhances what it
// decodes; Enhance says otherwise.
func NewDecoder(rate int) (*Decoder, error) {
	d := &Decoder{rate: rate}
	switch rate {
	case 8000:
	case 16000:
		d.bands = 1
	case 32000:
		d.bands = 2
	default:
		return nil, ErrRate
	}
	d.narrow.reset(d.bands > 0, true)
	d.wide[0].reset(frameLen, .9)
	d.wide[1].reset(2*frameLen, .7)
	return d, nil
}

// Rate is how many samples a second it gives.
func (d *Decoder) Rate() int { return d.rate }

// Enhance says whether what repeats with the pitch of a voice is made stronger.
func (d *Decoder) Enhance(on bool) { d.narrow.enhance = on }

// frameLen is how many samples it gives for a frame.
func (d *Decoder) frameLen() int { return frameLen << d.bands }

// Decode appends the sound of one payload (RFC 5574 section 3), 20 ms for each of
// its frames. It allocates nothing but what pcm lacks.
func (d *Decoder) Decode(pcm []int16, payload []byte) ([]int16, error) {
	all := walkThrough(payload)
	for f, ok := all.next(); ok; f, ok = all.next() {
		d.made = nil
		pcm = appendSound(pcm, d.decode(payload, &f))
	}
	return pcm, all.err
}

func (d *Decoder) decode(payload []byte, f *frame) []float32 {
	r := bitReader{data: payload, at: f.body}
	out := d.low[0][:frameLen]
	d.narrow.decode(&r, f.narrow, out)
	below := &d.narrow.up
	for i := range d.bands {
		low := out
		out = d.low[i+1][:2*len(low)]
		w := &d.wide[i]
		mode := 0
		if i < f.wide {
			mode = f.layers[i].mode
			r.at = f.layers[i].body
		}
		if i > 0 && mode > 1 {
			mode = 0 // the highest band knows but the one mode
		}
		if mode == 0 && d.narrow.silence {
			w.conceal(true, low, out)
		} else {
			w.decode(&r, mode, low, below, out)
		}
		below = &w.up
	}
	return out
}

// Conceal appends n samples in place of what was lost: the last sound goes on and
// fades, the voice within 200 ms, what is above it within a second. Where the
// sender had said that it falls silent, it is the noise behind the voice that goes
// on. What n leaves of a frame is what the next Conceal begins with.
func (d *Decoder) Conceal(pcm []int16, n int) []int16 {
	for n > 0 {
		if len(d.made) == 0 {
			d.made = appendSound(d.scratch[:0], d.conceal())
		}
		k := min(n, len(d.made))
		pcm = append(pcm, d.made[:k]...)
		d.made = d.made[k:]
		n -= k
	}
	return pcm
}

func (d *Decoder) conceal() []float32 {
	out := d.low[0][:frameLen]
	d.narrow.conceal(out)
	for i := range d.bands {
		low := out
		out = d.low[i+1][:2*len(low)]
		d.wide[i].conceal(d.narrow.silence, low, out)
	}
	return out
}

// appendSound appends x, rounded and clipped.
func appendSound(pcm []int16, x []float32) []int16 {
	for _, v := range x {
		switch {
		case v != v:
			pcm = append(pcm, 0)
		case v >= math.MaxInt16:
			pcm = append(pcm, math.MaxInt16)
		case v <= math.MinInt16:
			pcm = append(pcm, math.MinInt16)
		default:
			// Floor by a detour: above 0, cutting is flooring.
			pcm = append(pcm, int16(int32(v+32768.5)-32768))
		}
	}
	return pcm
}
