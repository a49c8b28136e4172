package main

import (
	"fmt"
	"io"
	"time"
)

// aimSetup is what one end's ICE, DTLS and keys may cost beside PeerConnection.
const aimSetup = 0.5

// over is a spread of what f makes of all.
func over[T any](all []T, f func(T) float64) spread {
	var r []float64
	for _, v := range all {
		r = append(r, f(v))
	}
	return spreadOf(r)
}

// ratios are those of two lists, round by round.
func ratios[T ~int | ~int64](of, to []T) spread {
	var r []float64
	for i := range of {
		r = append(r, float64(of[i])/float64(to[i]))
	}
	return spreadOf(r)
}

func printJingle(out io.Writer, s setups) {
	fmt.Fprintf(out, `
Calls with ICE and DTLS-SRTP, %d times %d, one after the other: two relays of
ours call each other, and two of pion's PeerConnections do, taking turns. An end is
one side of a call, from its making to its end. Idle ends are calls between our
media process and PeerConnections; memory is what each process has grown by.
`, jingleRounds*jingleTurns, jingleCalls)
	ms := func(d time.Duration) float64 { return d.Seconds() * 1000 }
	kb := func(n int) float64 { return float64(n) / 1024 }
	row := func(name, value string) { fmt.Fprintf(out, "  %-36s %s\n", name, value) }
	row("CPU of an end, gateway, ms", over(s.ours, ms).text("%.2f"))
	row("CPU of an end, PeerConnection, ms", over(s.theirs, ms).text("%.2f"))
	row("gateway / PeerConnection", aimed(ratios(s.ours, s.theirs), aimSetup, aimSetup))
	row("an idle leg, gateway, kB", over(s.ourMemory, kb).text("%.0f"))
	row("an idle PeerConnection, kB", over(s.theirMemory, kb).text("%.0f"))
	us := func(d time.Duration) float64 { return d.Seconds() * perMillion }
	fmt.Fprintf(out, "\nPackets of G.711 in %d calls, some 30,000 a second, one way:\n", sealCalls)
	row("CPU of a packet as it came, us", over(s.plain, us).text("%.2f"))
	row("CPU of a packet that is opened, us", over(s.sealed, us).text("%.2f"))
	row("opened / as it came", ratios(s.sealed, s.plain).text("%.2f"))
}
