package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// quantile is the value below which the share q of all lies, by the nearest
// rank; all is not empty.
func quantile[T cmp.Ordered](all []T, q float64) T {
	s := slices.Sorted(slices.Values(all))
	return s[min(int(q*float64(len(s))), len(s)-1)]
}

// A spread is the median of the rounds, and between what they lay.
type spread struct{ median, low, high float64 }

func spreadOf(all []float64) spread {
	return spread{quantile(all, 0.5), slices.Min(all), slices.Max(all)}
}

func (s spread) text(format string) string {
	return fmt.Sprintf(format+" ("+format+"..."+format+")", s.median, s.low, s.high)
}

// A sample is one round of one load through one program.
type sample struct {
	texts   int
	cpu     time.Duration // of the program
	server  time.Duration // of Prosody
	elapsed time.Duration
	times   []time.Duration // from sending to arrival
}

// samples is the rounds of one load through one program, in order.
type samples []sample

// perCPU is texts per second of the program's CPU time.
func (all samples) perCPU() spread {
	return all.each(func(s sample) float64 { return float64(s.texts) / s.cpu.Seconds() })
}

// perSecond is texts per second of time.
func (all samples) perSecond() spread {
	return all.each(func(s sample) float64 { return float64(s.texts) / s.elapsed.Seconds() })
}

// ofServer is the program's CPU time beside Prosody's for the same texts.
func (all samples) ofServer() spread {
	return all.each(func(s sample) float64 { return s.cpu.Seconds() / s.server.Seconds() })
}

// against is the CPU time of a text beside what others need, round by round.
func (all samples) against(others samples) spread {
	var r []float64
	for i, s := range all {
		o := others[i]
		r = append(r, s.cpu.Seconds()/float64(s.texts)/(o.cpu.Seconds()/float64(o.texts)))
	}
	return spreadOf(r)
}

func (all samples) each(f func(sample) float64) spread {
	var r []float64
	for _, s := range all {
		r = append(r, f(s))
	}
	return spreadOf(r)
}

// took is how long a text took, of all rounds together.
func (all samples) took(q float64) time.Duration {
	var times []time.Duration
	for _, s := range all {
		times = append(times, s.times...)
	}
	return quantile(times, q)
}
