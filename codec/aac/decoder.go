package aac

import "gateway/codec/bits"

// MaxUnit is how many bytes an access unit has at most: 6144 bits a channel (ISO/IEC 14496-3
// section 4.5.3.2), and what else may stand beside them.
const MaxUnit = 4096

// slack is how many bytes there are behind those that may be read: so many as one
// band of the longest codes takes, after which it is checked.
const slack = 512

// A Decoder decodes the access units of one stream. It belongs to one goroutine.
type Decoder struct {
	rate   int
	size   int // lines that the sound that is given has in each block
	most   int // of these, those that are decoded
	book   *book
	layout *layout
	bank   *bank

	channels [2]channel
	before   [2]bool // the window before fell as a Kaiser-Bessel derived one
	masked   bool    // there are bands of sum and difference, or of intensity with the other sign
	mask     [windows * row]bool
	without  [windows * row]bool
	chance   uint32
	data     [MaxUnit + slack]byte
}

// NewDecoder makes a decoder of a stream for one who wants sound at a rate, in Hz: it gives that of
// the stream, or the half, a quarter or an eighth of it that is not below. 0: that of
// the stream.
func NewDecoder(c Config, wanted int) *Decoder {
	d := &Decoder{rate: Rate(c.Rate, wanted), book: newBook(), layout: newLayout(c.row), chance: 0x1f2e3d4c}
	step := c.Rate / d.rate
	d.size = lines / step
	d.most = d.size
	if d.rate > wanted && wanted > 0 {
		// Who takes it down to the wanted rate leaves out what is above 0.54 of it.
		d.most = min(d.most, (54*wanted*2*lines/c.Rate/100+4)&^3)
	}
	d.bank = newBank(step)
	return d
}

// Rate is at how many samples a second a stream of that rate is decoded for one who wants
// another.
func Rate(stream, wanted int) int {
	rate := stream
	for n := 0; n < 3 && rate%2 == 0 && rate/2 >= wanted && wanted > 0; n++ {
		rate /= 2
	}
	return rate
}

// Rate is how many samples a second there are.
func (d *Decoder) Rate() int { return d.rate }

// Samples is how many samples an access unit gives.
func (d *Decoder) Samples() int { return d.size }

// The syntactic elements (ISO/IEC 14496-3 table 4.85).
const (
	elementOne = iota
	elementPair
	elementCoupling
	elementLow
	elementData
	elementConfig
	elementFill
	elementEnd
)

// Decode appends the sound of one access unit to pcm. An error says that there is none in
// it; the decoder stays good for the next.
//
// What follows the first channel, or pair of channels, is not looked at, nor the lines that
// are not needed of the last: damage there goes unnoticed.
func (d *Decoder) Decode(pcm []int16, unit []byte) ([]int16, error) {
	unit, err := unwrap(unit)
	if err != nil {
		return pcm, err
	}
	if len(unit) > MaxUnit {
		return pcm, malformed("longer than an access unit can be")
	}
	n := copy(d.data[:], unit)
	clear(d.data[n : n+slack])
	r := bits.Reader{Data: d.data[:], End: 8 * n}
	for !r.Over() {
		switch id := r.Take(3); id {
		case elementOne:
			if err := d.one(&r); err != nil {
				return pcm, err
			}
			return d.bank.sound(pcm), nil
		case elementPair:
			if err := d.pair(&r); err != nil {
				return pcm, err
			}
			return d.bank.sound(pcm), nil
		default:
			if err := d.other(&r, id); err != nil {
				return pcm, err
			}
		}
	}
	return pcm, malformed("cut off")
}

// other passes over an element that is not heard.
func (d *Decoder) other(r *bits.Reader, id int) error {
	switch id {
	case elementLow:
		r.Take(4)
		c := &d.channels[0]
		if err := c.read(r, d.book, d.layout, false); err != nil {
			return err
		}
		return d.readLines(r, c, 0, false, nil)
	case elementData:
		r.Take(4)
		aligned, n := r.Flag(), r.Take(8)
		if n == 255 {
			n += r.Take(8)
		}
		if aligned {
			align(r)
		}
		r.At += 8 * n
	case elementConfig:
		passConfig(r)
	case elementFill:
		n := r.Take(4)
		if n == 15 {
			n += r.Take(8) - 1
		}
		r.At += 8 * n
	case elementCoupling:
		return unsupported("coupling")
	default:
		return malformed("nothing to hear")
	}
	return nil
}

func align(r *bits.Reader) { r.At = (r.At + 7) &^ 7 }

// passConfig passes over a program_config_element (ISO/IEC 14496-3 table 4.2).
func passConfig(r *bits.Reader) {
	r.Take(4 + 2 + 4)
	fives := r.Take(4) // elements, of five bits or of four each
	fives += r.Take(4)
	fives += r.Take(4)
	fours := r.Take(2)
	fours += r.Take(3)
	fives += r.Take(4)
	for _, n := range [3]int{4, 4, 3} { // mixdowns
		if r.Flag() {
			r.Take(n)
		}
	}
	r.At += 5*fives + 4*fours
	align(r)
	comment := r.Take(8)
	r.At += 8 * comment
}

// bound is how many lines of each window of a channel are decoded.
func (d *Decoder) bound(c *channel) int {
	n := d.most
	if c.sequence == eightShort {
		n = (n/windows + 3) &^ 3
	}
	return c.reach(d.layout, n)
}

// one decodes a single_channel_element.
func (d *Decoder) one(r *bits.Reader) error {
	c := &d.channels[0]
	r.Take(4)
	if err := c.read(r, d.book, d.layout, false); err != nil {
		return err
	}
	if err := d.readLines(r, c, d.bound(c), true, nil); err != nil {
		return err
	}
	if c.tns.present {
		c.applyTNS(d.layout, d.bound(c))
	}
	d.bank.begin()
	d.bank.add(&c.shape, d.before[0], &c.lines)
	d.before[0] = c.kaiser
	return nil
}
