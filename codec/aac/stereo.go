package aac

import "gateway/codec/bits"

// pair decodes a channel_pair_element (ISO/IEC 14496-3 table 4.4), to one channel: half of
// both.
func (d *Decoder) pair(r *bits.Reader) error {
	left, right := &d.channels[0], &d.channels[1]
	r.Take(4)
	common := r.Flag()
	d.masked = false
	if common {
		if err := left.shape.read(r, d.layout); err != nil {
			return err
		}
		right.shape = left.shape
		if err := d.readMask(r, &left.shape); err != nil {
			return err
		}
	}
	if err := left.read(r, d.book, d.layout, common); err != nil {
		return err
	}
	start, n := *r, d.bound(left)
	if err := d.readLines(r, left, n, false, nil); err != nil {
		return err
	}
	if err := right.read(r, d.book, d.layout, common); err != nil {
		return err
	}
	if more := d.bound(right); !common {
		n = more
	} else if more > n { // the right channel's filter needs more of what is the left's, too
		n = more
		if err := d.readLines(&start, left, n, false, nil); err != nil {
			return err
		}
	}
	together := left.alike(&right.shape) && d.before[0] == d.before[1]
	sum := together && common && !left.tns.present && !right.tns.present
	var without *[windows * row]bool
	if sum && d.masked {
		d.leaveOut()
		without = &d.without
	}
	if err := d.readLines(r, right, n, true, without); err != nil {
		return err
	}
	d.mix(n, sum, together)
	d.before = [2]bool{left.kaiser, right.kaiser}
	return nil
}

// readMask reads which bands have sum and difference in place of left and right.
func (d *Decoder) readMask(r *bits.Reader, s *shape) error {
	const none, some, all = 0, 1, 2
	kind := r.Take(2)
	d.masked = kind != none
	if kind > all {
		return malformed("mask of joint stereo")
	}
	for g := range int(s.groups) {
		for i := range d.mask[row*g:][:s.most] {
			d.mask[row*g+i] = kind == all || kind == some && r.Flag()
		}
	}
	if r.Over() {
		return malformed("cut off")
	}
	return nil
}

// sums reports whether band k has sum and difference.
func (d *Decoder) sums(k int) bool {
	return d.masked && d.mask[k] && d.channels[0].books[k] < bookReserved && d.channels[1].books[k] < bookReserved
}

// leaveOut has the differences left out: half of left and right together is the sum.
func (d *Decoder) leaveOut() {
	s := &d.channels[1].shape
	for g := range int(s.groups) {
		for k := row * g; k < row*g+int(s.most); k++ {
			d.without[k] = d.sums(k)
		}
	}
}

// intensity is what the right channel of band k is of the left, where it has no lines of
// its own.
func (d *Decoder) intensity(k int) (float32, bool) {
	right := &d.channels[1]
	if right.books[k] < bookOutPhase {
		return 0, false
	}
	f := factor(-int(right.sizes[k]))
	// That a mask of all bands turns intensity, too, is not in the standard, but so it is made.
	if (right.books[k] == bookOutPhase) != (d.masked && d.mask[k]) {
		f = -f
	}
	return f, true
}

// mix gives the first n lines of both channels to the filter bank. sum: as sums, band by
// band. together: as sums after all else is done.
func (d *Decoder) mix(n int, sum, together bool) {
	left, right := &d.channels[0], &d.channels[1]
	edges := right.edges(d.layout)
	at := 0
	for g := range int(right.groups) {
		for i := 0; i < int(right.most) && int(edges[i]) < n; i++ {
			from, to := int(edges[i]), int(edges[i+1])
			for w := range int(right.length[g]) {
				start := at + w*shortLine
				d.mixBand(row*g+i, left.lines[start+from:start+to], right.lines[start+from:start+to], sum)
			}
		}
		at += int(right.length[g]) * shortLine
	}
	d.bank.begin()
	if sum {
		d.bank.add(&left.shape, d.before[0], &left.lines)
		return
	}
	for _, c := range [2]*channel{left, right} {
		if c.tns.present {
			c.applyTNS(d.layout, d.bound(c))
		}
		for i := range c.lines {
			c.lines[i] /= 2
		}
	}
	if together {
		for i, v := range right.lines {
			left.lines[i] += v
		}
		d.bank.add(&left.shape, d.before[0], &left.lines)
		return
	}
	d.bank.add(&left.shape, d.before[0], &left.lines)
	d.bank.add(&right.shape, d.before[1], &right.lines)
}

// mixBand makes left and right of a band, or, in left, half of both.
func (d *Decoder) mixBand(k int, left, right []float32, sum bool) {
	f, one := d.intensity(k)
	switch {
	case one && sum:
		for i := range left {
			left[i] *= (1 + f) / 2
		}
	case one:
		for i, v := range left {
			right[i] = f * v
		}
	case sum && d.sums(k): // left is it
	case sum:
		for i, v := range right {
			left[i] = (left[i] + v) / 2
		}
	case d.sums(k):
		for i, v := range right {
			left[i], right[i] = left[i]+v, left[i]-v
		}
	}
}
