package rtp

// Scale turns a count of units of a clock of rate from into one of rate to,
// rounded to the nearest. It is 0 for a rate of 0.
func Scale(units uint64, from, to uint32) uint64 {
	if from == 0 {
		return 0
	}
	// The whole seconds apart, so that the product can't overflow.
	return units/uint64(from)*uint64(to) + (units%uint64(from)*uint64(to)+uint64(from)/2)/uint64(from)
}
