package sound

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"gateway/codec"
	"gateway/codec/aac"
)

// The rates that a config has a number for, and those between.
const minAAC, maxAAC = 7350, 96000

var errNoConfig = errors.New("no config")

// An aacDecoder decodes one raw access unit a payload, AAC-LC in one or two channels,
// of which only the part is decoded that the wanted rate can hold.
type aacDecoder struct {
	concealer
	state *aac.Decoder
}

// aacConfig is what the AudioSpecificConfig says (ISO/IEC 14496-3 section 1.6.2.1) in the
// parameter "config", in hexadecimal.
func aacConfig(f codec.Format) (aac.Config, error) {
	for part := range strings.SplitSeq(f.Params, ";") {
		key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if !strings.EqualFold(key, "config") {
			continue
		}
		config, err := hex.DecodeString(strings.TrimSpace(value))
		if err != nil || len(config) > 64 {
			return aac.Config{}, errors.New("the config is malformed")
		}
		c, err := aac.ParseConfig(config)
		if errors.Is(err, aac.ErrUnsupported) {
			err = fmt.Errorf("%w: %w", ErrUnsupported, err)
		}
		return c, err
	}
	return aac.Config{}, errNoConfig
}

// checkAACDecoder looks at what the config says.
func checkAACDecoder(f codec.Format) error {
	c, err := aacConfig(f)
	if err != nil {
		return err
	}
	if c.Rate < minAAC || c.Rate > maxAAC {
		return fmt.Errorf("%d samples a second: %w", c.Rate, ErrUnsupported)
	}
	return nil
}

func newAACDecoder(f codec.Format, rate int) (codec.Decoder, error) {
	c, err := aacConfig(f)
	if err != nil {
		return nil, err
	}
	d := aac.NewDecoder(c, rate)
	return &aacDecoder{concealer: newConcealer(d.Rate()), state: d}, nil
}

func (d *aacDecoder) Decode(to []int16, payload []byte) ([]int16, error) {
	if len(payload) == 0 {
		return to, errNothing
	}
	start := len(to)
	to, err := d.state.Decode(to, payload)
	d.heard(to[start:])
	return to, err
}
