package sound

import (
	"errors"
	"testing"

	"gateway/codec"
	"gateway/codec/aac"
	"gateway/codec/codectest"
)

func TestAACThatCantBeDecodedIsRefused(t *testing.T) {
	t.Parallel()
	for params, why := range map[string]error{
		"":                  errNoConfig,
		"config=":           aac.ErrMalformed,
		"config=xyz":        nil,
		"config=0a10":       ErrUnsupported, // AAC Main
		"config=1230":       ErrUnsupported, // six channels
		"config=1214":       ErrUnsupported, // frames of 960 samples
		"config=1780003208": ErrUnsupported, // 100 samples a second
		"mode=x;config=118": nil,
	} {
		f := audio("aac", 48000, 2)
		f.Params = params
		if _, err := NewDecoder(f); err == nil || why != nil && !errors.Is(err, why) {
			t.Errorf("%q: %v", params, err)
		}
	}
}

// TestWhatIsLostOfAACIsMadeUp: and it goes on behind a malformed unit.
func TestWhatIsLostOfAACIsMadeUp(t *testing.T) {
	t.Parallel()
	payloads, want := codectest.Vector(t, "testdata/aac48.txt")
	d, err := NewDecoderAt(aacFormat(), 48000)
	if err != nil {
		t.Fatal(err)
	}
	got := decodeAll(t, d, payloads[:5])
	if _, err := d.Decode(nil, payloads[5][:10]); err == nil {
		t.Error("a unit that is cut off is decoded")
	}
	got = d.Conceal(got, 1024)
	loud := 0
	for _, s := range got[5*1024:] {
		loud = max(loud, int(s))
	}
	if loud == 0 {
		t.Error("in place of what was lost there is nothing")
	}
	got = append(got, decodeAll(t, d, payloads[6:])...)
	if dB := codectest.Error(want[7*1024:], got[7*1024:]); dB < 45 {
		t.Errorf("later it is %.1f dB from what it ought to be", dB)
	}
}

// TestAACIsDecodedAtTheRateThatIsWanted as far as that is part of it.
func TestAACIsDecodedAtTheRateThatIsWanted(t *testing.T) {
	t.Parallel()
	for params, rates := range map[string][2]int{
		"config=1188":     {8000, 12000},
		"config=1208":     {16000, 22050},
		"config=2b8a0800": {8000, 11025}, // HE-AAC, whose core is at 22.05 kHz
		"config=1008":     {48000, 48000},
	} {
		f := codec.Format{Kind: codec.Audio, Name: "aac", Params: params}
		d, err := NewDecoderAt(f, rates[0])
		if err != nil || d.Rate() != rates[1] {
			t.Errorf("%s for %d: %v, %v", params, rates[0], d, err)
		}
	}
}
