package convert

import (
	"strings"

	"gateway/codec"
	"gateway/codec/sound"
)

func isG711(f codec.Format) bool {
	return strings.EqualFold(f.Name, "pcmu") || strings.EqualFold(f.Name, "pcma")
}

func isG722(f codec.Format) bool { return strings.EqualFold(f.Name, "g722") }

// isNarrow reports whether sound of the format f has nothing above 4 kHz.
func isNarrow(f codec.Format) bool { return soundRate(f) <= 8000 }

// Decodes reports whether f is sound that can be decoded.
func Decodes(f codec.Format) bool { return isSound(f) && sound.CanDecode(f) }

// Encodes reports whether f is sound that other sound can be brought to.
func Encodes(f codec.Format) bool { return isSound(f) && sound.CanEncode(f) }
