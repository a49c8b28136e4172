//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"gateway/codec"
	"gateway/codec/codectest"
	"gateway/codec/sound"
	"gateway/internal/peer"
)

// What sound may differ by, in dB.
const (
	sameFixed  = 60  // from a decoder that counts otherwise
	asGoodAs   = 0.5 // how far one of our encoders may stay behind ffmpeg's
	withNoise  = 12  // from a decoder whose noise is another
	codecDelay = 20  // most that a codec comes late, as a divisor of a second
)

// A codecLab runs ffmpeg on the speech of one sampling rate.
type codecLab struct {
	t    *testing.T
	rate int
}

func (l codecLab) ffmpeg(in []byte, args ...string) []byte {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), testTime)
	defer cancel()
	out, _, err := peer.FFmpeg(ctx, in, args...)
	if err != nil {
		l.t.Fatal(err)
	}
	return out
}

// spoken is ffmpeg's own speech, at 16 kHz; to speak takes it long.
var spoken = sync.OnceValues(func() ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), testTime)
	defer cancel()
	out, _, err := peer.FFmpeg(ctx, nil, "-f", "lavfi", "-i", "flite=text='"+voiceText+"':voice=slt",
		"-ar", "16000", "-f", "s16le", "pipe:1")
	return out, err
})

func (l codecLab) voice() []int16 {
	l.t.Helper()
	at16, err := spoken()
	if err != nil {
		l.t.Fatal(err)
	}
	return samples(l.ffmpeg(at16, "-f", "s16le", "-ar", "16000", "-ac", "1", "-i", "pipe:0", "-ar", strconv.Itoa(l.rate),
		"-f", "s16le", "pipe:1"))
}

// encode has ffmpeg encode pcm, with args, to what pipe:1 is.
func (l codecLab) encode(pcm []int16, args ...string) []byte {
	l.t.Helper()
	in := []string{"-f", "s16le", "-ar", strconv.Itoa(l.rate), "-ac", "1", "-i", "pipe:0", "-map", "0:a"}
	return l.ffmpeg(raw(pcm), append(append(in, args...), "pipe:1")...)
}

// decode has ffmpeg decode a file that args tell of.
func (l codecLab) decode(file []byte, args ...string) []int16 {
	l.t.Helper()
	return samples(l.ffmpeg(file, append(args, "-flags2", "skip_manual", "-i", "pipe:0", "-ac", "1", "-ar", strconv.Itoa(l.rate),
		"-f", "s16le", "pipe:1")...))
}

// format is that of a name at the lab's rate.
func (l codecLab) format(name, params string) codec.Format {
	f := codec.Format{Kind: codec.Audio, Name: name, Rate: l.rate, Channels: 1, Params: params}
	switch name {
	case "g722":
		f.Rate = 8000
	case "opus":
		f.Rate, f.Channels = 48000, 2
	}
	return f
}

// ours is pcm encoded by us, frame by frame; what is less than one is left out.
func (l codecLab) ours(f codec.Format, s sound.Setting, pcm []int16) (payloads [][]byte) {
	l.t.Helper()
	e, err := sound.NewEncoder(f, s)
	if err != nil {
		l.t.Fatal(err)
	}
	if e.Rate() != l.rate {
		l.t.Fatalf("it encodes at %d", e.Rate())
	}
	for ; len(pcm) >= e.Frame(); pcm = pcm[e.Frame():] {
		p, err := e.Encode(nil, pcm[:e.Frame()])
		if err != nil {
			l.t.Fatal(err)
		}
		if len(p) > 0 {
			payloads = append(payloads, p)
		}
	}
	return payloads
}

// heard is what we hear in payloads.
func (l codecLab) heard(f codec.Format, payloads [][]byte) (pcm []int16) {
	l.t.Helper()
	d, err := sound.NewDecoderAt(f, l.rate)
	if err != nil {
		l.t.Fatal(err)
	}
	if d.Rate() != l.rate {
		l.t.Fatalf("it decodes at %d", d.Rate())
	}
	for i, p := range payloads {
		if pcm, err = d.Decode(pcm, p); err != nil {
			l.t.Fatalf("payload %d: %v", i, err)
		}
	}
	return pcm
}

// same reports where two have not heard the same.
func (l codecLab) same(ours, theirs []int16, least float64) {
	l.t.Helper()
	if n := len(ours) - len(theirs); max(n, -n) > l.rate/10 {
		l.t.Errorf("%d samples, ffmpeg has %d", len(ours), len(theirs))
	}
	got := codectest.Error(theirs, ours)
	l.t.Logf("%.1f dB from what ffmpeg hears", got)
	if got < least {
		l.t.Errorf("%.1f dB from what ffmpeg hears, want %.0f", got, least)
	}
}

