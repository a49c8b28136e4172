package aac

const (
	lines     = 1024 // of a long block
	windows   = 8    // short blocks in place of one
	shortLine = lines / windows
	maxBands  = 51 // scale factor bands of a long block; of short ones: 8 times 15, at most
)

// The sequences of windows (ISO/IEC 14496-3 table 4.109).
const (
	onlyLong = iota
	longStart
	eightShort
	longStop
)

// The numbers of spectral codebooks (ISO/IEC 14496-3 table 4.110).
const (
	spectralBooks = 11
	bookZero      = 0
	bookSigned    = 6 // those above have signs behind the code, as have
	bookUnsigned  = 3 // this and the next
	bookPairs     = 5 // from here on
	bookEscape    = 11
	bookReserved  = 12
	bookNoise     = 13
	bookOutPhase  = 14
	bookInPhase   = 15
)

// rates are the sampling rates, in Hz (ISO/IEC 14496-3 table 1.18).
var rates = [13]int{96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350}

// A layout is how lines are told apart into scale factor bands at some rates (ISO/IEC
// 14496-3 tables 4.129 to 4.147): where each begins, and the end.
type layout struct {
	long, short []int16
	// tnsLong and tnsShort are the bands that TNS reaches at most (table 4.157).
	tnsLong, tnsShort int
}

// bandWidths have a row each: the widths of long and short bands.
var longWidths = [7][]uint8{
	{4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 8, 8, 8, 8, 8, 12, 12, 12, 12, 12, 16, 16, 24, 28, 36, 44, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64},
	{4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 16, 16, 16, 20, 24, 24, 28, 36, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40, 40},
	{4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 8, 8, 8, 8, 8, 8, 8, 12, 12, 12, 12, 16, 16, 20, 20, 24, 24, 28, 28, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 96},
	{4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 8, 8, 8, 8, 8, 8, 8, 12, 12, 12, 12, 16, 16, 20, 20, 24, 24, 28, 28, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32, 32},
	{4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 12, 12, 12, 12, 16, 16, 16, 20, 20, 24, 24, 28, 28, 32, 36, 36, 40, 44, 48, 52, 52, 64, 64, 64, 64, 64},
	{8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 12, 12, 12, 12, 12, 12, 12, 12, 12, 16, 16, 16, 16, 20, 20, 20, 24, 24, 28, 28, 32, 36, 40, 40, 44, 48, 52, 56, 60, 64, 64, 64},
	{12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 12, 16, 16, 16, 16, 16, 16, 16, 20, 20, 20, 20, 24, 24, 24, 28, 28, 32, 36, 36, 40, 44, 48, 52, 56, 60, 64, 80},
}

var shortWidths = [5][]uint8{
	{4, 4, 4, 4, 4, 4, 8, 8, 8, 16, 28, 36},
	{4, 4, 4, 4, 4, 8, 8, 8, 12, 12, 12, 16, 16, 16},
	{4, 4, 4, 4, 4, 4, 4, 8, 8, 8, 12, 12, 16, 16, 20},
	{4, 4, 4, 4, 4, 4, 4, 4, 8, 8, 12, 12, 16, 20, 20},
	{4, 4, 4, 4, 4, 4, 4, 8, 8, 8, 8, 12, 16, 20, 20},
}

// layoutRows are, by the row of a rate, those of longWidths and shortWidths, and the bands that
// TNS reaches.
var layoutRows = [13]struct{ long, short, tnsLong, tnsShort int }{
	{0, 0, 31, 9}, {0, 0, 31, 9}, {1, 0, 34, 10}, {2, 1, 40, 14}, {2, 1, 42, 14}, {3, 1, 51, 14}, {4, 2, 46, 14},
	{4, 2, 46, 14}, {5, 3, 42, 14}, {5, 3, 42, 14}, {5, 3, 42, 14}, {6, 4, 39, 14}, {6, 4, 39, 14},
}

func newLayout(row int) *layout {
	r := layoutRows[row]
	return &layout{long: edges(longWidths[r.long]), short: edges(shortWidths[r.short]), tnsLong: r.tnsLong, tnsShort: r.tnsShort}
}

// edges are where bands of such widths begin, and the end of the last.
func edges(widths []uint8) []int16 {
	all := make([]int16, 1, len(widths)+1)
	for _, w := range widths {
		all = append(all, all[len(all)-1]+int16(w))
	}
	return all
}
