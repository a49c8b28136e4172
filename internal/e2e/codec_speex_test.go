//go:build e2e

package e2e

import (
	"context"
	"encoding/binary"
	"fmt"
	"strconv"
	"testing"

	"gateway/codec/codectest"
	"gateway/codec/speex"
	"gateway/internal/peer"
)

// What a codec may differ by, in dB.
const (
	sameSound   = 60  // from libspeex; both round to whole numbers
	likeSound   = 30  // from ffmpeg's own decoder
	speexBehind = 0.5 // an encoder behind the other
)

// voiceText is what is said: all that a voice can do, in five seconds.
const voiceText = "Rice is often served in round bowls. The juice of lemons makes fine punch."

// A speexLab runs ffmpeg on Speex at one sampling rate.
type speexLab struct {
	t    *testing.T
	rate int
}

func (l speexLab) ffmpeg(in []byte, args ...string) []byte {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), testTime)
	defer cancel()
	out, _, err := peer.FFmpeg(ctx, in, args...)
	if err != nil {
		l.t.Fatal(err)
	}
	return out
}

// voice is ffmpeg's own speech.
func (l speexLab) voice() []int16 {
	l.t.Helper()
	return samples(l.ffmpeg(nil, "-f", "lavfi", "-i", "flite=text='"+voiceText+"':voice=slt",
		"-ar", strconv.Itoa(l.rate), "-f", "s16le", "pipe:1"))
}

// theirs is pcm encoded by libspeex, with so many frames in a packet.
func (l speexLab) theirs(pcm []int16, quality, frames int) [][]byte {
	l.t.Helper()
	ogg := l.ffmpeg(raw(pcm), "-f", "s16le", "-ar", strconv.Itoa(l.rate), "-ac", "1", "-i", "pipe:0", "-c:a", "libspeex",
		"-cbr_quality", strconv.Itoa(quality), "-frames_per_packet", strconv.Itoa(frames), "-f", "ogg", "pipe:1")
	packets, err := peer.OggPackets(ogg)
	if err != nil || len(packets) < 3 {
		l.t.Fatalf("%d packets, %v", len(packets), err)
	}
	return packets[2:]
}

// ours is pcm encoded by us, in the mode that next gives for each frame.
func (l speexLab) ours(pcm []int16, next func(i int) speex.Mode) [][]byte {
	l.t.Helper()
	e, err := speex.NewEncoder(l.rate, next(0))
	if err != nil {
		l.t.Fatal(err)
	}
	var packets [][]byte
	for ; len(pcm) >= e.Frame(); pcm = pcm[e.Frame():] {
		if err := e.SetMode(next(len(packets))); err != nil {
			l.t.Fatal(err)
		}
		p, err := e.Encode(nil, pcm[:e.Frame()])
		if err != nil {
			l.t.Fatal(err)
		}
		packets = append(packets, p)
	}
	return packets
}

// hear is what ffmpeg hears in packets with one of its decoders, speex or libspeex.
func (l speexLab) hear(decoder string, packets [][]byte, frames int) []int16 {
	l.t.Helper()
	file := peer.OggFile(append(peer.SpeexHeaders(l.rate, frames), packets...), 2, frames*l.rate/50)
	return samples(l.ffmpeg(file, "-c:a", decoder, "-i", "pipe:0", "-f", "s16le", "pipe:1"))
}

// heard is what we hear.
func (l speexLab) heard(packets [][]byte) []int16 {
	l.t.Helper()
	d, err := speex.NewDecoder(l.rate)
	if err != nil {
		l.t.Fatal(err)
	}
	var pcm []int16
	for _, p := range packets {
		if pcm, err = d.Decode(pcm, p); err != nil {
			l.t.Fatal(err)
		}
	}
	return pcm
}

// same reports where we hear something else than one of ffmpeg's decoders does.
func (l speexLab) same(packets [][]byte, frames int, decoder string, least float64) {
	l.t.Helper()
	ours, theirs := l.heard(packets), l.hear(decoder, packets, frames)
	if diff := len(ours) - len(theirs); max(diff, -diff) >= frames*l.rate/50 { // the last packet is not full
		l.t.Errorf("%d samples, %s has %d", len(ours), decoder, len(theirs))
	}
	if got := codectest.Error(theirs, ours); got < least {
		l.t.Errorf("%.1f dB from what %s hears, want %.0f", got, decoder, least)
	}
}

func samples(raw []byte) []int16 {
	pcm := make([]int16, len(raw)/2)
	for i := range pcm {
		pcm[i] = int16(binary.LittleEndian.Uint16(raw[2*i:]))
	}
	return pcm
}

