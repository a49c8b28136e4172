// Bench measures what a text costs between SIP and XMPP: through the gateway,
// and through Kamailio with its xmpp module, which does the same job in the
// same run, both at the same Prosody. Everything is real but the two ends:
// phones and clients are sockets of our own, for no program of others tells
// the time well enough. `make bench` runs it.
//
// So it does with what calls cost, beside Kamailio for their signalling and
// rtpengine for their packets, with what ICE and keys cost, beside pion's
// PeerConnection, with what OSC groups and a mesh cost, beside plain loops, and
// with what Speex costs, beside ffmpeg.
//
// Rounds of all that is compared take turns, and medians are shown. CPU time
// is what the kernel has counted for all threads and processes of a program,
// the network's and the disk's part included. On a machine with other work
// absolute values mean little: read the ratios.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"gateway/bridge/media/child"
)

// limit is how long the benchmark may take, the build of the gateway included.
const limit = 15 * time.Minute

func main() {
	if child.Is(os.Args) { // the relay that is measured is one of ours
		os.Exit(child.Main())
	}
	os.Exit(run(os.Stdout, os.Stderr))
}

func run(out, errOut io.Writer) int {
	gateway := flag.String("gateway", "", "measure this `binary`, built already")
	only := flag.String("only", "", "measure only this `part`: texts, calls, delay, jingle, mesh, osc, relay, sound, speex or waiting")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	start := time.Now()
	dir, err := os.MkdirTemp("", "gateway-bench-")
	if err != nil {
		fmt.Fprintln(errOut, err)
		return 1
	}
	defer os.RemoveAll(dir)
	w, err := newWorld(dir)
	if err != nil {
		fmt.Fprintln(errOut, err)
		return 1
	}
	if *only != "" {
		err = measureOnly(ctx, w, *only, *gateway, out)
	} else {
		err = measureAll(ctx, w, *gateway, out)
	}
	w.close()
	if err != nil {
		w.lab.Report(errOut)
		fmt.Fprintf(errOut, "\nbench: FAILED: %v\n", err)
		return 1
	}
	fmt.Fprintf(out, "\nbench: done in %d s\n", int(time.Since(start).Seconds()))
	return 0
}

// measureAll runs every part and prints its result when it has it.
func measureAll(ctx context.Context, w *world, gateway string, out io.Writer) error {
	if err := w.build(ctx, gateway); err != nil {
		return err
	}
	if err := messages(ctx, w, out); err != nil {
		return err
	}
	a, err := measureAppends(ctx, w.dir)
	if err != nil {
		return err
	}
	printAppends(out, a)
	if err := osc(ctx, w, out); err != nil {
		return err
	}
	if err := mesh(ctx, w, out); err != nil {
		return err
	}
	if err := waits(ctx, w, out); err != nil {
		return err
	}
	if err := calls(ctx, w, out); err != nil {
		return err
	}
	if err := relays(ctx, w, out); err != nil {
		return err
	}
	if err := speexes(ctx, w, out); err != nil {
		return err
	}
	if err := sounds(ctx, w, out); err != nil {
		return err
	}
	if err := delays(ctx, w, out); err != nil {
		return err
	}
	return jingles(ctx, w, out)
}

// measureOnly runs one part.
func measureOnly(ctx context.Context, w *world, part, gateway string, out io.Writer) error {
	parts := map[string]func(context.Context, *world, io.Writer) error{
		"texts": messages, "calls": calls, "jingle": jingles, "mesh": mesh, "osc": osc, "relay": relays, "speex": speexes,
		"sound": sounds, "waiting": waits, "delay": delays,
	}
	f, ok := parts[part]
	if !ok {
		return fmt.Errorf("there is no part %q", part)
	}
	if err := w.build(ctx, gateway); err != nil {
		return err
	}
	return f(ctx, w, out)
}

// messages measures what texts cost.
func messages(ctx context.Context, w *world, out io.Writer) error {
	fmt.Fprintln(out, "starting: gateway, Prosody, Kamailio")
	if err := w.start(ctx); err != nil {
		return err
	}
	kamailio, why, err := startKamailio(ctx, w)
	if err != nil {
		return err
	}
	floor, whyNoFloor, err := startFloor(ctx, w)
	if err != nil {
		return err
	}
	t, err := w.measureTexts(ctx, kamailio, floor)
	if err != nil {
		return err
	}
	printTexts(out, t, why, whyNoFloor)
	return nil
}

// waits measures what texts cost that wait.
func waits(ctx context.Context, w *world, out io.Writer) error {
	if w.gateway == nil {
		if err := w.start(ctx); err != nil {
			return err
		}
	}
	m, err := w.measureQueue(ctx)
	if err != nil {
		return err
	}
	printQueue(out, m)
	return nil
}

// calls measures what the signalling of calls costs.
func calls(ctx context.Context, w *world, out io.Writer) error {
	c, err := w.measureSignalling(ctx)
	if err != nil {
		return err
	}
	printSignalling(out, c)
	return nil
}

// osc measures what OSC groups cost.
func osc(ctx context.Context, w *world, out io.Writer) error {
	c, err := w.measureOSC(ctx)
	if err != nil {
		return err
	}
	printOSC(out, c)
	return nil
}

// relays measures what relaying RTP costs.
func relays(ctx context.Context, w *world, out io.Writer) error {
	c, err := w.measureRelay(ctx)
	if err != nil {
		return err
	}
	printRelay(out, c)
	return nil
}

// jingles measures what the media of calls by Jingle costs.
func jingles(ctx context.Context, w *world, out io.Writer) error {
	s, err := w.measureJingle(ctx)
	if err != nil {
		return err
	}
	printJingle(out, s)
	return nil
}

// speexes measures what Speex costs.
func speexes(ctx context.Context, _ *world, out io.Writer) error {
	c, err := measureSpeex(ctx)
	if err != nil {
		return err
	}
	printSpeex(out, c)
	return nil
}
