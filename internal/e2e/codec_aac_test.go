//go:build e2e

package e2e

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"

	"gateway/codec/aac"
	"gateway/codec/codectest"
	"gateway/codec/sound"
	"gateway/internal/peer"
)

// aacRates are the sampling rates by their index.
var aacRates = []int{96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350}

// aacTools are how ffmpeg's encoder is told what to use.
var aacTools = map[string][]string{
	"mono":              {"-ac", "1", "-b:a", "48k"},
	"mono, noise":       {"-ac", "1", "-b:a", "16k", "-aac_pns", "1"},
	"stereo":            {"-ac", "2", "-b:a", "96k", "-aac_is", "0", "-aac_ms", "0", "-aac_tns", "1", "-aac_pns", "0"},
	"joint stereo":      {"-ac", "2", "-b:a", "64k", "-aac_is", "1", "-aac_ms", "1", "-aac_tns", "1", "-aac_pns", "0"},
	"all joined":        {"-ac", "2", "-b:a", "64k", "-aac_ms", "1", "-aac_tns", "0", "-aac_pns", "0"},
	"stereo with noise": {"-ac", "2", "-b:a", "40k", "-aac_is", "1", "-aac_tns", "1", "-aac_pns", "1"},
}

// aacConfig is the AudioSpecificConfig of AAC-LC.
func aacConfig(index int, channels byte) string {
	return hex.EncodeToString([]byte{2<<3 | byte(index)>>1, byte(index)<<7 | channels<<3})
}

func TestAACIsAsFFmpegHasIt(t *testing.T) {
	t.Parallel()
	for index, rate := range aacRates[:12] {
		for tools, args := range aacTools {
			if rate%11025 > 0 && tools != "mono" && tools != "joint stereo" {
				continue // four rates will do for these
			}
			t.Run(fmt.Sprintf("%d %s", rate, tools), func(t *testing.T) {
				t.Parallel()
				l := codecLab{t, rate}
				channels := args[1][0] - '0'
				// Two channels that have something in common, and something not.
				two := []string{"-af", "aecho=0.8:0.9:15:0.4"}
				if channels == 2 {
					two = []string{"-af", "pan=stereo|c0=c0|c1=c0,extrastereo=m=2,aphaser,haas=side_gain=0.7,atrim=end=4"}
				}
				file := l.encode(l.voice(), append(append(two, args...), "-c:a", "aac", "-f", "adts")...)
				units := peer.ADTSUnits(file)
				if len(units) < 10 {
					t.Fatalf("%d units", len(units))
				}
				f := l.format("aac", "config="+aacConfig(index, channels))
				l.same(l.heard(f, units), l.decode(file, "-f", "aac"), sameFixed)
			})
		}
	}
}

// All kinds of access units that there are, of chance: what encoders never make is in them.
func TestAACOfChanceIsAsFFmpegHasIt(t *testing.T) {
	t.Parallel()
	for row := range 12 {
		for _, k := range []codectest.AACKind{{}, {Pair: true}, {Pair: true, Common: true}} {
			k.Row = row
			t.Run(fmt.Sprintf("%+v", k), func(t *testing.T) {
				t.Parallel()
				m := codectest.AACMaker{Kind: k, Random: rand.New(rand.NewPCG(5, uint64(row)))}
				var units [][]byte
				for range 60 {
					units = append(units, m.Unit())
				}
				sameUnits(t, units, row, k.Pair)
			})
		}
	}
}

// sameUnits has ffmpeg and us decode the same units.
func sameUnits(t *testing.T, units [][]byte, row int, pair bool) {
	t.Helper()
	channels := byte(1)
	if pair {
		channels = 2
	}
	config, err := hex.DecodeString(aacConfig(row, channels))
	if err != nil {
		t.Fatal(err)
	}
	c, err := aac.ParseConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	d := aac.NewDecoder(c, 0)
	var ours []int16
	for i, u := range units {
		if ours, err = d.Decode(ours, u); err != nil {
			t.Fatalf("unit %d: %v", i, err)
		}
	}
	theirs := codecLab{t, d.Rate()}.decode(peer.ADTSFile(units, byte(row), channels), "-f", "aac")
	if len(theirs) != len(ours) {
		t.Errorf("%d samples, where ffmpeg has %d", len(ours), len(theirs))
	}
	if dB := codectest.Error(theirs, ours); dB < sameFixed {
		t.Errorf("%.1f dB from what ffmpeg hears", dB)
	}
}

// Our encoder's sound is as good as that of ffmpeg's, to ffmpeg.
func TestAACIsEncodedAsWellAsFFmpegDoes(t *testing.T) {
	t.Parallel()
	for rate, index := range map[int]byte{44100: 4, 48000: 3} {
		t.Run(strconv.Itoa(rate), func(t *testing.T) {
			t.Parallel()
			l := codecLab{t, rate}
			voice := l.voice()
			theirs := l.decode(l.encode(voice, "-c:a", "aac", "-b:a", "64k", "-f", "adts"), "-f", "aac")
			ours := l.ours(l.format("aac", ""), sound.Setting{Bitrate: 64000}, voice)
			l.asGood(voice, l.decode(peer.ADTSFile(ours, index, 1), "-f", "aac"), theirs)
		})
	}
}

// What HE-AAC's encoders send is heard as its core is: whether the configuration tells
// of more, in either way, or not.
func TestTheCoreOfHEAACIsHeard(t *testing.T) {
	t.Parallel()
	const index, rate = 7, 22050
	l := codecLab{t, rate}
	file := l.encode(l.voice(), "-ac", "1", "-b:a", "32k", "-c:a", "aac", "-f", "adts")
	core := l.decode(file, "-f", "aac")
	random := rand.New(rand.NewPCG(1, 2))
	var units [][]byte
	for _, u := range peer.ADTSUnits(file) {
		data := make([]byte, random.IntN(60))
		for i := range data {
			data[i] = byte(random.IntN(256))
		}
		units = append(units, codectest.AACWith(u, 13, data))
	}
	for name, config := range map[string]string{
		"implicit":     aacConfig(index, 1),
		"hierarchical": "2b8a0800",            // SBR to 44.1 kHz, of LC
		"with PS":      "eb8a0800",            // and PS
		"compatible":   "1388" + "56e5a0",     // LC, and then SBR to 44.1 kHz
		"both behind":  "1388" + "56e5a54880", // and PS
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := codecLab{t, rate}
			l.same(l.heard(l.format("aac", "config="+config), units), core, sameFixed)
		})
	}
}
