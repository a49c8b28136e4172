package convert

import (
	"strings"

	"gateway/codec"
)

func isG711(f codec.Format) bool {
	return strings.EqualFold(f.Name, "pcmu") || strings.EqualFold(f.Name, "pcma")
}

func isG722(f codec.Format) bool { return strings.EqualFold(f.Name, "g722") }

// isNarrow reports whether sound of the format f has nothing above 4 kHz.
func isNarrow(f codec.Format) bool { return soundRate(f) <= 8000 }
