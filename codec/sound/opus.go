package sound

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/thesyncim/gopus"

	"gateway/codec"
)

const (
	opusClock = 48000
	// The longest packet (RFC 6716 section 3.2.5), and what it can be no longer
	// than in any sensible stream (1275 bytes for each of some frames).
	opusLongest  = 120
	opusMaxBytes = 4000
	// opusComplexity is libopus's own default for real time on small machines: half the
	// CPU of its best, and hardly to be told from it in speech.
	opusComplexity = 5
)

// errNothing is for a payload without a byte.
var errNothing = errors.New("the payload is empty")

// opusRates are those that Opus can be decoded to and encoded from and that our resampler
// need not do anything for.
var opusRates = [...]int{8000, 16000, 24000, opusClock}

// opusRate is the lowest rate of Opus that loses nothing of sound of the given one.
func opusRate(rate int) int {
	for _, r := range opusRates {
		if rate > 0 && rate <= r {
			return r
		}
	}
	return opusClock
}

// checkOpus: the clock is 48 kHz and there are two channels on paper, whatever
// is in the packets (RFC 7587 section 7).
func checkOpus(f codec.Format) error {
	if f.Rate != opusClock || f.Channels > 2 {
		return fmt.Errorf("clock of %d Hz, %d channels: %w", f.Rate, f.Channels, ErrUnsupported)
	}
	return nil
}

type opusDecoder struct {
	state *gopus.Decoder
	rate  int
	float []float32
}

func newOpusDecoder(f codec.Format, rate int) (codec.Decoder, error) {
	rate = opusRate(rate)
	state, err := gopus.NewDecoder(gopus.DecoderConfig{
		SampleRate: rate, Channels: 1, MaxPacketSamples: opusLongest * rate / 1000, MaxPacketBytes: opusMaxBytes,
	})
	if err != nil {
		return nil, fmt.Errorf("opus: %w", err)
	}
	return &opusDecoder{state: state, rate: rate}, nil
}

func (d *opusDecoder) Rate() int { return d.rate }

func (d *opusDecoder) Decode(pcm []int16, payload []byte) ([]int16, error) {
	if len(payload) == 0 {
		return pcm, errNothing // the library would take it for a loss
	}
	start, most := len(pcm), opusLongest*d.rate/1000
	pcm = slices.Grow(pcm, most)
	n, err := d.state.DecodeInt16(payload, pcm[start:start+most])
	if err != nil {
		return pcm, fmt.Errorf("opus: %w", err)
	}
	return pcm[:start+n], nil
}

// Conceal is Opus's own way: it goes on from the state of its decoder.
func (d *opusDecoder) Conceal(pcm []int16, n int) []int16 {
	start := len(pcm)
	pcm = d.fill(pcm, n, func(part []int16) (int, error) { return d.state.DecodeInt16(nil, part) })
	return pcm[:start+n]
}

// Recover appends n samples in place of those that were lost just before next:
// out of what next carries of them, as far as it does (RFC 6716 section 2.1.7).
func (d *opusDecoder) Recover(pcm []int16, n int, next []byte) []int16 {
	info, err := gopus.ParsePacket(next)
	if err != nil || !gopus.PacketHasLBRR(next) {
		return d.Conceal(pcm, n)
	}
	part := info.TOC.FrameSize * d.rate / opusClock
	if n > part { // it only knows what came right before it
		pcm, n = d.Conceal(pcm, n-part), part
	}
	start := len(pcm)
	d.float = slices.Grow(d.float[:0], part)[:part]
	got, err := d.state.DecodeWithFEC(next, d.float, true)
	if err != nil || got < n {
		return d.Conceal(pcm, n)
	}
	pcm = slices.Grow(pcm, n)[:start+n]
	for i, s := range d.float[got-n : got] {
		pcm[start+i] = int16(min(max(s*(1<<15), -1<<15), 1<<15-1))
	}
	return pcm
}

// fill appends at least n samples that f makes in steps of 20 ms and, for the rest,
// of the 2.5 ms that a frame has at least. What f fails to make is silence.
func (d *opusDecoder) fill(pcm []int16, n int, f func([]int16) (int, error)) []int16 {
	step, quantum := d.rate/50, d.rate/400
	for n > 0 {
		size := min(step, (n+quantum-1)/quantum*quantum)
		start := len(pcm)
		pcm = slices.Grow(pcm, size)[:start+size]
		got, err := f(pcm[start:])
		if err != nil {
			got = 0
		}
		clear(pcm[start+got:])
		n -= size
	}
	return pcm
}

