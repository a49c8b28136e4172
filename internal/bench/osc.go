package main

import (
	"context"
	"fmt"
	"io"
	"time"
)

// What we aim at.
const (
	aimLoop    = 1.0 // times the plain loop's CPU
	levelLoop  = 0.9
	aimNoLoss  = 0.0 // at the lower rate
	aimBigLoss = 0.01
)

// oscCosts is what OSC groups cost.
type oscCosts struct {
	fans  []fanned
	users []registered
}

// measureOSC measures the gateway as a member and as a server of OSC groups.
func (w *world) measureOSC(ctx context.Context) (c oscCosts, err error) {
	for _, n := range fanOthers {
		f, err := w.measureFan(ctx, n)
		if err != nil {
			return c, fmt.Errorf("osc, to %d others: %w", n, err)
		}
		c.fans = append(c.fans, f)
	}
	for _, s := range oscSizes {
		r, err := w.measureUsers(ctx, s)
		if err != nil {
			return c, fmt.Errorf("osc, %s: %w", s.name, err)
		}
		c.users = append(c.users, r)
	}
	return c, nil
}

// perMany is the CPU time of so many messages as fanPer says, in seconds. What was
// lost does not count.
func perMany(all []fanSample) spread {
	var r []float64
	for _, s := range all {
		r = append(r, s.each()*fanPer)
	}
	return spreadOf(r)
}

// each is the CPU time of a message that arrived, in seconds.
func (s fanSample) each() float64 { return s.cpu.Seconds() / (float64(s.sent) * (1 - s.lost)) }

// besides is the CPU time of a message beside that of others, round by round.
func besides(all, others []fanSample) spread {
	var r []float64
	for i, s := range all {
		r = append(r, s.each()/others[i].each())
	}
	return spreadOf(r)
}

// lossOf is the share that was lost, in percent.
func lossOf(all []fanSample) spread {
	var r []float64
	for _, s := range all {
		r = append(r, 100*s.lost)
	}
	return spreadOf(r)
}

// delaysOf is how long messages took, of all rounds together.
func delaysOf(all []fanSample) string {
	var took []time.Duration
	for _, s := range all {
		took = append(took, s.took...)
	}
	if len(took) == 0 {
		return "none"
	}
	us := func(q float64) int64 { return quantile(took, q).Microseconds() }
	return fmt.Sprintf("%d / %d us", us(0.5), us(0.99))
}

func printOSC(out io.Writer, c oscCosts) {
	fmt.Fprintf(out, `
OSC groups: messages of 32 bytes from an app, played to other members, beside a
loop of recvfrom and sendto in C that does nothing else; %d rounds, taking turns,
medians (and lowest...highest)
`, fanRounds)
	for _, f := range c.fans {
		for r, rate := range fanRates {
			gateway, loop := f.gateway[r], f.loop[r]
			lossAim := aimNoLoss
			if r > 0 {
				lossAim = aimBigLoss
			}
			fmt.Fprintf(out, "\nTo %d of the others, %d messages a second\n", f.others, rate)
			fmt.Fprintf(out, "  %-44s %s\n", "CPU s of 100,000, gateway", perMany(gateway).text("%.2f"))
			fmt.Fprintf(out, "  %-44s %s\n", "CPU s of 100,000, plain loop", perMany(loop).text("%.2f"))
			fmt.Fprintf(out, "  %-44s %s\n", "CPU, gateway / plain loop", aimed(besides(gateway, loop), aimLoop, levelLoop))
			fmt.Fprintf(out, "  %-44s %s\n", "lost in percent, gateway", aimed(lossOf(gateway), 100*lossAim, 100*lossAim))
			fmt.Fprintf(out, "  %-44s %s\n", "lost in percent, plain loop", lossOf(loop).text("%.2f"))
			fmt.Fprintf(out, "  %-44s %s\n", "from app to member, p50 / p99, gateway", delaysOf(gateway))
			fmt.Fprintf(out, "  %-44s %s\n", "from app to member, p50 / p99, plain loop", delaysOf(loop))
		}
	}
	fmt.Fprintf(out, "\nOSC groups: members say that they are there and ask who else is\n")
	for _, r := range c.users {
		fmt.Fprintf(out, "  %-44s %.0f (%d answered of %d in %.1f s, %.0f bytes each)\n", r.name+", per CPU second",
			float64(r.answered)/r.cpu.Seconds(), r.answered, r.asked, r.elapsed.Round(100*time.Millisecond).Seconds(), r.bytes)
	}
}
