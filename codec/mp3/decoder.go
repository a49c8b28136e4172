package mp3

import (
	"errors"

	"gateway/codec/bits"
)

var (
	errFrame   = errors.New("mp3: no whole frame of layer III")
	errLengths = errors.New("mp3: more is said to be in a frame than there is")
)

// slack is how many bytes there are behind the bits that may be read: who checks
// after reading can't leave them.
const slack = 64

// reserve is how many bytes a frame's data may begin before it, at most.
const reserve = 511

// A Decoder decodes the frames of one stream. It belongs to one goroutine.
type Decoder struct {
	wanted int
	head   Header // of the last frame
	rate   int
	most   int // lines that are decoded
	book   *book
	hybrid *hybrid
	side   side
	scales [2]scales
	lines  [2][lines]float32
	data   [reserve + MaxFrame + slack]byte
	held   int // bytes of it
	out    samples
}

// NewDecoder makes a decoder for one who wants sound at a rate, in Hz: it gives that of
// the stream, or the half or a quarter of it that is not below. 0: that of
// the stream.
func NewDecoder(wanted int) *Decoder { return &Decoder{wanted: wanted, book: newBook()} }

// Rate is at how many samples a second a stream of that rate is decoded for one who wants
// another.
func Rate(stream, wanted int) int {
	rate := stream
	for n := 0; n < 2 && rate%2 == 0 && rate/2 >= wanted && wanted > 0; n++ {
		rate /= 2
	}
	return rate
}

// Rate is how many samples a second the frame had that was decoded last.
func (d *Decoder) Rate() int { return d.rate }

// Decode appends the sound of one frame to pcm: Header.Samples, or a half or a quarter of
// them. One whose data begins before the stream did is silent. An error says that the frame
// is malformed; the decoder stays good for the next.
func (d *Decoder) Decode(pcm []int16, frame []byte) ([]int16, error) {
	h, ok := ParseHeader(frame)
	if !ok || h.Size > len(frame) {
		return pcm, errFrame
	}
	at, size := h.body()
	if at+size > h.Size {
		return pcm, errFrame
	}
	d.adapt(&h)
	if err := d.side.read(&h, frame[at:at+size]); err != nil {
		d.load(0, frame[at+size:h.Size])
		return pcm, err
	}
	r, whole := d.load(d.side.begin, frame[at+size:h.Size])
	if whole && d.side.length(&h) > r.End-r.At {
		return pcm, errLengths
	}
	for n := range h.Samples / lines {
		d.hybrid.begin(&d.out)
		if whole {
			d.granule(&h, n, &r)
		}
		pcm = d.hybrid.sound(pcm, &d.out)
	}
	return pcm, nil
}

// adapt begins anew where the stream is another than before.
func (d *Decoder) adapt(h *Header) {
	same := d.head.Rate == h.Rate && d.head.Channels == h.Channels
	d.head = *h
	if same {
		return
	}
	d.rate = Rate(h.Rate, d.wanted)
	n := bands * d.rate / h.Rate
	if d.hybrid == nil || d.hybrid.synthesis.bands != n {
		d.hybrid = newHybrid(n)
	}
	d.held = 0
	d.most = n * inBand
	if d.rate > d.wanted && d.wanted > 0 {
		// Who takes it down to the wanted rate leaves out what is above 0.54 of it.
		d.most = min(d.most, (54*d.wanted*2*lines/h.Rate/100+2)&^1)
	}
}

// load puts the data of a frame behind that of those before, and returns where it is read
// from; false: it begins before what there is.
func (d *Decoder) load(begin int, data []byte) (bits.Reader, bool) {
	kept := min(d.held, reserve)
	copy(d.data[:], d.data[d.held-kept:d.held])
	d.held = kept + copy(d.data[kept:len(d.data)-slack], data)
	clear(d.data[d.held : d.held+slack])
	return bits.Reader{Data: d.data[:], At: 8 * (kept - begin), End: 8 * d.held}, begin <= kept
}

// granule decodes one granule of all channels.
func (d *Decoder) granule(h *Header, n int, r *bits.Reader) {
	all := d.side.granules[n][:h.Channels]
	// What of the right channel is not needed is not decoded: the difference, where
	// both are added up.
	one := h.Channels == 2 && !h.intensity && all[0].alike(&all[1])
	var used [2]int
	for c := range all {
		g := &all[c]
		part := bits.Reader{Data: r.Data, At: r.At, End: r.At + g.length}
		r.At = part.End
		if h.low {
			d.scales[c].readLow(&part, g, h.intensity && c == 1)
		} else {
			d.scales[c].read(&part, g)
		}
		if c == 1 && one && h.middle {
			break
		}
		if used[c] = d.book.read(&part, g, &d.lines[c], d.bound(h, g)); used[c] > 0 {
			less := 0
			if h.middle && !h.intensity && one {
				less = 2 // half of left and right together is the sum by the root of 2
			} else if h.Channels == 2 && one {
				less = 4
			}
			d.scales[c].apply(h, g, d.lines[c][:used[c]], less)
		}
	}
	d.mix(h, all, used, one)
}

// bound is how many lines of a granule are read: where their order is another, to the end
// of a band.
func (d *Decoder) bound(h *Header, g *granule) int {
	if h.intensity || d.most == lines {
		return lines // what is above tells where intensity begins
	}
	if g.block != blockShort {
		return d.most
	}
	long, short := g.shape(h.low)
	at := bandEdge(h, long)
	for i := short; i < shortBands && at < d.most; i++ {
		at += 3 * int(bandWidths[h.row].short[i])
	}
	return at
}

// mix makes one channel of the lines of all, and gives them to the filter banks.
func (d *Decoder) mix(h *Header, all []granule, used [2]int, one bool) {
	w := &bandWidths[h.row]
	long, _ := all[0].shape(h.low)
	if h.Channels == 2 && !one {
		d.apart(h, all, used)
		return
	}
	if one && !h.middle {
		for c := range used {
			clear(d.lines[c][used[c]:])
		}
		used[0] = max(used[0], used[1])
		for i := range used[0] {
			d.lines[0][i] += d.lines[1][i]
		}
	}
	d.hybrid.add(&d.out, &all[0], w, long, &d.lines[0], used[0])
}

// apart is mix for two channels that can't be added up as lines, or not before they are
// told apart.
func (d *Decoder) apart(h *Header, all []granule, used [2]int) {
	w := &bandWidths[h.row]
	for c := range used {
		clear(d.lines[c][used[c]:])
	}
	if h.intensity || h.middle {
		split(h, &all[1], &d.scales[1], pair{d.lines[0][:], d.lines[1][:], h.middle})
		used[0] = max(used[0], used[1])
		used[1] = used[0]
	}
	for c := range used {
		for i := range d.lines[c][:used[c]] {
			d.lines[c][i] /= 2
		}
		long, _ := all[c].shape(h.low)
		d.hybrid.add(&d.out, &all[c], w, long, &d.lines[c], used[c])
	}
}
