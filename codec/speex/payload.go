package speex

import (
	"errors"
	"time"
)

// What can be wrong with a payload.
var (
	ErrEmpty = errors.New("speex: a payload without frames")
	ErrShort = errors.New("speex: the payload ends within a frame")
	ErrMode  = errors.New("speex: a mode that does not exist")
	ErrLayer = errors.New("speex: a layer that has no place there")
	ErrMany  = errors.New("speex: more frames than a payload may have")
)

const (
	// MaxFrames is how many frames a payload may have. RTP senders put up to 10
	// in one, Flash up to 8; a frame of silence is but 5 bits, so that more would
	// make much of little.
	MaxFrames = 64
	// FrameTime is how long a frame lasts at any rate.
	FrameTime = 20 * time.Millisecond
)

// A frame is where a frame stands in its payload, in bits.
type frame struct {
	start  int // with the signals before it
	body   int // behind the head of its narrowband part
	narrow int // the mode of that
	end    int // of the narrowband part
	layers [2]layer
	wide   int // how many layers it has
	after  int // what comes next
}

type layer struct {
	body int
	mode int
}

// next looks for the frame at the reader and passes over it. It reports false at
// the end of the payload: at its terminator, or where less is left than a frame
// has.
func (r *bitReader) next() (frame, bool, error) {
	f := frame{start: r.at}
	for {
		if r.left() < modeBits {
			return f, false, nil
		}
		head := r.read(modeBits)
		switch {
		case head == terminator:
			return f, false, nil
		case head > terminator:
			return f, false, ErrLayer
		case head == inband:
			r.at += inbandBits[r.read(4)]
		case head == userInband:
			r.at += 8*r.read(4) + 5
		case head >= len(narrowModes):
			return f, false, ErrMode
		default:
			f.body, f.narrow = r.at, head
			r.at += narrowModes[head].bits - modeBits
			f.end = r.at
			err := r.layers(&f)
			return f, err == nil, err
		}
		if r.left() < 0 {
			return f, false, ErrShort
		}
	}
}

// inbandBits is how many bits follow a signal's number (Speex manual section
// 5.5, table 5.1).
var inbandBits = [16]int{1, 1, 4, 4, 4, 4, 4, 4, 8, 8, 16, 16, 32, 32, 64, 64}

// layers passes over the layers of f.
func (r *bitReader) layers(f *frame) error {
	for r.left() >= layerBits && r.peek(1) == 1 {
		if f.wide == len(f.layers) {
			return ErrLayer
		}
		mode := r.read(layerBits) & 7
		if mode >= len(wideModes) {
			return ErrMode
		}
		f.layers[f.wide] = layer{body: r.at, mode: mode}
		f.wide++
		r.at += wideModes[mode].bits - layerBits
	}
	f.after = r.at
	if r.left() < 0 {
		return ErrShort
	}
	return nil
}

// A walk goes through the frames of a payload, as far as there is no fault in it.
// A payload without frames has one.
type walk struct {
	r   bitReader
	n   int   // of the frames so far
	err error // what is wrong, at the end
}

func walkThrough(payload []byte) walk { return walk{r: bitReader{data: payload}} }

func (w *walk) next() (frame, bool) {
	f, ok, err := w.r.next()
	switch {
	case err != nil:
		w.err = err
	case !ok && w.n == 0:
		w.err = ErrEmpty
	case ok && w.n == MaxFrames:
		w.err, ok = ErrMany, false
	case ok:
		w.n++
	}
	return f, ok
}

// Frames is how many frames a payload has. An error says that it is malformed,
// and the number how many there are before the fault.
func Frames(payload []byte) (int, error) {
	w := walkThrough(payload)
	for _, ok := w.next(); ok; {
		_, ok = w.next()
	}
	return w.n, w.err
}

// Duration is how long the sound of a payload lasts.
func Duration(payload []byte) (time.Duration, error) {
	n, err := Frames(payload)
	return time.Duration(n) * FrameTime, err
}

// AppendFrames appends to out a payload of its own with the frames of payload
// from the one with number from to the one before to, as far as they exist. It
// appends nothing where there are none.
func AppendFrames(out, payload []byte, from, to int) ([]byte, error) {
	w := bitWriter{data: out}
	all := walkThrough(payload)
	for f, ok := all.next(); ok; f, ok = all.next() {
		if i := all.n - 1; i >= from && i < to {
			w.copy(payload, f.start, f.after)
		}
	}
	return w.result(out, all.err)
}

// AppendNarrow appends to out a payload with the narrowband parts of the frames
// of payload: what a decoder of 8 kHz has use for.
func AppendNarrow(out, payload []byte) ([]byte, error) {
	w := bitWriter{data: out}
	all := walkThrough(payload)
	for f, ok := all.next(); ok; f, ok = all.next() {
		w.copy(payload, f.start, f.end)
	}
	return w.result(out, all.err)
}

// AppendMerged appends to out one payload with the frames of all payloads, in
// their order.
func AppendMerged(out []byte, payloads ...[]byte) ([]byte, error) {
	w := bitWriter{data: out}
	n := 0
	for _, p := range payloads {
		all := walkThrough(p)
		for f, ok := all.next(); ok; f, ok = all.next() {
			w.copy(p, f.start, f.after)
		}
		if n += all.n; all.err == nil && n > MaxFrames {
			all.err = ErrMany
		}
		if all.err != nil {
			return out, all.err
		}
	}
	return w.result(out, nil)
}

// result is what was written, padded, or out where there was an error.
func (w *bitWriter) result(out []byte, err error) ([]byte, error) {
	if err != nil {
		return out, err
	}
	w.pad()
	return w.data, nil
}
