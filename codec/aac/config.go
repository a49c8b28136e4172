package aac

import (
	"errors"
	"fmt"

	"gateway/codec/bits"
)

// What can be wrong with a stream: it is malformed, or of a kind that is not decoded.
var (
	ErrMalformed   = errors.New("aac: malformed")
	ErrUnsupported = errors.New("aac: unsupported")
)

func malformed(what string) error { return fmt.Errorf("%w: %s", ErrMalformed, what) }

func unsupported(what string) error { return fmt.Errorf("%w: %s", ErrUnsupported, what) }

// maxConfig is how many bytes of a configuration are looked at.
const maxConfig = 64

// A Config is what an AudioSpecificConfig says (ISO/IEC 14496-3 section 1.6.2.1).
type Config struct {
	Rate     int  // samples a second, of the core
	Channels int  // of the core: 1 or 2
	SBR, PS  bool // there is more for HE-AAC's decoders: sound above the half of Rate; a second channel

	row int // of the tables by rate
}

// The audio object types that matter (ISO/IEC 14496-3 table 1.17).
const (
	typeLC  = 2
	typeSBR = 5
	typePS  = 29

	typeEscape = 31
)

// ParseConfig reads an AudioSpecificConfig. It fails with ErrMalformed, or with
// ErrUnsupported where the stream can't be decoded.
func ParseConfig(b []byte) (Config, error) {
	var data [maxConfig + slack]byte
	r := bits.Reader{Data: data[:], End: 8 * copy(data[:maxConfig], b)}
	var c Config
	kind := objectType(&r)
	ok := c.readRate(&r)
	c.Channels = r.Take(4)
	if kind == typeSBR || kind == typePS { // what follows is the core's
		c.SBR, c.PS = true, kind == typePS
		var above Config
		ok = above.readRate(&r) && ok
		kind = objectType(&r)
	}
	if r.Over() || !ok {
		return c, malformed("configuration")
	}
	if kind != typeLC {
		return c, unsupported(fmt.Sprintf("audio object type %d", kind))
	}
	short := r.Flag()
	if r.Flag() { // it depends on a core coder, whose delay follows
		r.Take(14)
	}
	r.Flag() // nothing follows for this type
	switch {
	case r.Over():
		return c, malformed("configuration")
	case short:
		return c, unsupported("frames of 960 samples")
	case c.Channels < 1 || c.Channels > 2:
		return c, unsupported(fmt.Sprintf("channel configuration %d", c.Channels))
	}
	c.readMore(&r)
	return c, nil
}

// objectType reads an audio object type.
func objectType(r *bits.Reader) int {
	kind := r.Take(5)
	if kind == typeEscape {
		kind = 32 + r.Take(6)
	}
	return kind
}

// readRate reads a sampling rate: that of a table, or its own.
func (c *Config) readRate(r *bits.Reader) bool {
	const own = 15
	row := r.Take(4)
	switch {
	case row == own:
		c.Rate = r.Take(24)
		c.row = rowOf(c.Rate)
	case row < len(rates):
		c.Rate, c.row = rates[row], row
	}
	return c.Rate > 0
}

// rowOf is the row of the tables for a rate that is none of theirs (ISO/IEC 14496-3 table 4.82).
func rowOf(rate int) int {
	for i, least := range [...]int{92017, 75132, 55426, 46009, 37566, 27713, 23004, 18783, 13856, 11502, 9391} {
		if rate >= least {
			return i
		}
	}
	return 11
}

// readMore reads what may stand behind a configuration, for those who know of it (ISO/IEC
// 14496-3 section 1.6.5.2, backward compatible signalling).
func (c *Config) readMore(r *bits.Reader) {
	const syncSBR, syncPS = 0x2b7, 0x548
	if r.End-r.At < 16 || r.Take(11) != syncSBR || objectType(r) != typeSBR || !r.Flag() {
		return
	}
	c.SBR = true
	var above Config
	if above.readRate(r) && r.End-r.At >= 12 && r.Take(11) == syncPS {
		c.PS = r.Flag()
	}
}
