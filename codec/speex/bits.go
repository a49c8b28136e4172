package speex

// A bitReader reads a payload from its highest bit on. Past the end it reads
// zeros: who must not, asks left first.
type bitReader struct {
	data []byte
	at   int // the next bit
}

func (r *bitReader) left() int { return 8*len(r.data) - r.at }

// peek is the next n bits, 0 to 9 of them.
func (r *bitReader) peek(n int) int {
	var v uint32
	i := r.at >> 3
	if i < len(r.data) {
		v = uint32(r.data[i]) << 8
	}
	if i+1 < len(r.data) {
		v |= uint32(r.data[i+1])
	}
	return int(v << (r.at & 7) & 0xffff >> (16 - n))
}

// read takes the next n bits, 0 to 9 of them.
func (r *bitReader) read(n int) int {
	v := r.peek(n)
	r.at += n
	return v
}

// A bitWriter appends bits to a payload, the highest first.
type bitWriter struct {
	data []byte
	free int // how many bits of the last byte are unused
}

// write appends the lower n bits of v, at most 16 of them.
func (w *bitWriter) write(v, n int) {
	for n > 0 {
		if w.free == 0 {
			w.data = append(w.data, 0)
			w.free = 8
		}
		k := min(n, w.free)
		part := v >> (n - k) & (1<<k - 1)
		w.data[len(w.data)-1] |= byte(part << (w.free - k))
		w.free -= k
		n -= k
	}
}

// copy appends what stands in data between the bits from and to.
func (w *bitWriter) copy(data []byte, from, to int) {
	r := bitReader{data: data, at: from}
	for r.at < to {
		n := min(8, to-r.at)
		w.write(r.read(n), n)
	}
}

// pad fills the last byte with a zero and then ones, which no frame begins
// with (RFC 5574 section 3.3).
func (w *bitWriter) pad() {
	if w.free > 0 {
		w.write(1<<(w.free-1)-1, w.free)
	}
}
