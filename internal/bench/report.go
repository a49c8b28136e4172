package main

import (
	"fmt"
	"io"
	"slices"
	"time"
)

// What we aim at: CPU time of a text, as ratios.
const (
	aimKamailio  = 1.5  // times Kamailio's
	levelWith    = 1.0  // the same, stretched
	aimOfProsody = 0.35 // of Prosody's for the same text
)

func printTexts(out io.Writer, t *texts, note, noFloor string) {
	fmt.Fprintf(out, `
Texts of some 80 letters between %d phones and %d users, %d rounds of everything,
taking turns; medians (and lowest...highest). Other work shares this machine:
compare only the ratios of one run. The gateway asks Prosody whether each text
is there before it says 200, and syncs to disk what it has to account for;
Kamailio answers and forgets. The floor is a small program in C that makes the
gateway's promises to these phones and users with the same system calls, and does
nothing else: below it no gateway with these promises can come.
`, pairs, pairs, rounds)
	if note != "" {
		fmt.Fprintf(out, "Kamailio's xmpp module: %s.\n", note)
	}
	if noFloor != "" {
		fmt.Fprintf(out, "The floor: %s.\n", noFloor)
	}
	if t.failed != nil {
		fmt.Fprintf(out, "Kamailio: %v.\n", t.failed)
	}
	for s := range styles {
		printStyle(out, t, s)
	}
	fmt.Fprintf(out, "\nThe aims: at most %.1f of Kamailio's CPU (level with it, if we can), %.2f of Prosody's.\n", aimKamailio, aimOfProsody)
}

// printStyle prints what one style cost.
func printStyle(out io.Writer, t *texts, s int) {
	gateway, kamailio, floor := t.gateway[s], t.kamailio[s], t.floor[s]
	const width = 28
	row := func(name string, cell func(d int) string, of ...[len(directions)]samples) {
		cells := [len(directions)]string{}
		for d := range cells {
			cells[d] = "none"
			if !slices.ContainsFunc(of, func(all [len(directions)]samples) bool { return len(all[d]) == 0 }) {
				cells[d] = cell(d)
			}
		}
		fmt.Fprintf(out, "  %-36s %-*s %s\n", name, width, cells[0], cells[1])
	}
	fmt.Fprintf(out, "\n%-38s %-*s %s\n", "Texts "+styles[s].name, width, directions[0].name, directions[1].name)
	row("gateway, texts per CPU second", func(d int) string { return gateway[d].perCPU().text("%.0f") })
	row("Kamailio, texts per CPU second", func(d int) string { return kamailio[d].perCPU().text("%.0f") }, kamailio)
	row("floor, texts per CPU second", func(d int) string { return floor[d].perCPU().text("%.0f") }, floor)
	row("CPU of a text, gateway / Kamailio", func(d int) string {
		return aimed(gateway[d].against(kamailio[d]), aimKamailio, levelWith)
	}, kamailio)
	row("CPU of a text, floor / Kamailio", func(d int) string {
		return aimed(floor[d].against(kamailio[d]), aimKamailio, levelWith)
	}, kamailio, floor)
	row("CPU of a text, gateway / Prosody", func(d int) string {
		return aimed(gateway[d].ofServer(), aimOfProsody, aimOfProsody)
	})
	row("CPU of a text, floor / Prosody", func(d int) string {
		return aimed(floor[d].ofServer(), aimOfProsody, aimOfProsody)
	}, floor)
	row("CPU of a text, gateway / floor", func(d int) string { return gateway[d].against(floor[d]).text("%.2f") }, floor)
	if styles[s].rate > 0 {
		row("gateway, p50 / p99 end to end", func(d int) string { return tookText(gateway[d]) })
		row("Kamailio, p50 / p99 end to end", func(d int) string { return tookText(kamailio[d]) }, kamailio)
		return
	}
	row("gateway, texts per second", func(d int) string { return gateway[d].perSecond().text("%.0f") })
	row("Kamailio, texts per second", func(d int) string { return kamailio[d].perSecond().text("%.0f") }, kamailio)
}

func tookText(all samples) string {
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	return fmt.Sprintf("%.2f / %.2f ms", ms(all.took(0.5)), ms(all.took(0.99)))
}

// aimed is a ratio and whether it is what we aim at.
func aimed(r spread, aim, stretch float64) string {
	verdict := "missed"
	switch {
	case r.median <= stretch && stretch < aim:
		verdict = "level"
	case r.median <= aim:
		verdict = "met"
	}
	return r.text("%.2f") + " " + verdict
}

func printAppends(out io.Writer, a appends) {
	fmt.Fprintf(out, `
Outbox, records of %d bytes, each on disk when it is said to be
  appends per second, one at a time    %.0f
  appends per second, %d at once       %.0f
  a bare file, write and sync          %.0f
`, recordSize, a.alone, window, a.together, a.bare)
}

func printQueue(out io.Writer, q queued) {
	fmt.Fprintf(out, `
Texts that wait for phones that are away
  memory of a thousand                 %.1f MB (growth of the process from %d to %d texts)
`, q.perThousand/(1<<20), firstQueued, firstQueued+moreQueued)
}