func raw(pcm []int16) []byte {
	var out []byte
	for _, v := range pcm {
		out = binary.LittleEndian.AppendUint16(out, uint16(v))
	}
	return out
}

// ffmpeg has two decoders: libspeex and its own. That takes the high-pass filter of
// the narrowband at every rate and other noise in the lowest mode, and enhances
// what is the opposite of a pitch too, so that it is like libspeex in the rest only.
func TestSpeexIsHeardAsFFmpegHearsIt(t *testing.T) {
	t.Parallel()
	for rate, qualities := range map[int][]int{
		8000:  {0, 1, 2, 3, 5, 7, 9, 10},
		16000: {0, 1, 2, 3, 4, 5, 6, 8, 10},
		32000: {4, 8, 10},
	} {
		voice := speexLab{t, rate}.voice()
		for _, quality := range qualities {
			t.Run(fmt.Sprintf("%d quality %d", rate, quality), func(t *testing.T) {
				t.Parallel()
				l := speexLab{t, rate}
				frames := 1 + quality%8
				packets := l.theirs(voice, quality, frames)
				for i, p := range packets {
					n, err := speex.Frames(p)
					if last := i == len(packets)-1; err != nil || n != frames && (!last || n > frames) {
						t.Fatalf("packet %d of %d: %d frames, %v; want %d", i, len(packets), n, err, frames)
					}
				}
				l.same(packets, frames, "libspeex", sameSound)
				if rate == 8000 && quality > 0 {
					l.same(packets, frames, "speex", likeSound)
				}
			})
		}
	}
}

// All pairs of modes, one after the other in one stream: more than libspeex makes.
func TestSpeexOfEveryModeIsHeardByFFmpeg(t *testing.T) {
	t.Parallel()
	for _, rate := range []int{8000, 16000, 32000} {
		t.Run(strconv.Itoa(rate), func(t *testing.T) {
			t.Parallel()
			l := speexLab{t, rate}
			packets := l.ours(l.voice(), func(i int) speex.Mode {
				return speex.Mode{Narrow: 1 + i/2%8, Wide: i % 5}
			})
			l.same(packets, 1, "libspeex", sameSound)
		})
	}
}

func TestSpeexIsEncodedAsWellAsByLibspeex(t *testing.T) {
	t.Parallel()
	for _, rate := range []int{8000, 16000} {
		voice := speexLab{t, rate}.voice()
		for quality, least := range map[int]float64{1: 10, 2: 12, 3: 13, 5: 16, 7: 20, 8: 21, 9: 23, 10: 25} {
			t.Run(fmt.Sprintf("%d quality %d", rate, quality), func(t *testing.T) {
				t.Parallel()
				l := speexLab{t, rate}
				mode := speex.Quality(rate, quality)
				ours := l.ours(voice, func(int) speex.Mode { return mode })
				theirs := l.theirs(voice, quality, 1)
				if len(ours[0]) != len(theirs[0]) {
					t.Errorf("a frame has %d bytes, theirs %d", len(ours[0]), len(theirs[0]))
				}
				want := speexFiltered(rate, voice)
				a := codectest.SNR(want, l.hear("libspeex", ours, 1), rate/50)
				b := codectest.SNR(want, l.hear("libspeex", theirs, 1), rate/50)
				t.Logf("%d %d: %.2f dB, libspeex %.2f", rate, quality, a, b)
				if a < least || a < b-speexBehind {
					t.Errorf("%.2f dB, libspeex has %.2f, and %.0f is wanted", a, b, least)
				}
			})
		}
	}
}

// speexFiltered is pcm through the two high-pass filters that encoders and decoders of Speex
// have: they shift phases, which is no fault of what is between them.
func speexFiltered(rate int, pcm []int16) []int16 {
	filters := [2][2][3]float64{
		{{0.95654, -1.91309, 0.95654}, {1, -1.91120, 0.91498}},
		{{0.96446, -1.92879, 0.96446}, {1, -1.92683, 0.93071}},
	}
	if rate > 8000 {
		filters = [2][2][3]float64{
			{{0.96723, -1.93445, 0.96723}, {1, -1.93338, 0.93553}},
			{{0.98645, -1.97277, 0.98645}, {1, -1.97226, 0.97332}},
		}
	}
	step := rate / 8000 // they are of the lower band
	out := make([]int16, len(pcm))
	for phase := range step {
		var m [2][2]float64
		for i := phase; i < len(pcm); i += step {
			v := float64(pcm[i])
			for k, f := range filters {
				y := f[0][0]*v + m[k][0]
				m[k][0] = m[k][1] + f[0][1]*v - f[1][1]*y
				m[k][1] = f[0][2]*v - f[1][2]*y
				v = y
			}
			out[i] = int16(min(max(v, -32768), 32767))
		}
	}
	return out
}
