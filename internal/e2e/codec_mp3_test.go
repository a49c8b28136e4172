//go:build e2e

package e2e

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"gateway/codec/codectest"
	"gateway/codec/mp3"
	"gateway/internal/peer"
)

// mp3Modes are how LAME is told to make files of each kind.
var mp3Modes = map[string][]string{
	"mono":         {"-ac", "1", "-b:a", "64k"},
	"stereo":       {"-ac", "2", "-b:a", "64k", "-joint_stereo", "0"},
	"joint stereo": {"-ac", "2", "-b:a", "96k"},
	"varying":      {"-ac", "1", "-q:a", "4"},
}

func TestMP3IsAsFFmpegHasIt(t *testing.T) {
	t.Parallel()
	for _, rate := range []int{8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000} {
		for mode, args := range mp3Modes {
			if rate%11025 > 0 && (mode == "stereo" || mode == "varying") {
				continue // three rates will do for these, one of each version
			}
			t.Run(fmt.Sprintf("%d %s", rate, mode), func(t *testing.T) {
				t.Parallel()
				l := codecLab{t, rate}
				voice := l.voice()
				file := l.encode(voice, append(args, "-c:a", "libmp3lame", "-write_xing", "0", "-id3v2_version", "0", "-f", "mp3")...)
				theirs := l.decode(file, "-f", "mp3")
				ours := l.heard(l.format("mp3", ""), peer.MP3Frames(file))
				if rate == 24000 { // ffmpeg 5.1 has an edge of the bands wrong there
					l.asGood(voice, ours, theirs)
					return
				}
				if dB := codectest.SNR(theirs, ours, 0); dB < sameFixed {
					t.Errorf("%.1f dB from what ffmpeg hears", dB)
				}
			})
		}
	}
}

// All kinds of frames that there are, of chance: what LAME never makes is in them.
func TestMP3OfChanceIsAsFFmpegHasIt(t *testing.T) {
	t.Parallel()
	for _, version := range []int{3, 2, 0} {
		for rate := range 3 {
			if version == 2 && rate == 1 { // 24 kHz, as above
				continue
			}
			for _, k := range []codectest.MP3Kind{
				{Mode: 3}, {Mode: 0}, {Mode: 1, Extension: 2}, {Mode: 1, Extension: 1}, {Mode: 1, Extension: 3},
				{Mode: 3, Mixed: true}, {Mode: 0, Mixed: true}, {Mode: 1, Extension: 3, Mixed: true},
			} {
				// In MPEG-2 ffmpeg takes positions for intensity that say there is none; at 8 kHz
				// nobody has said what a mixed block is.
				if version != 3 && k.Extension&1 == 1 || version == 0 && rate == 2 && k.Mixed {
					continue
				}
				k.Version, k.Rate = version, rate
				t.Run(fmt.Sprintf("%+v", k), func(t *testing.T) {
					t.Parallel()
					sameChance(t, k)
				})
			}
		}
	}
}

// sameChance has ffmpeg and us decode the same frames.
func sameChance(t *testing.T, k codectest.MP3Kind) {
	m := codectest.MP3Maker{Kind: k, Random: rand.New(rand.NewPCG(3, 4))}
	d := mp3.NewDecoder(0)
	var file []byte
	var ours []int16
	for range 100 {
		f := m.Frame()
		file = append(file, f...)
		var err error
		if ours, err = d.Decode(ours, f); err != nil {
			t.Fatal(err)
		}
	}
	theirs := codecLab{t, d.Rate()}.decode(file, "-f", "mp3")
	if len(theirs) != len(ours) {
		t.Errorf("%d samples, where ffmpeg has %d", len(ours), len(theirs))
	}
	for i := range min(len(ours), len(theirs)) {
		if diff := int(ours[i]) - int(theirs[i]); diff < -2 || diff > 2 {
			t.Fatalf("sample %d is %d, where ffmpeg has %d", i, ours[i], theirs[i])
		}
	}
}