type opusEncoder struct {
	state       *gopus.Encoder
	rate, frame int
	dtx         bool
}

func newOpusEncoder(f codec.Format, s Setting) (codec.Encoder, error) {
	p := opusParams(f)
	rate := opusRate(s.Rate)
	if p.playback > 0 {
		rate = min(rate, opusRate(p.playback))
	}
	state, err := gopus.NewEncoder(gopus.EncoderConfig{SampleRate: rate, Channels: 1, Application: gopus.ApplicationVoIP})
	if err != nil {
		return nil, fmt.Errorf("opus: %w", err)
	}
	e := &opusEncoder{state: state, rate: rate, frame: opusFrame(s, rate), dtx: p.dtx}
	if err := e.set(p, s); err != nil {
		return nil, fmt.Errorf("opus: %w", err)
	}
	return e, nil
}

// opusFrame is the length of a frame that is nearest to what was asked for.
func opusFrame(s Setting, rate int) int {
	asked := s.samples(opusClock)
	best := 960
	for _, n := range [...]int{480, 960, 1920, 2880} {
		if max(n-asked, asked-n) < max(best-asked, asked-best) {
			best = n
		}
	}
	return best * rate / opusClock
}

// set tells the library what the other side wants.
func (e *opusEncoder) set(p opusWishes, s Setting) error {
	bitrate := s.Bitrate
	if bitrate <= 0 {
		bitrate = map[int]int{8000: 12000, 16000: 20000, 24000: 24000}[e.rate]
	}
	if bitrate <= 0 {
		bitrate = 32000
	}
	if p.bitrate > 0 {
		bitrate = min(bitrate, p.bitrate)
	}
	e.state.SetVBR(!p.cbr)
	e.state.SetDTX(p.dtx)
	e.state.SetFEC(p.fec)
	loss := min(max(s.Loss, 0), 100)
	if p.fec && loss == 0 {
		loss = 5 // without any loss in sight the library would send nothing twice
	}
	return errors.Join(e.state.SetFrameSize(e.frame), e.state.SetBitrate(min(max(bitrate, 6000), 510000)),
		e.state.SetComplexity(opusComplexity), e.state.SetPacketLoss(loss), e.state.SetSignal(gopus.SignalVoice))
}

func (e *opusEncoder) Rate() int  { return e.rate }
func (e *opusEncoder) Frame() int { return e.frame }

// Encode appends nothing while there is silence and the other side wants none sent
// (RFC 7587 section 3.1.3).
func (e *opusEncoder) Encode(out []byte, pcm []int16) ([]byte, error) {
	if len(pcm) != e.frame {
		return out, errFrame(len(pcm), e.frame)
	}
	start := len(out)
	out = slices.Grow(out, opusMaxBytes)
	n, err := e.state.EncodeInt16(pcm, out[start:start+opusMaxBytes])
	if err != nil {
		return out[:start], fmt.Errorf("opus: %w", err)
	}
	if e.dtx && n <= 2 {
		n = 0
	}
	return out[:start+n], nil
}

// opusWishes are the parameters with which a receiver says what to send it (RFC
// 7587 section 6.1).
type opusWishes struct {
	playback, bitrate int // 0 for not said
	fec, dtx, cbr     bool
}

// opusParams reads them. What is malformed counts as not said: a wish is
// no reason to refuse a call.
func opusParams(f codec.Format) (p opusWishes) {
	for part := range strings.SplitSeq(f.Params, ";") {
		key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		n, err := strconv.Atoi(strings.TrimSpace(value))
		if err != nil || n < 0 {
			continue
		}
		switch strings.ToLower(strings.TrimSpace(key)) {
		case "maxplaybackrate":
			p.playback = n
		case "maxaveragebitrate":
			p.bitrate = n
		case "useinbandfec":
			p.fec = n == 1
		case "usedtx":
			p.dtx = n == 1
		case "cbr":
			p.cbr = n == 1
		}
	}
	return p
}
