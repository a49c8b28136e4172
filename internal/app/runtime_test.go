package app

import (
	"math"
	"testing"
)

func TestHalfOfTheMemoryIsOurLimit(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		there uint64
		want  int64
	}{
		{"known", 4 << 30, 2 << 30},
		{"not known", 0, math.MaxInt64},
		{"absurd", math.MaxUint64, math.MaxInt64},
	} {
		if got := memoryLimit(row.there); got != row.want {
			t.Errorf("%s: %d", row.name, got)
		}
	}
}
