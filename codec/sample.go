package codec

// Sample makes a sample of 16 bits, the nearest; what is too loud is clipped. What is
// cut off of a number that is not negative is what it is nearest to from above.
func Sample(s float32) int16 {
	switch {
	case s >= 1<<15-1:
		return 1<<15 - 1
	case s <= -1<<15:
		return -1 << 15
	default:
		return int16(int32(s+(1<<15+0.5)) - 1<<15)
	}
}
