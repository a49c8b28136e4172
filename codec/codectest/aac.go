package codectest

import (
	"math/rand/v2"

	"gateway/codec/aac/codebook"
)

// An AACKind says which access units of AAC-LC are made.
type AACKind struct {
	Row    int  // of the sampling rates in ISO/IEC 14496-3 table 1.18
	Pair   bool // two channels
	Common bool // which have windows in common, and joint stereo
}

// An AACMaker makes access units of which all is chance, within what is legal: all kinds of
// blocks, codebooks and tools.
type AACMaker struct {
	Kind   AACKind
	Random *rand.Rand

	bits  bitWriter
	last  [2]int // each channel's sequence of windows
	shape aacShape
	kinds [2][8][51]int // codebooks, by channel, group and band
}

type aacShape struct {
	sequence, bands, groups int
	length                  [8]int
}

// aacWidths are the bands, long and short, by the row of the rate (ISO/IEC 14496-3 tables
// 4.129 to 4.147): how often there is each width.
var aacWidths = [13][2][][2]int{
	0: {{{14, 4}, {5, 8}, {5, 12}, {2, 16}, {1, 24}, {1, 28}, {1, 36}, {1, 44}, {11, 64}}, {{6, 4}, {3, 8}, {1, 16}, {1, 28}, {1, 36}}},
	2: {{{14, 4}, {4, 8}, {3, 12}, {3, 16}, {1, 20}, {2, 24}, {1, 28}, {1, 36}, {18, 40}}, {{6, 4}, {3, 8}, {1, 16}, {1, 28}, {1, 36}}},
	3: {{{10, 4}, {7, 8}, {4, 12}, {2, 16}, {2, 20}, {2, 24}, {2, 28}, {19, 32}, {1, 96}}, {{5, 4}, {3, 8}, {3, 12}, {3, 16}}},
	5: {{{10, 4}, {7, 8}, {4, 12}, {2, 16}, {2, 20}, {2, 24}, {2, 28}, {22, 32}}, {{5, 4}, {3, 8}, {3, 12}, {3, 16}}},
	6: {{{11, 4}, {10, 8}, {4, 12}, {3, 16}, {2, 20}, {2, 24}, {2, 28}, {1, 32}, {2, 36}, {1, 40}, {1, 44}, {1, 48}, {2, 52}, {5, 64}},
		{{7, 4}, {3, 8}, {2, 12}, {2, 16}, {1, 20}}},
	8: {{{11, 8}, {9, 12}, {4, 16}, {3, 20}, {2, 24}, {2, 28}, {1, 32}, {1, 36}, {2, 40}, {1, 44}, {1, 48}, {1, 52}, {1, 56}, {1, 60}, {3, 64}},
		{{8, 4}, {2, 8}, {2, 12}, {1, 16}, {2, 20}}},
	11: {{{13, 12}, {7, 16}, {4, 20}, {3, 24}, {2, 28}, {1, 32}, {2, 36}, {1, 40}, {1, 44}, {1, 48}, {1, 52}, {1, 56}, {1, 60}, {1, 64}, {1, 80}},
		{{7, 4}, {4, 8}, {1, 12}, {1, 16}, {2, 20}}},
}

// widths are those of the bands of the kind.
func (m *AACMaker) widths() (all []int) {
	r := m.Kind.Row
	for len(aacWidths[r][0]) == 0 {
		r-- // those of the rate above
	}
	short := 0
	if m.shape.sequence == 2 {
		short = 1
	}
	for _, w := range aacWidths[r][short] {
		for range w[0] {
			all = append(all, w[1])
		}
	}
	return all
}

// Unit is the next access unit.
func (m *AACMaker) Unit() []byte {
	m.bits = bitWriter{}
	w := &m.bits
	m.before()
	if !m.Kind.Pair {
		w.put(3+4, 0)
		m.begin(0)
		m.channel(0, false)
	} else {
		w.put(3, 1)
		w.put(4, 0)
		w.put(1, bit(m.Kind.Common))
		if m.Kind.Common {
			m.begin(0)
			m.last[1] = m.last[0]
			m.writeShape()
			m.mask()
		}
		for c := range 2 {
			if !m.Kind.Common {
				m.begin(c)
			}
			m.channel(c, m.Kind.Common)
		}
	}
	w.put(3, 7)
	return w.data
}

