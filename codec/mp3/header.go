package mp3

// A Header is what stands before each frame (ISO/IEC 11172-3 section 2.4.1.3).
type Header struct {
	Rate     int // samples a second
	Channels int // 1 or 2
	Samples  int // of each channel in the frame: 1152 or 576
	Size     int // of the frame, in bytes, with the header

	low       bool // MPEG-2 and 2.5: half as much in a frame
	row       int  // of the tables of bands
	checked   bool // there is a checksum
	intensity bool
	middle    bool // sum and difference in place of left and right
}

const headerSize = 4

// MaxFrame is the size of the longest frame, in bytes: 320 kbit/s at 32 kHz.
const MaxFrame = 1441

// Rates, and bit rates in kbit/s, by the header's bits.
var (
	rates = [3]int{44100, 48000, 32000}
	kbits = [2][15]int{
		{0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320}, // MPEG-1
		{0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160},     // MPEG-2 and 2.5
	}
)

// ParseHeader reads the header of the frame that b begins with; false: there is none
// of layer III, or it states no bit rate. The frame need not be whole.
func ParseHeader(b []byte) (h Header, ok bool) {
	const layer3 = 1
	if len(b) < headerSize || b[0] != 0xff || b[1]&0xe0 != 0xe0 || b[1]>>1&3 != layer3 {
		return h, false
	}
	version, kbit, rate := b[1]>>3&3, b[2]>>4, int(b[2]>>2&3)
	if version == 1 || kbit == 0 || kbit == 15 || rate == 3 {
		return h, false
	}
	h = Header{Rate: rates[rate], Channels: 2, Samples: 2 * lines, row: rate, checked: b[1]&1 == 0}
	table := 0
	switch version {
	case 2:
		h.Rate, h.row = h.Rate/2, 3+rate
	case 0:
		h.Rate, h.row = h.Rate/4, 6+rate
	}
	if version != 3 {
		h.Samples, h.low, table = lines, true, 1
	}
	h.Size = h.Samples/8*1000*kbits[table][kbit]/h.Rate + int(b[2]>>1&1)
	const joint, mono = 1, 3
	switch b[3] >> 6 {
	case mono:
		h.Channels = 1
	case joint:
		h.intensity, h.middle = b[3]>>4&1 == 1, b[3]>>5&1 == 1
	}
	return h, true
}

// body is where the frame's side information begins, and how long that is.
func (h *Header) body() (at, size int) {
	at = headerSize
	if h.checked {
		at += 2
	}
	switch {
	case h.low && h.Channels == 1:
		return at, 9
	case h.low || h.Channels == 1:
		return at, 17
	default:
		return at, 32
	}
}

// TagSize is how many bytes at the beginning of b are tags of a file (ID3v2, id3.org section 3.1), or 0.
// Where there is less than it says, all are.
func TagSize(b []byte) int {
	const header, footer = 10, 0x10 // a flag, for as much again behind
	all := 0
	for rest := b; len(rest) >= header && string(rest[:3]) == "ID3"; rest = b[all:] {
		size := header
		for i, c := range rest[6:header] { // seven bits each
			if c > 0x7f {
				return all
			}
			size += int(c) << (7 * (3 - i))
		}
		if rest[5]&footer != 0 {
			size += header
		}
		all = min(all+size, len(b))
	}
	return all
}