// asGood reports where what ffmpeg hears of ours is further from the original than what
// it hears of its own.
func (l codecLab) asGood(original, ours, theirs []int16) {
	l.t.Helper()
	late := l.rate / codecDelay
	original = original[:min(len(original), 3*l.rate)] // to look for the delay in all of it takes long
	a, b := codectest.SNR(original, ours, late), codectest.SNR(original, theirs, late)
	l.t.Logf("%.2f dB, ffmpeg's %.2f", a, b)
	if a < b-asGoodAs {
		l.t.Errorf("%.2f dB, ffmpeg's has %.2f", a, b)
	}
}

func TestG711IsAsFFmpegHasIt(t *testing.T) {
	t.Parallel()
	for name, theirs := range map[string]string{"pcmu": "mulaw", "pcma": "alaw"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := codecLab{t, 8000}
			voice := l.voice()
			file := l.encode(voice, "-f", theirs)
			f := l.format(name, "")
			l.same(l.heard(f, [][]byte{file}), l.decode(file, "-f", theirs, "-ar", "8000"), 90)
			ours := bytes.Join(l.ours(f, sound.Setting{}, voice), nil)
			l.asGood(voice, l.decode(ours, "-f", theirs, "-ar", "8000"), l.decode(file, "-f", theirs, "-ar", "8000"))
		})
	}
}

func TestG722IsAsFFmpegHasIt(t *testing.T) {
	t.Parallel()
	l := codecLab{t, 16000}
	voice := l.voice()
	file := l.encode(voice, "-f", "g722")
	f := l.format("g722", "")
	ours := bytes.Join(l.ours(f, sound.Setting{}, voice), nil)
	if !bytes.HasPrefix(file, ours) {
		t.Error("the bytes are others")
	}
	l.same(l.heard(f, [][]byte{file}), l.decode(file, "-f", "g722"), 90)
}

func TestL16IsAsFFmpegHasIt(t *testing.T) {
	t.Parallel()
	l := codecLab{t, 16000}
	voice := l.voice()
	file := l.encode(voice, "-f", "s16be")
	f := l.format("l16", "")
	if ours := bytes.Join(l.ours(f, sound.Setting{}, voice), nil); !bytes.HasPrefix(file, ours) {
		t.Error("the bytes are others")
	}
	l.same(l.heard(f, [][]byte{file}), voice, 90)
}

func TestOpusIsAsFFmpegHasIt(t *testing.T) {
	t.Parallel()
	for _, rate := range []int{8000, 16000, 24000, 48000} {
		for _, row := range []struct{ bits, ms int }{{12000, 20}, {24000, 10}, {64000, 60}} {
			t.Run(fmt.Sprintf("%d, %d bit a second, %d ms", rate, row.bits, row.ms), func(t *testing.T) {
				t.Parallel()
				l, all := codecLab{t, rate}, codecLab{t, 48000}
				voice := l.voice()
				packets, err := peer.OggPackets(l.encode(voice, "-c:a", "libopus", "-application", "voip",
					"-b:a", strconv.Itoa(row.bits), "-frame_duration", strconv.Itoa(row.ms), "-compression_level", "5",
					"-fec", "1", "-packet_loss", "5", "-f", "ogg"))
				if err != nil || len(packets) < 10 {
					t.Fatalf("%d packets: %v", len(packets), err)
				}
				packets = packets[2:]
				file := func(packets [][]byte) []byte {
					return peer.OggFile(append(peer.OpusHeaders(), packets...), 2, row.ms*48)
				}
				f := l.format("opus", "useinbandfec=1")
				all.same(all.heard(f, packets), all.decode(file(packets), "-c:a", "libopus"), sameFixed)
				ours := l.ours(f, sound.Setting{Rate: rate, Bitrate: row.bits, Ptime: time.Duration(row.ms) * time.Millisecond}, voice)
				l.asGood(voice, l.decode(file(ours), "-c:a", "libopus"), l.decode(file(packets), "-c:a", "libopus"))
			})
		}
	}
}

func TestNellymoserIsAsFFmpegHasIt(t *testing.T) {
	t.Parallel()
	for rate, kind := range map[int]byte{8000: 0x52, 16000: 0x42, 11025: 0x66, 22050: 0x6a, 44100: 0x6e} {
		t.Run(strconv.Itoa(rate), func(t *testing.T) {
			t.Parallel()
			l := codecLab{t, rate}
			voice := l.voice()
			blocks := slices.Collect(slices.Chunk(l.encode(voice, "-c:a", "nellymoser", "-f", "data"), 64))
			hears := func(blocks [][]byte) []int16 {
				return l.decode(peer.FLVFile(kind, blocks, 256e3/float64(rate)), "-f", "flv")
			}
			f := l.format("nellymoser", "")
			theirs := hears(blocks)
			l.same(l.heard(f, blocks), theirs, withNoise)
			l.asGood(voice, hears(l.ours(f, sound.Setting{}, voice)), theirs)
		})
	}
}
