package main

import (
	"fmt"
	"io"
	"time"
)

// What we aim at: CPU time of a call's signalling, beside Kamailio's.
const (
	aimCall   = 2.5
	levelCall = 2.0
	callPer   = 10_000 // calls whose CPU time is shown
)

// The CPU times of a round.
func (s callSample) ofSignalling() time.Duration { return s.signalling }
func (s callSample) ofBoth() time.Duration       { return s.signalling + s.media }

// per is the CPU seconds of callPer calls.
func (s callSwitched) per(cpu func(callSample) time.Duration) spread {
	var all []float64
	for _, c := range s.samples {
		all = append(all, cpu(c).Seconds()/float64(c.calls)*callPer)
	}
	return spreadOf(all)
}

// beside is the CPU time of a call beside another's, round by round.
func (s callSwitched) beside(other callSwitched, cpu func(callSample) time.Duration) spread {
	var all []float64
	for i, c := range s.samples {
		o := other.samples[i]
		all = append(all, cpu(c).Seconds()/float64(c.calls)/(o.ofBoth().Seconds()/float64(o.calls)))
	}
	return spreadOf(all)
}

// again is how many messages the caller sent again in all rounds.
func (s callSwitched) again() (n int) {
	for _, c := range s.samples {
		n += c.retransmitted
	}
	return n
}

func printSignalling(out io.Writer, c callCosts) {
	fmt.Fprintf(out, `
Calls of a tenth of a second, from SIPp to SIPp by UDP, %d begun a second: INVITE,
180, 200, ACK, BYE; %d rounds of %d, taking turns, medians (and lowest...highest).
The gateway ends each call on both sides and gives it ports for media; Kamailio
(tm, rr, tlsf) is a proxy that stays in the path.
`, callRate, callRounds, callCount)
	if !c.preferred {
		fmt.Fprintln(out, "They may not run before other processes here (root may): what others do is in these times.")
	}
	if c.note != "" {
		fmt.Fprintf(out, "Kamailio: %s.\n", c.note)
	}
	fmt.Fprintf(out, "\n%-38s %-28s %-28s %s\n", "CPU seconds of 10,000 calls", "itself", "beside Kamailio", "RAM, sent again")
	row := func(name string, s callSwitched, cpu func(callSample) time.Duration, aim bool) {
		beside := "none"
		if len(c.proxy.samples) > 0 {
			if r := s.beside(c.proxy, cpu); aim {
				beside = aimed(r, aimCall, levelCall)
			} else {
				beside = r.text("%.2f")
			}
		}
		fmt.Fprintf(out, "  %-36s %-28s %-28s %.0f MB, %d\n", name, s.per(cpu).text("%.2f"), beside, float64(s.memory)/(1<<20), s.again())
	}
	row("gateway, media in its process", c.together, callSample.ofSignalling, true)
	row("gateway, media in another: signalling", c.apart, callSample.ofSignalling, true)
	row("                           and media", c.apart, callSample.ofBoth, false)
	if len(c.proxy.samples) > 0 {
		row("Kamailio", c.proxy, callSample.ofBoth, false)
	}
	fmt.Fprintf(out, "\nThe aims: at most %.1f of Kamailio's CPU (%.1f, if we can).\n", aimCall, levelCall)
}
