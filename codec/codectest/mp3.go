package codectest

import "math/rand/v2"

// An MP3Kind says which frames of MPEG audio layer III are made: the four
// fields as they stand in the header (ISO/IEC 11172-3 section 2.4.2.3), and whether short
// blocks have long ones below.
type MP3Kind struct {
	Version, Rate, Mode, Extension int
	Mixed                          bool
}

// An MP3Maker makes frames whose side information and data are chance, within what is
// legal: each is decoded to some noise. All are of 128 kbit/s, or 80 for MPEG-2 and 2.5, and
// none has data in the frame before.
type MP3Maker struct {
	Kind   MP3Kind
	Random *rand.Rand
	blocks [2]int // of each channel's last granule
	bits   bitWriter
}

// A bitWriter appends bits, the most significant first.
type bitWriter struct {
	data []byte
	n    int
}

func (w *bitWriter) put(n, v int) {
	for i := n - 1; i >= 0; i-- {
		if w.n%8 == 0 {
			w.data = append(w.data, 0)
		}
		w.data[w.n/8] |= byte(v>>i&1) << (7 - w.n%8)
		w.n++
	}
}

// How long the scale factors can be, and the code of a pair, in bits.
const (
	mp3Scales = 200
	mp3Pair   = 47
	mp3Length = 550 // of a granule: so short that its end is not that of the lines
)

// Frame is the next frame.
func (m *MP3Maker) Frame() []byte {
	k, low := m.Kind, m.Kind.Version != 3
	channels, granules, samples, kbit := 2, 2, 1152, 128
	if k.Mode == 3 {
		channels = 1
	}
	rate := [3]int{44100, 48000, 32000}[k.Rate]
	if low {
		granules, samples, kbit = 1, 576, 80
		rate /= 2
	}
	if k.Version == 0 {
		rate /= 2
	}
	size := samples / 8 * 1000 * kbit / rate
	m.bits = bitWriter{}
	m.bits.put(12, 0xfff)
	if k.Version == 0 {
		m.bits = bitWriter{}
		m.bits.put(12, 0xffe)
	}
	m.bits.put(4, k.Version&1<<3|1<<1|1)
	m.bits.put(8, 9<<4|k.Rate<<2)
	m.bits.put(8, k.Mode<<6|k.Extension<<4)
	if low {
		m.bits.put(8+channels, 0)
	} else {
		m.bits.put(9+7-2*channels, 0)
		m.bits.put(4*channels, m.Random.IntN(1<<(4*channels)))
	}
	for i := range granules * channels {
		m.granule(i%channels, low)
	}
	frame := m.bits.data
	for len(frame) < size {
		frame = append(frame, byte(m.Random.IntN(256)))
	}
	return frame
}

// granule writes the side information of one.
func (m *MP3Maker) granule(channel int, low bool) {
	r, w := m.Random, &m.bits
	block := r.IntN(2) // long, or the start of short ones
	if last := m.blocks[channel]; last == 1 || last == 2 {
		block = 2 + r.IntN(2)
	}
	m.blocks[channel] = block
	length := mp3Scales + mp3Pair + r.IntN(mp3Length-mp3Scales-mp3Pair)
	w.put(12, length)
	w.put(9, r.IntN((length-mp3Scales)/mp3Pair+1))
	w.put(8, 160+r.IntN(16))
	if low {
		w.put(9, r.IntN(512))
	} else {
		w.put(4, r.IntN(16))
	}
	w.put(1, min(block, 1))
	if block > 0 {
		w.put(2, block)
		mixed := 0
		if m.Kind.Mixed {
			mixed = 1
		}
		w.put(1, mixed)
		w.put(5, m.table())
		w.put(5, m.table())
		for range 3 {
			w.put(3, r.IntN(3))
		}
	} else {
		for range 3 {
			w.put(5, m.table())
		}
		w.put(7, r.IntN(128))
	}
	if !low {
		w.put(1, r.IntN(2))
	}
	w.put(2, r.IntN(4))
}

// table is one that there is, and whose values are not so great that all clips.
func (m *MP3Maker) table() int {
	for {
		if t := m.Random.IntN(26); t != 4 && t != 14 && (t < 20 || t >= 24) {
			return t
		}
	}
}
