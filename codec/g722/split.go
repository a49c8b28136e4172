package g722

// chunk is how many pairs of samples go through the filters at a time.
const chunk = 160

// A pair is two rows of samples on their way through the filters that split the sound and
// put it together (section 3.1): of every row's 12 last come two sums.
type pair struct {
	even, odd [11 + chunk]int
}

// sums are of the 12 pairs that end with the n-th of a chunk. The taps of one row are those
// of the other in reverse.
func (p *pair) sums(n int) (even, odd int) {
	e, o := (*[12]int)(p.even[n:]), (*[12]int)(p.odd[n:])
	even = 3*e[0] - 11*e[1] + 12*e[2] + 32*e[3] - 210*e[4] + 951*e[5] +
		3876*e[6] - 805*e[7] + 362*e[8] - 156*e[9] + 53*e[10] - 11*e[11]
	odd = -11*o[0] + 53*o[1] - 156*o[2] + 362*o[3] - 805*o[4] + 3876*o[5] +
		951*o[6] - 210*o[7] + 32*o[8] + 12*o[9] - 11*o[10] + 3*o[11]
	return even, odd
}

// pass makes room for the next chunk after one of n pairs.
func (p *pair) pass(n int) {
	copy(p.even[:11], p.even[n:])
	copy(p.odd[:11], p.odd[n:])
}
