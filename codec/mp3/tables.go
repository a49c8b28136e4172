package mp3

const (
	lines  = 576 // of a granule
	bands  = 32  // of the filter bank
	inBand = lines / bands
)

// The kinds of blocks (ISO/IEC 11172-3 section 2.4.2.7).
const (
	blockLong = iota
	blockStart
	blockShort
	blockStop
)

// Scale factor bands.
const (
	longBands  = 22
	shortBands = 13
)

// widths are those of the scale factor bands at one sampling rate: of long blocks, and of
// each of the three windows of a short one (ISO/IEC 11172-3 table B.8, 13818-3 table B.2).
type widths struct {
	long  [longBands]uint8
	short [shortBands]uint8
}

// low22 serves three of the rates.
var low22 = [longBands]uint8{6, 6, 6, 6, 6, 6, 8, 10, 12, 14, 16, 20, 24, 28, 32, 38, 46, 52, 60, 68, 58, 54}

// bandWidths are they by Header.row.
var bandWidths = [9]widths{
	{ // 44.1 kHz
		[longBands]uint8{4, 4, 4, 4, 4, 4, 6, 6, 8, 8, 10, 12, 16, 20, 24, 28, 34, 42, 50, 54, 76, 158},
		[shortBands]uint8{4, 4, 4, 4, 6, 8, 10, 12, 14, 18, 22, 30, 56},
	},
	{ // 48 kHz
		[longBands]uint8{4, 4, 4, 4, 4, 4, 6, 6, 6, 8, 10, 12, 16, 18, 22, 28, 34, 40, 46, 54, 54, 192},
		[shortBands]uint8{4, 4, 4, 4, 6, 6, 10, 12, 14, 16, 20, 26, 66},
	},
	{ // 32 kHz
		[longBands]uint8{4, 4, 4, 4, 4, 4, 6, 6, 8, 10, 12, 16, 20, 24, 30, 38, 46, 56, 68, 84, 102, 26},
		[shortBands]uint8{4, 4, 4, 4, 6, 8, 12, 16, 20, 26, 34, 42, 12},
	},
	{low22, [shortBands]uint8{4, 4, 4, 6, 6, 8, 10, 14, 18, 26, 32, 42, 18}}, // 22.05 kHz
	{ // 24 kHz
		[longBands]uint8{6, 6, 6, 6, 6, 6, 8, 10, 12, 14, 16, 18, 22, 26, 32, 38, 46, 54, 62, 70, 76, 36},
		[shortBands]uint8{4, 4, 4, 6, 8, 10, 12, 14, 18, 24, 32, 44, 12},
	},
	{low22, [shortBands]uint8{4, 4, 4, 6, 8, 10, 12, 14, 18, 24, 30, 40, 18}}, // 16 kHz
	{low22, [shortBands]uint8{4, 4, 4, 6, 8, 10, 12, 14, 18, 24, 30, 40, 18}}, // 11.025 kHz
	{low22, [shortBands]uint8{4, 4, 4, 6, 8, 10, 12, 14, 18, 24, 30, 40, 18}}, // 12 kHz
	{ // 8 kHz
		[longBands]uint8{12, 12, 12, 12, 12, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64, 76, 90, 2, 2, 2, 2, 2},
		[shortBands]uint8{8, 8, 8, 12, 16, 20, 24, 28, 36, 2, 2, 2, 26},
	},
}

// preemphasis is added to the scale factors of long blocks that ask for it (ISO/IEC
// 11172-3 table B.6).
var preemphasis = [longBands]uint8{11: 1, 1, 1, 1, 2, 2, 3, 3, 3, 2, 0}

// scaleBits are the lengths of scale factors of MPEG-1, of the lower bands and the higher
// (ISO/IEC 11172-3 section 2.4.2.7, scalefac_compress).
var scaleBits = [16][2]uint8{
	{0, 0}, {0, 1}, {0, 2}, {0, 3}, {3, 0}, {1, 1}, {1, 2}, {1, 3}, {2, 1}, {2, 2}, {2, 3}, {3, 1}, {3, 2}, {3, 3}, {4, 2}, {4, 3},
}

// lowCounts are how many scale factors of MPEG-2 have one length: for six ranges of
// scalefac_compress, of which the last three are the right channel's with intensity; for
// long blocks, short ones and mixed ones (ISO/IEC 13818-3 section 2.4.3.2).
var lowCounts = [6][3][4]uint8{
	{{6, 5, 5, 5}, {9, 9, 9, 9}, {6, 9, 9, 9}},
	{{6, 5, 7, 3}, {9, 9, 12, 6}, {6, 9, 12, 6}},
	{{11, 10, 0, 0}, {18, 18, 0, 0}, {15, 18, 0, 0}},
	{{7, 7, 7, 0}, {12, 12, 12, 0}, {6, 15, 12, 0}},
	{{6, 6, 6, 3}, {12, 9, 9, 6}, {6, 12, 9, 6}},
	{{8, 8, 5, 0}, {15, 12, 9, 0}, {6, 18, 9, 0}},
}

// aliasing are the coefficients between neighbouring bands (ISO/IEC 11172-3 table B.9).
var aliasing = [8]float64{-0.6, -0.535, -0.33, -0.185, -0.095, -0.041, -0.0142, -0.0037}
