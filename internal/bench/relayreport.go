package main

import (
	"fmt"
	"io"
	"time"
)

// What we aim at, beside rtpengine.
const (
	aimRelay   = 0.70 // of its CPU, with 500 calls and more
	levelRelay = 0.60 // the same, stretched
	aimFrom    = 500
	aimTime    = 1.0 // of the time that it adds
	perMillion = 1e6
)

// overPassages is a spread of what f makes of each round.
func overPassages(all []passage, f func(passage) float64) spread {
	var r []float64
	for _, p := range all {
		r = append(r, f(p))
	}
	return spreadOf(r)
}

// beside is f of ours through f of theirs, round by round.
func (r relayed) beside(f func(passage) float64) spread {
	var all []float64
	for i, p := range r.ours {
		all = append(all, f(p)/f(r.theirs[i]))
	}
	return spreadOf(all)
}

// lower is in how many rounds f was less of ours than of theirs.
func (r relayed) lower(f func(passage) float64) (n int) {
	for i, p := range r.ours {
		if f(p) < f(r.theirs[i]) {
			n++
		}
	}
	return n
}

func (p passage) perPacket() float64 { return p.cpu.Seconds() / float64(p.sent) * perMillion }

func (p passage) lost() float64 { return 100 * (1 - float64(p.received)/float64(p.sent)) }

func (p passage) perCall() float64 { return float64(p.memory) / float64(p.memoryCalls) / 1024 }

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func printRelay(out io.Writer, c relayCosts) {
	fmt.Fprintf(out, `
Calls of G.711, 100 packets of RTP a second each, relayed by the gateway's media
process and by rtpengine in user space, which take turns, while three calls in a
hundred end and begin every second. Times are what the relay adds, the system's part
of some 2 us included: from when a packet is handed to the system to when the system has it at
the other side. The generator has a CPU of its own as often as it wants it; both relays may
use all of them. No CPU goes to sleep, for a host wakes a virtual one late.
`)
	if !c.sizes[0].ours[0].preferred {
		fmt.Fprintln(out, "They may not run before other processes here (root may): times are of no use if there are any.")
	}
	if c.note != "" {
		fmt.Fprintf(out, "rtpengine: %s.\n", c.note)
	}
	for _, s := range c.sizes {
		printRelayed(out, s)
	}
	fmt.Fprintf(out, "\nThe aims: at most %.2f of rtpengine's CPU with %d calls and more (%.2f, if we can), and no more time.\n",
		aimRelay, aimFrom, levelRelay)
}

func printRelayed(out io.Writer, s relayed) {
	row := func(name, format string, cell func(passage) float64) {
		theirs := "none"
		if len(s.theirs) > 0 {
			theirs = overPassages(s.theirs, cell).text(format)
		}
		fmt.Fprintf(out, "  %-36s %-28s %s\n", name, overPassages(s.ours, cell).text(format), theirs)
	}
	fmt.Fprintf(out, "\n%-38s %-28s %s\n", fmt.Sprintf("%d calls, %d rounds", s.calls, len(s.ours)), "gateway", "rtpengine")
	row("CPU seconds per million packets", "%.2f", passage.perPacket)
	row("added time, p50, us", "%.0f", func(p passage) float64 { return micros(p.p50) })
	row("added time, p99, us", "%.0f", func(p passage) float64 { return micros(p.p99) })
	row("added time, p99.9, us", "%.0f", func(p passage) float64 { return micros(p.p999) })
	row("lost, percent", "%.3f", passage.lost)
	row("growth of the process, kB a call", "%.1f", passage.perCall)
	if len(s.theirs) == 0 {
		return
	}
	cpu := s.beside(passage.perPacket)
	verdict := cpu.text("%.2f")
	if s.calls >= aimFrom {
		verdict = aimed(cpu, aimRelay, levelRelay)
	}
	fmt.Fprintf(out, "  %-36s %s\n", "CPU of a packet, gateway / rtpengine", verdict)
	for _, q := range []struct {
		name string
		of   func(passage) float64
	}{
		{"p50, gateway / rtpengine", func(p passage) float64 { return micros(p.p50) }},
		{"p99, gateway / rtpengine", func(p passage) float64 { return micros(p.p99) }},
	} {
		fmt.Fprintf(out, "  %-36s %s, lower in %d of %d rounds\n", q.name,
			aimed(s.beside(q.of), aimTime, aimTime), s.lower(q.of), len(s.ours))
	}
}
