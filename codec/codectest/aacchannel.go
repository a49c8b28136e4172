package codectest

import "gateway/codec/aac/codebook"

// The codebooks that mean something else.
const (
	aacEscape   = 11
	aacNoise    = 13
	aacOutPhase = 14
	aacInPhase  = 15
)

// channel writes an individual_channel_stream.
func (m *AACMaker) channel(c int, common bool) {
	w := &m.bits
	gain := 135 + m.Random.IntN(16)
	w.put(8, gain)
	if !common {
		m.writeShape()
	}
	m.sections(c, common)
	m.scales(c, gain)
	m.pulses()
	m.tns()
	w.put(1, 0)
	m.spectrum(c)
}

// sections gives each band a codebook.
func (m *AACMaker) sections(c int, common bool) {
	width := 5
	if m.shape.sequence == 2 {
		width = 3
	}
	for g := range m.shape.groups {
		for at := 0; at < m.shape.bands; {
			n, kind := 1+m.Random.IntN(m.shape.bands-at), m.kind(c, common)
			if m.Random.IntN(2) == 0 {
				n = min(n, 4)
			}
			if kind >= aacNoise { // two kinds of noise in one band are alike by chance only
				for i := at; i < at+n; i++ {
					if c == 1 && m.kinds[0][g][i] >= aacNoise && kind == aacNoise {
						kind = 0
					}
				}
			}
			m.bits.put(4, kind)
			for i := range n {
				m.kinds[c][g][at+i] = kind
			}
			at += n
			for most := 1<<width - 1; n >= most; n -= most {
				m.bits.put(width, most)
			}
			m.bits.put(width, n)
		}
	}
}

// kind is a codebook.
func (m *AACMaker) kind(c int, common bool) int {
	for {
		k := m.Random.IntN(16)
		if k == 12 || k > aacNoise && (c == 0 || !common) {
			continue
		}
		return k
	}
}

// scales writes the scale factors: small steps, but where that would lead too far.
func (m *AACMaker) scales(c, gain int) {
	const center = 60
	at := [3]int{} // scale factors, noise, positions, from where they began
	first := true
	for g := range m.shape.groups {
		for i := range m.shape.bands {
			kind := 0
			switch k := m.kinds[c][g][i]; {
			case k == 0:
				continue
			case k == aacNoise && first:
				first = false
				// The first stands by itself: of the loudness that lines have.
				m.bits.put(9, 256+90-gain+55+m.Random.IntN(8))
				continue
			case k == aacNoise:
				kind = 1
			case k > aacNoise:
				kind = 2
			}
			step := m.Random.IntN(13) - 6
			if at[kind]+step > 12 || at[kind]+step < -12 {
				step = 0
			}
			at[kind] += step
			for leaf := range codebook.Scale.Lengths {
				if v := codebook.Scale.Values[2*leaf : 2*leaf+2]; int(aacDigit(v[0]))<<4+int(aacDigit(v[1])) == step+center {
					m.word(codebook.Scale, leaf)
				}
			}
		}
	}
}

func aacDigit(c byte) byte {
	if c >= 'a' {
		return c - 'a' + 10
	}
	return c - '0'
}

// pulses writes pulse_data, or none. All are in bands that there are: of the others nobody
// has said how great they were.
func (m *AACMaker) pulses() {
	r, w := m.Random, &m.bits
	if m.shape.sequence == 2 || m.shape.bands == 0 || r.IntN(4) > 0 {
		w.put(1, 0)
		return
	}
	w.put(1, 1)
	n, band := r.IntN(4), r.IntN(m.shape.bands)
	w.put(2, n)
	w.put(6, band)
	room := 0
	for _, width := range m.widths()[band:m.shape.bands] {
		room += width
	}
	for range n + 1 {
		by := r.IntN(min(room, 32))
		room -= by
		w.put(5, by)
		w.put(4, r.IntN(16))
	}
}

// tns writes tns_data, or none.
func (m *AACMaker) tns() {
	r, w := m.Random, &m.bits
	if r.IntN(2) > 0 {
		w.put(1, 0)
		return
	}
	w.put(1, 1)
	all, most, bandBits, orderBits, order := 1, 4, 6, 5, 13
	if m.shape.sequence == 2 {
		all, most, bandBits, orderBits, order = 8, 2, 4, 3, 8
	}
	for range all {
		n := r.IntN(most)
		w.put(most/2, n) // two bits, or one
		if n == 0 {
			continue
		}
		width := r.IntN(2)
		w.put(1, width)
		for range n {
			w.put(bandBits, r.IntN(1<<bandBits))
			n := r.IntN(order)
			w.put(orderBits, n)
			if n == 0 {
				continue
			}
			w.put(1, r.IntN(2))
			less := r.IntN(2)
			w.put(1, less)
			for k := range n {
				// The higher ones are small, so that it does not get too loud.
				v := r.IntN(1<<(3+width-less)) >> min(k, 2)
				if r.IntN(2) > 0 {
					v = (1<<(3+width-less) - v) & (1<<(3+width-less) - 1)
				}
				w.put(3+width-less, v)
			}
		}
	}
}

// spectrum writes the lines.
func (m *AACMaker) spectrum(c int) {
	widths := m.widths()
	for g := range m.shape.groups {
		for i := range m.shape.bands {
			kind := m.kinds[c][g][i]
			if kind == 0 || kind > aacEscape {
				continue
			}
			count := 2
			if kind < 5 {
				count = 4
			}
			for range widths[i] * m.shape.length[g] / count {
				m.lines(kind)
			}
		}
	}
}

// lines writes two or four.
func (m *AACMaker) lines(kind int) {
	digits := m.code(codebook.Spectral[kind-1])
	if kind <= 2 || kind == 5 || kind == 6 {
		return
	}
	for i := range digits {
		if digits[i] != '0' {
			m.bits.put(1, m.Random.IntN(2))
		}
	}
	for i := range digits {
		if digits[i] != 'g' || kind != aacEscape {
			continue
		}
		more := 0
		for more < 8 && m.Random.IntN(3) == 0 {
			m.bits.put(1, 1)
			more++
		}
		m.bits.put(1, 0)
		m.bits.put(4+more, m.Random.IntN(1<<(4+more)))
	}
}
