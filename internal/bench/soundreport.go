package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
)

// What we aim at, in times ffmpeg's CPU.
const (
	aimRepack    = 0.2
	aimTranscode = 2.0
	levelSound   = 1.0
)

// linear is samples of 16 bits, little endian.
func linear(raw []byte) []int16 {
	pcm := make([]int16, len(raw)/2)
	for i := range pcm {
		pcm[i] = int16(binary.LittleEndian.Uint16(raw[2*i:]))
	}
	return pcm
}

func printSound(out io.Writer, costs []soundCost) {
	fmt.Fprintf(out, `
Sound: CPU time of a minute of speech, frames in, packets out, in ms, beside ffmpeg doing
the same, without its start; %d rounds, taking turns, medians (and lowest...highest)

`, soundRounds)
	for _, c := range costs {
		aim, level, what := aimTranscode, levelSound, "transcoded"
		if c.repack {
			aim, level, what = aimRepack, aimRepack, "repacked"
		}
		fmt.Fprintf(out, "  %-38s %-10s %-24s ffmpeg %-24s ratio %s\n", c.from+" to "+c.to, what, inMilli(c.ours), inMilli(c.theirs),
			aimed(spreadOf(c.by), aim, level))
	}
	fmt.Fprintf(out, "\nThe aims: at most %.1f of ffmpeg's stream copy, at most %.0f times ffmpeg's decoding and encoding.\n",
		aimRepack, aimTranscode)
}

// sounds measures what it costs to carry sound from one format to another.
func sounds(ctx context.Context, _ *world, out io.Writer) error {
	c, err := measureSound(ctx)
	if err != nil {
		return err
	}
	printSound(out, c)
	return nil
}
