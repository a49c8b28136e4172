// Demo shows the gateway at work: two SIP phones that register with it, an
// XMPP user at her server and another in a browser, a message each way, a call
// between the phones and one between a phone and the browser, whose sound is found
// where it should be heard, ffmpeg calling a phone by a URL, and a message that
// waits for a phone that is off. Everything is real, runs in a network with nothing
// but loopback, and is gone at the end.
// The exit code says whether all of it worked. `make demo` runs it.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"gateway/internal/peer"
)

// limit is how long the demo may take, the build of the gateway included.
const limit = 4 * time.Minute

func main() { os.Exit(peer.OnLoopback(run)) }

func run() int {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	start := time.Now()
	dir, err := os.MkdirTemp("", "gateway-demo-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	s, err := newStage(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	err = s.play(ctx)
	if s.page != nil {
		s.page.Close()
	}
	s.lab.Close()
	if left := s.lab.Running(); err == nil && len(left) > 0 {
		err = fmt.Errorf("still running: %q", left)
	}
	if err != nil {
		s.lab.Report(os.Stderr)
		fmt.Fprintf(os.Stderr, "\ndemo: FAILED: %v\n", err)
		return 1
	}
	s.printConversation()
	fmt.Printf("\ndemo: everything arrived, letter by letter and tone by tone; nothing is left running (%d s)\n", int(time.Since(start).Seconds()))
	return 0
}
