// Package app is the gateway as a program: it reads the mapping file, joins
// store, bridge and adapters, and minds the signals.
package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"

	"gateway/adapters"
	"gateway/bridge"
	"gateway/internal/config"
)

// The exit codes.
const (
	ExitOK     = 0
	ExitFailed = 1 // could not go on; with Explain: nothing takes the address
	ExitConfig = 2 // a mistake in the mapping file or on the command line
)

// Options are the command line, and what the program is given to live with.
type Options struct {
	Kinds   []adapters.Kind // what the mapping file may speak of
	Config  string          // the mapping file
	Check   bool
	Explain string // ADAPTER:NAME, "" for none
	As      string // ADAPTER:NAME, "" for none
	Send    string // a file, "" for none
	To      string // ADAPTER:NAME, with Send
	Version string
	Out     io.Writer
	Err     io.Writer
	Signals <-chan os.Signal
}

// Fit reports whether the options go together.
func (o *Options) Fit() bool {
	jobs := 0
	for _, on := range []bool{o.Check, o.Explain != "", o.Send != ""} {
		if on {
			jobs++
		}
	}
	return o.Config != "" && jobs <= 1 && (o.As == "" || o.Explain != "") && (o.To != "") == (o.Send != "")
}

// Run is the program. It returns the exit code.
func Run(ctx context.Context, o Options) int {
	file, problems := config.Load(o.Config, o.Kinds)
	if file == nil || o.Check {
		for _, p := range problems {
			fmt.Fprintln(o.Err, p)
		}
	}
	switch {
	case file == nil:
		return ExitConfig
	case o.Check:
		if err := file.Print(o.Out); err != nil {
			fmt.Fprintln(o.Err, err)
			return ExitFailed
		}
		return ExitOK
	case o.Explain != "":
		return explain(file, o)
	case o.Send != "":
		return send(ctx, file, o)
	}
	log := newLogger(o.Err, file.Gateway)
	for _, p := range problems {
		log.Warn("mapping file", "problem", p.String())
	}
	if err := serve(ctx, o, file, log); err != nil {
		log.Error("gateway ends", "err", err)
		return ExitFailed
	}
	return ExitOK
}

// newLogger logs as [gateway] says. Text and JSON both escape what comes from
// the network.
func newLogger(w io.Writer, g config.Gateway) *slog.Logger {
	options := &slog.HandlerOptions{Level: g.Level()}
	if g.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options)).With("node", g.Node)
	}
	return slog.New(slog.NewTextHandler(w, options))
}

func explain(file *config.File, o Options) int {
	to, err := bridge.ParseAddress(o.Explain)
	if err != nil {
		fmt.Fprintln(o.Err, "-explain:", err)
		return ExitConfig
	}
	var from *bridge.Party
	if o.As != "" {
		a, err := bridge.ParseAddress(o.As)
		if err != nil {
			fmt.Fprintln(o.Err, "-as:", err)
			return ExitConfig
		}
		from = &bridge.Party{Address: a}
	}
	if !file.Router.Explain(o.Out, from, to) {
		return ExitFailed
	}
	return ExitOK
}
