//go:build !noaac

package sound

import (
	"encoding/hex"
	"slices"
	"testing"

	"gateway/codec"
	"gateway/codec/codectest"
)

func TestAACIsEncodedAndDecoded(t *testing.T) {
	t.Parallel()
	for _, rate := range []int{44100, 48000} {
		f := audio("aac", rate, 1)
		e, err := NewEncoder(f, Setting{})
		if err != nil {
			t.Fatal(err)
		}
		c, ok := e.(codec.Configurer)
		if !ok {
			t.Fatal("it does not say its config")
		}
		f.Params = "config=" + hex.EncodeToString(c.Config())
		d := mustDecode(t, f)
		if d.Rate() != rate {
			t.Errorf("decoded at %d, not %d", d.Rate(), rate)
		}
		want := codectest.Voice(rate, 15*e.Frame())
		var got []int16
		for pcm := range slices.Chunk(want, e.Frame()) {
			payload, err := e.Encode(nil, pcm)
			if err != nil {
				t.Fatal(err)
			}
			if len(payload) == 0 {
				continue
			}
			if got, err = d.Decode(got, payload); err != nil {
				t.Fatal(err)
			}
		}
		if dB := codectest.Error(want[:len(got)-e.Frame()], got[e.Frame():]); dB < 30 {
			t.Errorf("at %d: %.1f dB", rate, dB)
		}
	}
}

func TestAACThatCantBeEncodedIsRefused(t *testing.T) {
	t.Parallel()
	if CanEncode(audio("aac", 16000, 1)) || !CanEncode(audio("aac", 44100, 1)) || CanEncode(audio("mp3", 44100, 1)) {
		t.Error("it encodes what it can't, or not what it can")
	}
}
