package mesh

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

var errSize = errors.New(`want a size, as in "500MB" or "1GB"`)

// sizes are the units of sizes (ISO 80000-13), the largest first.
var sizes = []struct {
	unit string
	n    uint64
}{
	{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1},
}

// parseSize reads a size: a number and its unit.
func parseSize(s string) (uint64, error) {
	for _, u := range sizes {
		number, ok := strings.CutSuffix(strings.TrimSpace(s), u.unit)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(strings.TrimSpace(number), 10, 64)
		if err != nil || n > math.MaxInt64/u.n {
			return 0, errSize
		}
		return n * u.n, nil
	}
	return 0, errSize
}

// sizeText is a size for a person.
func sizeText(n uint64) string {
	for _, u := range sizes[:4] {
		if n >= u.n {
			return fmt.Sprintf("%.1f %s", float64(n)/float64(u.n), u.unit)
		}
	}
	return fmt.Sprintf("%d B", n)
}
