package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"gateway/codec/speex"
	"gateway/internal/peer"
)

// What we aim at, in times ffmpeg's CPU.
const (
	aimSpeex   = 2.0
	levelSpeex = 1.0
)

const (
	speexRounds = 5
	speexLong   = time.Minute // of sound, in each round
	speexSaid   = "Rice is often served in round bowls. The juice of lemons makes fine punch. " +
		"The box was thrown beside the parked truck. Four hours of steady work faced us."
)

// speexLoads are what is measured: narrowband as phones use it, wideband as Flash
// does, and the best of it that is usual.
var speexLoads = []struct{ rate, quality int }{{8000, 4}, {8000, 8}, {16000, 6}, {16000, 8}}

// A speexCost is the CPU of one load, in seconds for a minute of sound, and beside
// ffmpeg's, round by round.
type speexCost struct {
	rate, bits     int
	encode, decode []float64
	encodeBy       []float64
	decodeBy       []float64
}

// measureSpeex encodes and decodes speech, here and with ffmpeg and libspeex,
// taking turns.
func measureSpeex(ctx context.Context) ([]speexCost, error) {
	costs := make([]speexCost, len(speexLoads))
	for range speexRounds {
		for i, load := range speexLoads {
			voice, err := speexVoice(ctx, load.rate)
			if err != nil {
				return nil, err
			}
			mode := speex.Quality(load.rate, load.quality)
			costs[i].rate = load.rate
			costs[i].bits = mode.Bits(load.rate) * 50
			if err := costs[i].round(ctx, voice, mode, load.quality); err != nil {
				return nil, fmt.Errorf("speex at %d: %w", load.rate, err)
			}
		}
	}
	return costs, nil
}

// speexVoice is ffmpeg's own speech, over and over.
func speexVoice(ctx context.Context, rate int) ([]byte, error) {
	once, _, err := peer.FFmpeg(ctx, nil, "-f", "lavfi", "-i", "flite=text='"+speexSaid+"':voice=slt",
		"-ar", strconv.Itoa(rate), "-f", "s16le", "pipe:1")
	if err != nil {
		return nil, err
	}
	if len(once) == 0 {
		return nil, errors.New("ffmpeg says nothing")
	}
	n := int(speexLong.Seconds()) * rate * 2
	return bytes.Repeat(once, n/len(once)+1)[:n], nil
}

// round measures one round.
func (c *speexCost) round(ctx context.Context, voice []byte, mode speex.Mode, quality int) error {
	rate := strconv.Itoa(c.rate)
	ogg, encode, err := peer.FFmpeg(ctx, voice, "-f", "s16le", "-ar", rate, "-ac", "1", "-i", "pipe:0",
		"-c:a", "libspeex", "-cbr_quality", strconv.Itoa(quality), "-f", "ogg", "pipe:1")
	if err != nil {
		return err
	}
	_, decode, err := peer.FFmpeg(ctx, ogg, "-c:a", "libspeex", "-i", "pipe:0", "-f", "s16le", "pipe:1")
	if err != nil {
		return err
	}
	pcm := make([]int16, len(voice)/2)
	for i := range pcm {
		pcm[i] = int16(binary.LittleEndian.Uint16(voice[2*i:]))
	}
	e, err := speex.NewEncoder(c.rate, mode)
	if err != nil {
		return err
	}
	var packets []byte
	size := 0
	ours, err := threadUser(func() error {
		for ; len(pcm) >= e.Frame(); pcm = pcm[e.Frame():] {
			before := len(packets)
			if packets, err = e.Encode(packets, pcm[:e.Frame()]); err != nil {
				return err
			}
			size = len(packets) - before
		}
		return nil
	})
	if err != nil {
		return err
	}
	d, err := speex.NewDecoder(c.rate)
	if err != nil {
		return err
	}
	var out []int16
	back, err := threadUser(func() error {
		for ; len(packets) > 0; packets = packets[size:] {
			if out, err = d.Decode(out[:0], packets[:size]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	c.encode = append(c.encode, ours.Seconds()/speexLong.Minutes())
	c.decode = append(c.decode, back.Seconds()/speexLong.Minutes())
	c.encodeBy = append(c.encodeBy, ours.Seconds()/encode.Seconds())
	c.decodeBy = append(c.decodeBy, back.Seconds()/decode.Seconds())
	return nil
}

// threadUser is what CPU time f had of its own.
func threadUser(f func() error) (time.Duration, error) {
	const thread = 1 // RUSAGE_THREAD
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, after syscall.Rusage
	if err := syscall.Getrusage(thread, &before); err != nil {
		return 0, fmt.Errorf("cpu time: %w", err)
	}
	if err := f(); err != nil {
		return 0, err
	}
	if err := syscall.Getrusage(thread, &after); err != nil {
		return 0, fmt.Errorf("cpu time: %w", err)
	}
	return time.Duration(after.Utime.Nano() - before.Utime.Nano()), nil
}

func printSpeex(out io.Writer, costs []speexCost) {
	fmt.Fprintf(out, `
Speex: CPU time of a minute of speech, beside ffmpeg with libspeex, whose start
counts in; %d rounds of %d minute, taking turns, medians (and lowest...highest)
`, speexRounds, int(speexLong.Minutes()))
	for _, c := range costs {
		fmt.Fprintf(out, "\n%d Hz, %d bit/s\n", c.rate, c.bits)
		fmt.Fprintf(out, "  encode, ms %-28s of ffmpeg's %s\n", inMilli(c.encode), aimed(spreadOf(c.encodeBy), aimSpeex, levelSpeex))
		fmt.Fprintf(out, "  decode, ms %-28s of ffmpeg's %s\n", inMilli(c.decode), aimed(spreadOf(c.decodeBy), aimSpeex, levelSpeex))
	}
	fmt.Fprintf(out, "\nThe aim: at most %.0f times ffmpeg's.\n", aimSpeex)
}

func inMilli(seconds []float64) string {
	var ms []float64
	for _, s := range seconds {
		ms = append(ms, 1000*s)
	}
	return spreadOf(ms).text("%.0f")
}
