package speex

// What the format fixes, in samples at the rate of the band.
const (
	frameLen   = 160 // of the narrowband part: 20 ms
	subLen     = 40  // of its four subframes
	subframes  = 4
	order      = 10 // of its prediction filter
	wideOrder  = 8  // of those of the layers
	pitchMin   = 17
	pitchMax   = 144
	modeBits   = 5 // a 0 and the mode, before each narrowband part
	layerBits  = 4 // a 1 and the mode, before each layer
	terminator = 15
	inband     = 14 // a signal to the other side's codec
	userInband = 13 // one of an application
)

// A shape is a codebook of the innovation: n vectors of dim samples make up a
// subframe.
type shape struct {
	dim, n int
	bits   int // of the number of a vector
	sign   int // 1 where another bit turns it around
	book   []float32
}

// A narrowMode is one of the modes of the narrowband part (Speex manual, table
// 9.2).
type narrowMode struct {
	bits     int  // of a frame, its head included
	fine     bool // five stages of line spectral pairs, not three
	openLoop bool // one pitch for the whole frame
	forced   bool // and one gain
	gains    []int8
	gainBits int
	energy   []float32 // corrections of the gain by subframe; none where empty
	energyAt []float32 // the bounds between them
	shape    *shape    // nil for noise
	twice    bool      // a second vector refines the first
	comb     float32   // how much the enhancement may do
}

// A wideMode is one of the modes of a layer (table 10.1).
type wideMode struct {
	bits  int
	shape *shape // nil where the lower band is folded up
	twice bool
}

var (
	energy1   = []float32{0.70469, 1.05127}
	energyAt1 = []float32{0.87798}
	energy3   = []float32{0.061130, 0.163546, 0.310413, 0.428220, 0.555887, 0.719055, 0.938694, 1.326874}
	energyAt3 = []float32{0.112338, 0.236980, 0.369316, 0.492054, 0.637471, 0.828874, 1.132784}

	shapeNarrow10x16 = shape{dim: 10, n: 4, bits: 4, book: scaled(shape10x16[:])}
	shapeNarrow10x32 = shape{dim: 10, n: 4, bits: 5, book: scaled(shape10x32[:])}
	shapeNarrow20x32 = shape{dim: 20, n: 2, bits: 5, book: scaled(shape20x32[:])}
	shapeNarrow5x64  = shape{dim: 5, n: 8, bits: 6, book: scaled(shape5x64[:])}
	shapeNarrow8x128 = shape{dim: 8, n: 5, bits: 7, book: scaled(shape8x128[:])}
	shapeNarrow5x256 = shape{dim: 5, n: 8, bits: 8, book: scaled(shape5x256[:])}
	shapeWide10x32   = shape{dim: 10, n: 4, bits: 5, book: scaled(wide10x32[:])}
	shapeWide8x128   = shape{dim: 8, n: 5, bits: 7, sign: 1, book: scaled(wide8x128[:])}
)

// scaled is the vectors of a codebook as they are used.
func scaled(book []int8) []float32 {
	out := make([]float32, len(book))
	for i, v := range book {
		out[i] = float32(v) / 32
	}
	return out
}

// narrowModes are the modes by their number. Mode 0 says that nothing is sent.
var narrowModes = [...]narrowMode{
	{bits: modeBits},
	{bits: 43, openLoop: true, forced: true, comb: -1},
	{bits: 119, openLoop: true, gains: gains32[:], gainBits: 5, shape: &shapeNarrow10x16, comb: .6},
	{bits: 160, gains: gains32[:], gainBits: 5, energy: energy1, energyAt: energyAt1, shape: &shapeNarrow10x32, comb: .55},
	{bits: 220, gains: gains32[:], gainBits: 5, energy: energy1, energyAt: energyAt1, shape: &shapeNarrow8x128, comb: .45},
	{bits: 300, fine: true, gains: gains128[:], gainBits: 7, energy: energy3, energyAt: energyAt3, shape: &shapeNarrow5x64, comb: .25},
	{bits: 364, fine: true, gains: gains128[:], gainBits: 7, energy: energy3, energyAt: energyAt3, shape: &shapeNarrow5x256, comb: .15},
	{bits: 492, fine: true, gains: gains128[:], gainBits: 7, energy: energy3, energyAt: energyAt3, shape: &shapeNarrow5x64, twice: true, comb: .05},
	{bits: 79, openLoop: true, forced: true, shape: &shapeNarrow20x32, comb: .5},
}

// wideModes are the modes of a layer by their number. Mode 0 says that the band
// is empty.
var wideModes = [...]wideMode{
	{bits: layerBits},
	{bits: 36},
	{bits: 112, shape: &shapeWide10x32},
	{bits: 192, shape: &shapeWide8x128},
	{bits: 352, shape: &shapeWide8x128, twice: true},
}

// A Mode says how an Encoder encodes.
type Mode struct {
	// Narrow is the mode of the narrowband part, 0 to 8.
	Narrow int
	// Wide is that of the layer above, 0 to 4. It counts at 16 kHz only.
	Wide int
}

// Quality is the mode that the reference encoder takes at a sampling rate (8000
// or 16000) for a quality from 0 to 10; one outside is the next that exists.
func Quality(rate, q int) Mode {
	q = min(max(q, 0), 10)
	if rate <= 8000 {
		return Mode{Narrow: [...]int{1, 8, 2, 3, 3, 4, 4, 5, 5, 6, 7}[q]}
	}
	return Mode{
		Narrow: [...]int{1, 8, 2, 3, 4, 5, 5, 6, 6, 7, 7}[q],
		Wide:   [...]int{1, 1, 1, 1, 1, 1, 2, 2, 3, 3, 4}[q],
	}
}

// Bits is how many bits a frame of m has at a sampling rate.
func (m Mode) Bits(rate int) int {
	bits := narrowModes[m.Narrow].bits
	if rate > 8000 {
		bits += wideModes[m.Wide].bits
	}
	return bits
}

func (m Mode) valid() bool {
	return m.Narrow >= 0 && m.Narrow < len(narrowModes) && m.Wide >= 0 && m.Wide < len(wideModes)
}
