//go:build !noaac

package sound

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/tphakala/go-aac"
	"github.com/tphakala/go-aac/pcm"
	"github.com/tphakala/simd/f32"

	"gateway/codec"
)

const (
	aacFrame = aac.FrameSize
	// aacMaxBytes bounds an access unit: 6144 bits a channel (ISO/IEC 14496-3
	// section 4.5.3.2), and what else may stand beside them.
	aacMaxBytes = 4096
	aacBitrate  = 64000 // of one channel
)

var (
	errNoConfig = errors.New("no config")
	errTooLong  = errors.New("the payload is too long")
)

// An aacDecoder decodes one raw access unit a payload, AAC-LC in one or two
// channels. The library wants a stream with the length before each unit: it
// reads from the decoder itself, which has one unit at a time for it.
type aacDecoder struct {
	concealer
	config   []byte
	channels int
	state    *pcm.Decoder
	unit     []byte // with its length, as far as it has not been read
	out      []byte
}

// aacConfig is the AudioSpecificConfig (ISO/IEC 14496-3 section 1.6.2.1) in the
// parameter "config", in hexadecimal.
func aacConfig(f codec.Format) ([]byte, error) {
	for part := range strings.SplitSeq(f.Params, ";") {
		key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if strings.EqualFold(key, "config") {
			config, err := hex.DecodeString(strings.TrimSpace(value))
			if err != nil || len(config) > 64 {
				return nil, errors.New("the config is malformed")
			}
			return config, nil
		}
	}
	return nil, errNoConfig
}

// checkAACDecoder looks at what the config says: AAC-LC in one or two channels and
// whole frames.
func checkAACDecoder(f codec.Format) error {
	config, err := aacConfig(f)
	if err != nil {
		return err
	}
	if len(config) < 2 {
		return fmt.Errorf("a config of %d bytes: %w", len(config), ErrUnsupported)
	}
	const lc = 2
	if kind := config[0] >> 3; kind != lc {
		return fmt.Errorf("audio object type %d: %w", kind, ErrUnsupported)
	}
	if config[0]&7 == 7 && config[1]&0x80 != 0 { // a rate of no table; nobody sends it
		return fmt.Errorf("a rate of its own: %w", ErrUnsupported)
	}
	if channels := config[1] >> 3 & 15; channels < 1 || channels > 2 {
		return fmt.Errorf("channel configuration %d: %w", channels, ErrUnsupported)
	}
	if config[1]&4 != 0 {
		return fmt.Errorf("frames of 960 samples: %w", ErrUnsupported)
	}
	return nil
}

func checkAACEncoder(f codec.Format) error {
	if f.Rate != 44100 && f.Rate != 48000 {
		return fmt.Errorf("%d samples a second: %w", f.Rate, ErrUnsupported)
	}
	if f.Channels > 1 { // whoever hears it has been told by a config of so many
		return fmt.Errorf("%d channels: %w", f.Channels, ErrUnsupported)
	}
	return nil
}

func newAACDecoder(f codec.Format, _ int) (codec.Decoder, error) {
	config, err := aacConfig(f)
	if err != nil {
		return nil, err
	}
	d := &aacDecoder{config: config, out: make([]byte, 4*aacFrame)}
	if d.state, err = pcm.NewDecoder(d, pcm.WithRawStream(config)); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	info := d.state.Info()
	d.channels = info.Channels
	if info.SampleRate < minRate || info.SampleRate > 2*maxRate {
		return nil, checkRate(info.SampleRate)
	}
	d.concealer = newConcealer(info.SampleRate)
	return d, nil
}

// Read gives the library the unit that is there.
func (d *aacDecoder) Read(p []byte) (int, error) {
	if len(d.unit) == 0 {
		return 0, io.EOF
	}
	n := copy(p, d.unit)
	d.unit = d.unit[:copy(d.unit, d.unit[n:])]
	return n, nil
}

func (d *aacDecoder) Decode(to []int16, payload []byte) ([]int16, error) {
	switch {
	case len(payload) == 0:
		return to, errNothing
	case len(payload) > aacMaxBytes:
		return to, errTooLong
	}
	d.unit = binary.BigEndian.AppendUint16(d.unit[:0], uint16(len(payload)))
	d.unit = append(d.unit, payload...)
	n, err := d.state.Read(d.out)
	if err != nil { // it stays that way until it begins anew
		return to, errors.Join(fmt.Errorf("aac: %w", err), d.state.Reset(d, pcm.WithRawStream(d.config)))
	}
	start := len(to)
	to = d.fold(to, d.out[:n])
	d.heard(to[start:])
	return to, nil
}

// fold appends samples of 16 bits, those of one moment beside each other.
func (d *aacDecoder) fold(to []int16, from []byte) []int16 {
	size := 2 * d.channels
	n := len(from) / size
	start := len(to)
	to = slices.Grow(to, n)[:start+n]
	for i := range to[start:] {
		left := int16(binary.LittleEndian.Uint16(from[i*size:]))
		right := left
		if d.channels == 2 {
			right = int16(binary.LittleEndian.Uint16(from[i*size+2:]))
		}
		to[start+i] = int16((int(left) + int(right)) / 2)
	}
	return to
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
