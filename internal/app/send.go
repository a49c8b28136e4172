package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"gateway/bridge"
	"gateway/internal/config"
)

var errInterrupted = errors.New("interrupted")

// send sends a file to somebody on an adapter's network, and tells how far it is.
func send(ctx context.Context, file *config.File, o Options) int {
	to, err := bridge.ParseAddress(o.To)
	if err != nil {
		fmt.Fprintln(o.Err, "-to:", err)
		return ExitConfig
	}
	i := slices.IndexFunc(file.Adapters, func(a config.Adapter) bool { return a.Name == to.Adapter })
	switch {
	case i < 0:
		fmt.Fprintf(o.Err, "-to: there is no adapter %q\n", to.Adapter)
		return ExitConfig
	case file.Adapters[i].Kind.Send == nil:
		fmt.Fprintf(o.Err, "-to: %s has no files\n", to.Adapter)
		return ExitConfig
	}
	if info, err := os.Stat(o.Send); err != nil || !info.Mode().IsRegular() {
		fmt.Fprintf(o.Err, "-send: %s is no file that can be read\n", o.Send)
		return ExitConfig
	}
	ctx, cancel := context.WithCancelCause(ctx)
	var minder sync.WaitGroup
	defer minder.Wait()
	defer cancel(nil)
	minder.Go(func() {
		select {
		case <-o.Signals:
			cancel(errInterrupted)
		case <-ctx.Done():
		}
	})
	a := file.Adapters[i]
	env := bridge.Env{Name: a.Name, Node: file.Gateway.Node, Version: o.Version, Log: slog.New(slog.DiscardHandler)}
	p := &progress{out: o.Out, name: filepath.Base(o.Send), began: time.Now()}
	if err := a.Kind.Send(ctx, a.Config, env, o.Send, to.Name, p.tell); err != nil {
		fmt.Fprintf(o.Err, "%s has not been sent to %s: %v\n", p.name, o.To, err)
		return ExitFailed
	}
	p.end(o.To)
	return ExitOK
}

// progress tells how far a file is, a line a second at the most.
type progress struct {
	out   io.Writer
	name  string
	began time.Time

	mu   sync.Mutex // guards the rest
	told time.Time
	size uint64
}

const mega = 1e6

func (p *progress) tell(done, size uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.size = size
	now := time.Now()
	if done == 0 || done == size || now.Sub(p.told) < time.Second {
		return
	}
	p.told = now
	fmt.Fprintf(p.out, "%s: %.1f of %.1f MB, %d %%\n", p.name, float64(done)/mega, float64(size)/mega, 100*done/size)
}

func (p *progress) end(to string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	took := time.Since(p.began)
	fmt.Fprintf(p.out, "%s: %.1f MB are with %s, after %v\n", p.name, float64(p.size)/mega, to, took.Round(100*time.Millisecond))
}