// before writes what may stand before the sound: data of a stream of its own, or nothing.
func (m *AACMaker) before() {
	if n := m.Random.IntN(6); n < 3 {
		m.bits.put(3, 4)
		m.bits.put(4, 0)
		m.bits.put(1, 1)
		m.bits.put(8, n)
		for m.bits.n%8 > 0 {
			m.bits.put(1, 0)
		}
		m.bits.put(8*n, 0)
	}
}

func bit(v bool) int {
	if v {
		return 1
	}
	return 0
}

// begin chooses a channel's windows: short ones come behind others that lead to them.
func (m *AACMaker) begin(c int) {
	r := m.Random
	sequence := r.IntN(2)
	if last := m.last[c]; last == 1 || last == 2 {
		sequence = 2 + r.IntN(2)
	}
	m.last[c] = sequence
	m.shape = aacShape{sequence: sequence, groups: 1}
	m.shape.bands = r.IntN(len(m.widths()) + 1)
	m.shape.length[0] = 1
	if m.shape.sequence == 2 {
		for range 7 {
			m.shape.groups += r.IntN(2)
			m.shape.length[m.shape.groups-1]++
		}
	}
}

// writeShape writes ics_info.
func (m *AACMaker) writeShape() {
	w, s := &m.bits, &m.shape
	w.put(1, 0)
	w.put(2, s.sequence)
	w.put(1, m.Random.IntN(2))
	if s.sequence != 2 {
		w.put(6, s.bands)
		w.put(1, 0)
		return
	}
	w.put(4, s.bands)
	for g := range s.groups {
		for i := range s.length[g] {
			if g > 0 || i > 0 {
				w.put(1, bit(i > 0))
			}
		}
	}
}

// mask writes which bands have sum and difference, or intensity with the other sign.
func (m *AACMaker) mask() {
	kind := m.Random.IntN(2)
	m.bits.put(2, kind)
	for range kind * m.shape.groups * m.shape.bands {
		m.bits.put(1, m.Random.IntN(2))
	}
}

// code writes a word of a code, by chance, and returns its digits.
func (m *AACMaker) code(c codebook.Code) string {
	chance := m.Random.Float64()
	for i := range c.Lengths {
		n := int(c.Lengths[i]-'a') + 1
		if chance -= 1 / float64(int(1)<<n); chance < 0 {
			return m.word(c, i)
		}
	}
	return m.word(c, len(c.Lengths)-1)
}

// word writes that of leaf i.
func (m *AACMaker) word(c codebook.Code, i int) string {
	at := uint64(0)
	for k := range i {
		at += 1 << (32 - (c.Lengths[k] - 'a' + 1))
	}
	n := int(c.Lengths[i]-'a') + 1
	m.bits.put(n, int(at>>(32-n)))
	digits := len(c.Values) / len(c.Lengths)
	return c.Values[i*digits : (i+1)*digits]
}

// AACWith is an access unit with a fill element of a type before its end, which is three ones:
// what HE-AAC's encoders have there has the types 13 and 14 (ISO/IEC 14496-3 table 4.105).
func AACWith(unit []byte, kind byte, data []byte) []byte {
	end := 8 * len(unit)
	for unit[(end-1)/8]>>(7-(end-1)%8)&1 == 0 {
		end--
	}
	var w bitWriter
	for i := range end - 3 {
		w.put(1, int(unit[i/8]>>(7-i%8)&1))
	}
	w.fill(append([]byte{kind << 4}, data...))
	w.put(3, 7)
	return w.data
}

// fill writes a fill element.
func (w *bitWriter) fill(data []byte) {
	const whole = 15 // of more, the rest is counted behind
	w.put(3, 6)
	if n := len(data); n < whole {
		w.put(4, n)
	} else {
		w.put(4, whole)
		w.put(8, n-whole+1)
	}
	for _, b := range data {
		w.put(8, int(b))
	}
}
