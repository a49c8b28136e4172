package aac

import (
	"math"

	"gateway/codec/bits"
)

// A shape is how a channel's lines came to be: which windows there are and how they are
// grouped (ISO/IEC 14496-3 section 4.5.2.3.4).
type shape struct {
	sequence uint8
	kaiser   bool  // the window that falls is Kaiser-Bessel derived, not a sine
	most     uint8 // bands that are there
	groups   uint8
	length   [windows]uint8 // windows in each group
}

// A channel is what an access unit says of one channel.
type channel struct {
	shape
	gain  int
	books [windows * 16]uint8 // by group and band: of windows, 16 bands each; of a long block, one row
	sizes [windows * 16]int16 // scale factors, or positions of intensity, or energies of noise
	pulse pulse
	tns   tns
	lines [lines]float32
}

// A pulse is what a long block's lines are to be greater by (ISO/IEC 14496-3 section 4.6.3).
type pulse struct {
	count int
	at    [4]int
	by    [4]float32
}

// row is how far the bands of two groups are apart in books and sizes.
const row = 16

// read reads ics_info (ISO/IEC 14496-3 table 4.6).
func (s *shape) read(r *bits.Reader, l *layout) error {
	r.Take(1)
	*s = shape{sequence: uint8(r.Take(2)), kaiser: r.Flag(), groups: 1}
	s.length[0] = 1
	if s.sequence == eightShort {
		s.most = uint8(r.Take(4))
		for range windows - 1 {
			if !r.Flag() {
				s.groups++
			}
			s.length[s.groups-1]++
		}
	} else {
		s.most = uint8(r.Take(6))
		if r.Flag() {
			return unsupported("prediction")
		}
	}
	if int(s.most) >= len(s.edges(l)) {
		return malformed("more bands than there are")
	}
	return nil
}

// edges are those of the bands.
func (s *shape) edges(l *layout) []int16 {
	if s.sequence == eightShort {
		return l.short
	}
	return l.long
}

// alike reports whether two channels' lines are transformed alike.
func (s *shape) alike(o *shape) bool { return s.sequence == o.sequence && s.kaiser == o.kaiser }

// read reads what goes before the lines of an individual_channel_stream (ISO/IEC 14496-3
// table 4.44). common: the shape is known.
func (c *channel) read(r *bits.Reader, b *book, l *layout, common bool) error {
	c.gain = r.Take(8)
	if !common {
		if err := c.shape.read(r, l); err != nil {
			return err
		}
	}
	if err := c.readBooks(r); err != nil {
		return err
	}
	if err := c.readSizes(r, b); err != nil {
		return err
	}
	c.pulse.count = 0
	if r.Flag() {
		if err := c.readPulse(r, l); err != nil {
			return err
		}
	}
	c.tns.present = r.Flag()
	if c.tns.present {
		if err := c.tns.read(r, c.sequence == eightShort); err != nil {
			return err
		}
	}
	switch {
	case r.Over():
		return malformed("cut off")
	case r.Flag():
		return unsupported("gain control")
	}
	return nil
}

// readBooks reads which codebook each band has: section_data (ISO/IEC 14496-3 table 4.46).
func (c *channel) readBooks(r *bits.Reader) error {
	width := 5
	if c.sequence == eightShort {
		width = 3
	}
	for g := range int(c.groups) {
		books := c.books[row*g:]
		for at := 0; at < int(c.most); {
			book, size := r.Take(4), 0
			for {
				n := r.Take(width)
				size += n
				if n < 1<<width-1 || r.Over() {
					break
				}
			}
			if r.Over() || book == bookReserved || at+size > int(c.most) {
				return malformed("sections")
			}
			for i := range books[at : at+size] {
				books[at+i] = uint8(book)
			}
			at += size
		}
	}
	return nil
}

// readSizes reads the scale factors (ISO/IEC 14496-3 table 4.47), each as the difference
// from the last of its kind.
func (c *channel) readSizes(r *bits.Reader, b *book) error {
	const noiseOffset, firstNoise, center = 90, 256, 60
	size, position, noise := c.gain, 0, c.gain-noiseOffset
	first := true
	for g := range int(c.groups) {
		for i := row * g; i < row*g+int(c.most); i++ {
			switch book := c.books[i]; {
			case book == bookZero:
				c.sizes[i] = 0
			case book >= bookOutPhase:
				position += b.scale.Read(r) - center
				c.sizes[i] = int16(min(max(position, -155), 100))
			case book == bookNoise && first:
				noise += r.Take(9) - firstNoise
				first = false
				c.sizes[i] = int16(min(max(noise, -100), 155))
			case book == bookNoise:
				noise += b.scale.Read(r) - center
				c.sizes[i] = int16(min(max(noise, -100), 155))
			default:
				size += b.scale.Read(r) - center
				if size < 0 || size > 255 {
					return malformed("scale factors")
				}
				c.sizes[i] = int16(size)
			}
			if r.Over() {
				return malformed("cut off")
			}
		}
	}
	return nil
}

// readPulse reads pulse_data (ISO/IEC 14496-3 table 4.7).
func (c *channel) readPulse(r *bits.Reader, l *layout) error {
	if c.sequence == eightShort {
		return malformed("pulses in short blocks")
	}
	c.pulse.count = 1 + r.Take(2)
	band := r.Take(6)
	if band >= len(l.long)-1 {
		return malformed("pulses above all bands")
	}
	at := int(l.long[band])
	for i := range c.pulse.count {
		at += r.Take(5)
		if at >= lines {
			return malformed("pulses above all lines")
		}
		c.pulse.at[i], c.pulse.by[i] = at, float32(r.Take(4))
	}
	return nil
}

// factor is what lines are multiplied by of a scale factor: 2 to the power of n/4.
func factor(n int) float32 {
	roots := [4]float64{1, 1.189207115002721, math.Sqrt2, 1.681792830507429}
	return float32(math.Ldexp(roots[n&3], n>>2))
}
