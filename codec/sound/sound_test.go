package sound

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"gateway/codec"
	"gateway/codec/codectest"
)

func audio(name string, rate, channels int) codec.Format {
	return codec.Format{Kind: codec.Audio, Name: name, Rate: rate, Channels: channels}
}

// both are the formats that are decoded and encoded.
func both() []codec.Format {
	return []codec.Format{
		audio("pcmu", 8000, 1), audio("PCMA", 8000, 1), audio("pcmu", 16000, 1), audio("g722", 8000, 1),
		audio("l16", 8000, 1), audio("l16", 44100, 2), audio("opus", 48000, 2),
		audio("nellymoser", 8000, 1), audio("nellymoser", 44100, 1), audio("speex", 8000, 1), audio("speex", 16000, 1),
		audio("speex", 32000, 1),
	}
}

func mustMake(t testing.TB, f codec.Format, s Setting) (codec.Encoder, codec.Decoder) {
	t.Helper()
	e, err := NewEncoder(f, s)
	if err != nil {
		t.Fatal(err)
	}
	d, err := NewDecoderAt(f, e.Rate())
	if err != nil {
		t.Fatal(err)
	}
	return e, d
}

func TestWhatIsEncodedIsDecoded(t *testing.T) {
	t.Parallel()
	// Opus turns the phases of low notes when it filters out what lies below speech, and
	// Speex follows no wave but that of real speech closely: beside FFmpeg both do well.
	least := map[string]float64{"pcmu": 35, "PCMA": 35, "g722": 22, "l16": 90, "opus": 3.5, "nellymoser": 15, "speex": 3}
	for _, f := range both() {
		for _, s := range []Setting{{}, {Ptime: 10 * time.Millisecond, Rate: 8000}, {Ptime: 60 * time.Millisecond, Rate: 16000}} {
			t.Run(fmt.Sprintf("%v/%v/%d", f, s.Ptime, s.Rate), func(t *testing.T) {
				t.Parallel()
				e, d := mustMake(t, f, s)
				if e.Rate() != d.Rate() {
					t.Fatalf("encoder at %d, decoder at %d", e.Rate(), d.Rate())
				}
				want := codectest.Voice(e.Rate(), e.Rate()/2/e.Frame()*e.Frame())
				var got []int16
				for pcm := range slices.Chunk(want, e.Frame()) {
					payload, err := e.Encode([]byte("before"), pcm)
					if err != nil || string(payload[:6]) != "before" || len(payload) == 6 {
						t.Fatalf("%q, %v", payload, err)
					}
					before := len(got)
					if got, err = d.Decode(got, payload[6:]); err != nil {
						t.Fatal(err)
					}
					if len(got)-before != e.Frame() {
						t.Fatalf("%d samples of a frame of %d", len(got)-before, e.Frame())
					}
				}
				if dB := codectest.SNR(want[:len(want)/2], got, e.Rate()/50); dB < least[f.Name] {
					t.Errorf("signal to noise %.1f dB, want %.0f", dB, least[f.Name])
				}
			})
		}
	}
}

func TestWhatThereIsNoCodecFor(t *testing.T) {
	t.Parallel()
	for _, f := range []codec.Format{
		{}, audio("g729", 8000, 1), audio("telephone-event", 8000, 1), audio("pcmu", 8000, 2), audio("g722", 16000, 1),
		audio("opus", 8000, 1), audio("opus", 48000, 3), audio("l16", 8000, 3), audio("l16", 96000, 1), audio("pcma", 0, 1),
		audio("nellymoser", 48000, 1), audio("speex", 22050, 1), audio("mp3", 5512, 1), audio("mp3", 96000, 1), audio("nellymoser", 8000, 2), {Kind: codec.Video, Name: "opus", Rate: 48000, Channels: 2},
	} {
		if Can(f) {
			t.Errorf("%v: can", f)
		}
		if _, err := NewDecoder(f); err == nil {
			t.Errorf("%v: a decoder", f)
		}
		if _, err := NewEncoder(f, Setting{}); err == nil {
			t.Errorf("%v: an encoder", f)
		}
	}
	if _, err := NewDecoder(audio("g729", 8000, 1)); !errors.Is(err, ErrUnsupported) {
		t.Errorf("%v", err)
	}
	for _, f := range both() {
		if !Can(f) {
			t.Errorf("%v: can't", f)
		}
	}
}

func TestAFrameOfAnotherLengthIsRefused(t *testing.T) {
	t.Parallel()
	for _, f := range both() {
		e, _ := mustMake(t, f, Setting{})
		if out, err := e.Encode(nil, make([]int16, e.Frame()+2)); err == nil || len(out) != 0 {
			t.Errorf("%v: %d bytes, %v", f, len(out), err)
		}
	}
}

func TestEncodersKeepToTheWishesOfWhoHears(t *testing.T) {
	t.Parallel()
	opus := func(params string) codec.Format {
		f := audio("opus", 48000, 2)
		f.Params = params
		return f
	}
	for _, row := range []struct {
		params string
		s      Setting
		rate   int
		frame  int
	}{
		{"", Setting{}, 48000, 960},
		{"minptime=10;useinbandfec=1", Setting{Rate: 8000}, 8000, 160},
		{"maxplaybackrate=16000", Setting{}, 16000, 320},
		{"maxplaybackrate=16000", Setting{Rate: 8000}, 8000, 160},
		{"maxplaybackrate=x; maxaveragebitrate=-1", Setting{Rate: 44100}, 48000, 960},
		{"", Setting{Rate: 22050, Ptime: 30 * time.Millisecond}, 24000, 480},
		{"", Setting{Rate: 11025, Ptime: 200 * time.Millisecond}, 16000, 960},
		{"", Setting{Ptime: time.Nanosecond}, 48000, 480},
	} {
		e, _ := mustMake(t, opus(row.params), row.s)
		if e.Rate() != row.rate || e.Frame() != row.frame {
			t.Errorf("%q, %+v: %d of %d a second, want %d of %d", row.params, row.s, e.Frame(), e.Rate(), row.frame, row.rate)
		}
	}
	low, _ := mustMake(t, opus("maxaveragebitrate=10000;cbr=1"), Setting{Bitrate: 64000})
	out, err := low.Encode(nil, codectest.Voice(low.Rate(), low.Frame()))
	if err != nil || len(out) != 10000/50/8 {
		t.Errorf("%d bytes of 20 ms at 10 kbit/s, %v", len(out), err)
	}
}

func TestSilenceIsNotSentWhereNobodyWantsIt(t *testing.T) {
	t.Parallel()
	f := audio("opus", 48000, 2)
	f.Params = "usedtx=1"
	e, _ := mustMake(t, f, Setting{Rate: 16000})
	sent := 0
	for range 100 {
		out, err := e.Encode(nil, make([]int16, e.Frame()))
		if err != nil {
			t.Fatal(err)
		}
		if len(out) > 0 {
			sent++
		}
	}
	if sent == 0 || sent > 30 {
		t.Errorf("%d of 100 frames of silence are sent", sent)
	}
}
