package child

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"

	"gateway/bridge/media"
	"gateway/bridge/media/relay"
)

// Argument is the only one on the command line of a child.
const Argument = "media-plane"

// Is reports whether a process with that command line, os.Args, is a child. It
// must be asked before anything else.
func Is(args []string) bool { return len(args) == 2 && args[1] == Argument }

// Main is all that a child does. It returns its exit code when the parent has
// closed standard input, or is no more.
func Main() int {
	// A terminal's signals are for the parent, who still has calls to end.
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	if err := serveStandard(); err != nil {
		fmt.Fprintln(os.Stderr, "media plane:", err)
		return 1
	}
	return 0
}

// serveStandard is serve by standard input and output, which are pipes to the parent.
func serveStandard() error {
	in, err := unblocked(os.Stdin)
	if err != nil {
		return err
	}
	out, err := unblocked(os.Stdout)
	if err != nil {
		return err
	}
	return serve(readable(in), writable(out))
}

// serve is a relay behind a pipe.
func serve(in io.Reader, out io.Writer) error {
	dec := gob.NewDecoder(in)
	var first request
	if err := dec.Decode(&first); err != nil {
		return fmt.Errorf("read the options: %w", err)
	}
	w := newWriter()
	done := make(chan struct{})
	var writing sync.WaitGroup
	var failed error
	writing.Go(func() { failed = w.run(out, done) })
	defer writing.Wait()
	defer close(done)
	plane, err := relay.New(first.Options.relayOptions(slog.New(logger{w: w})))
	if err != nil {
		w.put(message{ID: first.ID, Failure: failureOf(err)})
		return nil
	}
	defer plane.Shutdown()
	w.put(message{ID: first.ID, OK: true, Fingerprint: plane.Fingerprint()})
	for {
		var r request
		switch err := dec.Decode(&r); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read a command: %w", err)
		}
		if !do(plane, r, w) {
			return failed
		}
	}
}

// do carries out a command; false if its answer can't be written.
func do(p *relay.Relay, r request, w *writer) bool {
	m := message{ID: r.ID, OK: true}
	switch r.Verb {
	case open:
		return bind(p, r, w)
	case set:
		p.Set(r.Port, r.Setting)
	case join:
		p.Join(r.Port, r.Other)
	case part:
		p.Part(r.Port)
	case digit:
		p.Digit(r.Port, r.Digit, r.Duration)
	case stats:
		m.Stats, m.OK = p.Stats(r.Port)
	case shut:
		m.Stats = p.Close(r.Port)
	case fingerprint:
		m.Fingerprint = p.Fingerprint()
	case feed:
		p.Feed(r.Port, r.Frame)
	case hello:
	}
	return r.ID == 0 || w.put(m)
}

// bind opens a port. Its events wait until the parent has been told its name.
func bind(p *relay.Relay, r request, w *writer) bool {
	var name media.PacketPort
	told := make(chan struct{})
	defer close(told)
	if r.Frames {
		r.Open.Frames = func(f media.Frame) {
			<-told
			f.Data = slices.Clone(f.Data)
			w.offer(message{Frame: &frame{Port: name, Frame: f}})
		}
	}
	port, err := p.Open(r.Open, func(ev media.Event) {
		<-told
		w.put(message{Event: eventOf(name, ev)})
	})
	name = port.ID
	return w.put(message{ID: r.ID, OK: err == nil, Opened: port, Failure: failureOf(err)})
}

// A logger is a slog.Handler that has the parent write its records.
type logger struct {
	w     *writer
	attrs []string
}

// Enabled leaves it to the parent what is written.
func (l logger) Enabled(context.Context, slog.Level) bool { return true }

// Handle sends a record to the parent.
func (l logger) Handle(_ context.Context, r slog.Record) error {
	attrs := l.attrs[:len(l.attrs):len(l.attrs)]
	r.Attrs(func(a slog.Attr) bool {
		attrs = append(attrs, a.Key, a.Value.String())
		return true
	})
	l.w.put(message{Record: &record{Level: r.Level, Message: r.Message, Attrs: attrs}})
	return nil
}

// WithAttrs is a logger whose records have these too.
func (l logger) WithAttrs(attrs []slog.Attr) slog.Handler {
	l.attrs = l.attrs[:len(l.attrs):len(l.attrs)]
	for _, a := range attrs {
		l.attrs = append(l.attrs, a.Key, a.Value.String())
	}
	return l
}

// WithGroup is the same logger: the relay has no groups.
func (l logger) WithGroup(string) slog.Handler { return l }
