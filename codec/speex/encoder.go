package speex

import "errors"

// ErrLength says that a frame to be encoded has not Frame samples.
var ErrLength = errors.New("speex: not a frame's samples")

// An Encoder encodes one stream. It is a codec.Encoder.
type Encoder struct {
	rate   int
	bands  int // its layers
	mode   Mode
	narrow narrowEncoder
	wide   [2]wideEncoder
	in     [4 * frameLen]float32
}

// NewEncoder makes an encoder that takes rate samples a second, 8000, 16000 or
// 32000, and encodes as m says; Quality has what is usual. What it writes lags
// what it was given by 5 ms, and at 16 kHz by another 4.
func NewEncoder(rate int, m Mode) (*Encoder, error) {
	e := &Encoder{rate: rate}
	switch rate {
	case 8000:
	case 16000:
		e.bands = 1
	case 32000:
		e.bands = 2
	default:
		return nil, ErrRate
	}
	e.narrow.reset(e.bands > 0)
	e.wide[0].reset(frameLen)
	e.wide[1].reset(2 * frameLen)
	return e, e.SetMode(m)
}

// SetMode says how the next frames are encoded.
func (e *Encoder) SetMode(m Mode) error {
	if !m.valid() {
		return ErrMode
	}
	e.mode = m
	return nil
}

// Rate is how many samples a second it takes.
func (e *Encoder) Rate() int { return e.rate }

// Frame is how many samples a frame has: 20 ms.
func (e *Encoder) Frame() int { return frameLen << e.bands }

// Encode appends a payload of one frame (RFC 5574 section 3); AppendMerged makes
// one of several. It allocates nothing but what out lacks.
func (e *Encoder) Encode(out []byte, pcm []int16) ([]byte, error) {
	if len(pcm) != e.Frame() {
		return out, ErrLength
	}
	sig := e.in[:len(pcm)]
	for i, v := range pcm {
		sig[i] = float32(v)
	}
	for i := e.bands - 1; i >= 0; i-- {
		sig = e.wide[i].part(sig)
	}
	w := bitWriter{data: out}
	e.narrow.encode(&w, e.mode.Narrow, sig)
	b := below{&e.narrow.level, &e.narrow.innov, &e.narrow.gain}
	for i := range e.bands {
		l := &e.wide[i]
		mode := [...]int{e.mode.Wide, min(e.mode.Wide, 1)}[i]
		if e.mode.Narrow == 0 {
			mode = 0
		}
		l.encode(&w, mode, b)
		b = below{&l.innov, &l.innov, &l.gain}
	}
	w.pad()
	return w.data, nil
}
