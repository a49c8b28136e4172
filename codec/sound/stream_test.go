package sound

import (
	"slices"
	"testing"

	"gateway/codec"
	"gateway/codec/codectest"
)

// decodeAll decodes payloads one by one.
func decodeAll(t *testing.T, d codec.Decoder, payloads [][]byte) (pcm []int16) {
	t.Helper()
	for i, p := range payloads {
		var err error
		if pcm, err = d.Decode(pcm, p); err != nil {
			t.Fatalf("payload %d: %v", i, err)
		}
	}
	return pcm
}

func mustDecode(t *testing.T, f codec.Format) codec.Decoder {
	t.Helper()
	d, err := NewDecoder(f)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// streams are the formats of other networks that are decoded from files.
func streams() map[string]codec.Format {
	return map[string]codec.Format{"testdata/mp344.txt": audio("mp3", 44100, 1), "testdata/aac48.txt": aacFormat()}
}

func aacFormat() codec.Format {
	f := audio("aac", 48000, 1)
	f.Params = "config=1188"
	return f
}

func TestStreamsAreDecodedAsFFmpegDoes(t *testing.T) {
	t.Parallel()
	for file, f := range streams() {
		payloads, want := codectest.Vector(t, file)
		got := decodeAll(t, mustDecode(t, f), payloads)
		if len(got) != len(want) {
			t.Errorf("%v: %d samples, not %d", f, len(got), len(want))
		}
		if dB := codectest.Error(want, got); dB < 70 {
			t.Errorf("%v: %.1f dB", f, dB)
		}
	}
}

func TestAfterAMalformedPayloadAStreamGoesOn(t *testing.T) {
	t.Parallel()
	for file, f := range streams() {
		payloads, want := codectest.Vector(t, file)
		d := mustDecode(t, f)
		decodeAll(t, d, payloads[:2])
		for _, bad := range [][]byte{{}, {1}, payloads[2][:len(payloads[2])/2], make([]byte, 10000)} {
			if pcm, err := d.Decode(nil, bad); err == nil || len(pcm) > 0 {
				t.Errorf("%v: %d bytes: %d samples, %v", f, len(bad), len(pcm), err)
			}
		}
		got := decodeAll(t, d, payloads[2:])
		frame := len(want) / len(payloads)
		// The first frame lacks its half of the one before, and what follows may lie in it.
		if dB := codectest.Error(want[5*frame:], got[3*frame:]); dB < 45 {
			t.Errorf("%v: %.1f dB", f, dB)
		}
	}
}

func TestAStreamThatHadBegunIsSilentUntilItIsWhole(t *testing.T) {
	t.Parallel()
	payloads, want := codectest.Vector(t, "testdata/mp344.txt")
	got := decodeAll(t, mustDecode(t, audio("mp3", 44100, 1)), payloads[3:])
	frame := len(want) / len(payloads)
	if loudest := slices.Max(got[:frame]); loudest > 0 {
		t.Errorf("as loud as %d", loudest)
	}
	if dB := codectest.Error(want[6*frame:], got[3*frame:]); dB < 60 {
		t.Errorf("%.1f dB", dB)
	}
}

func TestFramesOfOnePayloadAreDecodedTogether(t *testing.T) {
	t.Parallel()
	payloads, _ := codectest.Vector(t, "testdata/mp344.txt")
	f := audio("mp3", 44100, 1)
	one := decodeAll(t, mustDecode(t, f), payloads)
	together := decodeAll(t, mustDecode(t, f), [][]byte{slices.Concat(payloads[:3]...), slices.Concat(payloads[3:]...)})
	if !slices.Equal(one, together) {
		t.Error("another sound")
	}
}

func TestFramesOfAnotherRateGetTheRateThatWasPromised(t *testing.T) {
	t.Parallel()
	payloads, _ := codectest.Vector(t, "testdata/mp344.txt")
	d := mustDecode(t, audio("mp3", 48000, 1))
	got := decodeAll(t, d, payloads)
	if want := 8 * 1152 * 480 / 441; d.Rate() != 48000 || len(got) < want-1 || len(got) > want+1 {
		t.Errorf("%d samples at %d", len(got), d.Rate())
	}
}
