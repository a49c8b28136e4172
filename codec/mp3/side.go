package mp3

import (
	"errors"

	"gateway/codec/bits"
)

var errSide = errors.New("mp3: malformed side information")

// A granule is what the side information says of one channel's granule (ISO/IEC
// 11172-3 section 2.4.1.7).
type granule struct {
	length   int // of its scale factors and Huffman codes, in bits
	big      int // lines that are coded in pairs
	gain     int
	compress int // which lengths the scale factors have
	block    uint8
	mixed    bool
	tables   [3]uint8
	regions  [3]int // where the lines of each table end
	windows  [3]int // gains of the windows of a short block
	pre      bool
	coarse   bool // scale factors count twice
	quad     int  // table of the quadruples
	shared   int  // bits of what the first granule's scale factors are good for, too
}

// A side is the side information of a frame.
type side struct {
	begin    int // how many bytes before the frame its data begins
	granules [2][2]granule
}

// alike reports whether two blocks are transformed alike.
func (g *granule) alike(o *granule) bool { return g.block == o.block && g.mixed == o.mixed }

// form is which counts of lowCounts a granule has.
func (g *granule) form() int {
	switch {
	case g.block != blockShort:
		return 0
	case g.mixed:
		return 2
	default:
		return 1
	}
}

// read reads the side information that b begins with.
func (s *side) read(h *Header, b []byte) error {
	var data [32 + slack]byte
	copy(data[:], b)
	r := bits.Reader{Data: data[:]}
	count := 2
	if h.low {
		count = 1
		s.begin = r.Take(8)
		r.At += h.Channels
	} else {
		s.begin = r.Take(9)
		r.At += 7 - 2*h.Channels // 5 private bits, or 3
		for c := range h.Channels {
			s.granules[0][c].shared = 0
			s.granules[1][c].shared = r.Take(4)
		}
	}
	for n := range count {
		for c := range h.Channels {
			if err := s.granules[n][c].read(h, &r); err != nil {
				return err
			}
		}
	}
	return nil
}

// length is how many bits all granules have.
func (s *side) length(h *Header) (n int) {
	for i := range h.Samples / lines {
		for c := range h.Channels {
			n += s.granules[i][c].length
		}
	}
	return n
}

func (g *granule) read(h *Header, r *bits.Reader) error {
	g.length, g.big, g.gain = r.Take(12), 2*r.Take(9), r.Take(8)
	if g.big > lines {
		return errSide
	}
	if h.low {
		g.compress = r.Take(9)
		g.shared = 0
	} else {
		g.compress = r.Take(4)
	}
	if r.Flag() {
		if err := g.switched(h, r); err != nil {
			return err
		}
	} else {
		g.block, g.mixed = blockLong, false
		for i := range g.tables {
			g.tables[i] = uint8(r.Take(5))
		}
		first := r.Take(4) + 1
		second := first + r.Take(3) + 1
		g.regions = [3]int{bandEdge(h, first), bandEdge(h, second), lines}
	}
	g.pre = h.low && g.compress >= 500
	if !h.low {
		g.pre = r.Flag()
	}
	g.coarse = r.Flag()
	g.quad = r.Take(1)
	return nil
}

// switched reads what is special for a granule whose windows are not the usual ones.
func (g *granule) switched(h *Header, r *bits.Reader) error {
	g.block = uint8(r.Take(2))
	if g.block == blockLong {
		return errSide
	}
	g.mixed = r.Flag()
	g.tables = [3]uint8{uint8(r.Take(5)), uint8(r.Take(5))}
	for i := range g.windows {
		g.windows[i] = r.Take(3)
	}
	end := bandEdge(h, 8)
	if g.block == blockShort {
		end = 9 * int(bandWidths[h.row].short[0]) // three windows of three bands
	}
	g.regions = [3]int{end, lines, lines}
	return nil
}

// bandEdge is the line at which a band of long blocks begins.
func bandEdge(h *Header, band int) int {
	edge := 0
	for _, w := range bandWidths[h.row].long[:min(band, longBands)] {
		edge += int(w)
	}
	return edge
}
