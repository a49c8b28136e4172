package codectest

import (
	"encoding/base64"
	"encoding/binary"
	"os"
	"slices"
	"strings"
	"testing"
)

// Vector reads a file of payloads and of the sound that another decoder has made of
// them: lines of "payload" or "sound" and base64, the sound 16 bits a sample, little
// endian; "#" begins a comment.
func Vector(t testing.TB, file string) (payloads [][]byte, sound []int16) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		kind, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if kind == "#" {
			continue
		}
		data, err := base64.StdEncoding.DecodeString(value)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		switch kind {
		case "payload":
			payloads = append(payloads, data)
		case "sound":
			for s := range slices.Chunk(data, 2) {
				sound = append(sound, int16(binary.LittleEndian.Uint16(s)))
			}
		default:
			t.Fatalf("%s: a line of %q", file, kind)
		}
	}
	return payloads, sound
}
