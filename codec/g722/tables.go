package g722

// The quantizers' levels and steps (ITU-T G.722 tables 14 to 21).
var (
	// level6 and level4 are what 6 and 4 bits of the lower band say, level2 what 2
	// of the upper one, in units of the step.
	level6 = [64]int{
		-136, -136, -136, -136, -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232, -9360, -8576, -7856,
		-7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576, -3168, -2776, -2400, -2032, -1688, -1360, -1040, -728,
		24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192, 10232, 9360, 8576, 7856, 7192, 6576, 6000, 5456,
		4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032, 1688, 1360, 1040, 728, 432, 136, -432, -136,
	}
	level4 = [16]int{0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240, 2584, 1200, 0}
	level2 = [4]int{-7408, -1616, 7408, 1616}

	// growth4 and growth2 are how a step changes after such a level, in the logarithm.
	growth4 = [16]int{-60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60}
	growth2 = [4]int{798, -214, 798, -214}

	// antilog is a 32nd root of 2 to the power of its index, times 2048.
	antilog = [32]int{
		2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834,
		2896, 2960, 3025, 3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008,
	}

	// decision6 are where the levels of the lower band part, from small to large.
	decision6 = [30]int{
		0, 35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714,
		786, 858, 940, 1023, 1121, 1219, 1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919,
	}
)

// decision2 is where the two levels of the upper band part.
const decision2 = 564

// lower is the code of the lower band for what lies below decision6[n], and not below the
// one before.
func lower(n int, negative bool) int {
	switch {
	case !negative:
		return 62 - n
	case n < 3:
		return 64 - n
	default:
		return 34 - n
	}
}
