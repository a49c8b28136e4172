package app

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"syscall"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"gateway/bridge"
	"gateway/internal/config"
	"gateway/internal/store"
	"gateway/internal/web"
)

// serve runs the gateway until a signal or a failure ends it.
func serve(ctx context.Context, o Options, file *config.File, log *slog.Logger) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	tuneRuntime(file.Media.Process)
	disk, err := store.Open(ctx, store.Options{
		Dir: file.Gateway.State, Server: file.Gateway.Store, Node: file.Gateway.Node, Log: log,
	})
	if err != nil {
		return err
	}
	defer disk.Close()
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	calls, err := openRecords(file.Gateway.Records, log)
	if err != nil {
		return err
	}
	defer calls.close()
	plane, err := newPlane(file.Media, log)
	if err != nil {
		return err
	}
	defer plane.Shutdown()
	env := bridge.Env{Node: file.Gateway.Node, Version: o.Version, Metrics: registry, Key: disk.Key(), Media: plane}
	b, pages, err := join(file, disk, calls, env, log)
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	if file.Gateway.HTTP != "" {
		health := func() []bridge.Health { return append(b.Health(), disk.Health()) }
		page, err := web.Listen(file.Gateway.HTTP, health, registry, pages, log)
		if err != nil {
			return err
		}
		wg.Go(func() {
			if err := page.Run(ctx); err != nil {
				log.Error("page for operators ends", "err", err)
			}
		})
	}
	wg.Go(func() { runSignals(ctx, cancel, o, file, b, calls, log) })
	log.Info("gateway starts", "version", o.Version, "config", o.Config)
	if err := b.Run(ctx); err != nil {
		return err
	}
	log.Info("gateway ends")
	return nil
}

// A pager is an adapter with a page for operators, which is found below its name.
type pager interface{ Page() http.Handler }

// join makes the adapters and the bridge between them, and gives the adapters' pages.
func join(
	file *config.File, disk *store.Store, calls *records, env bridge.Env, log *slog.Logger,
) (*bridge.Bridge, map[string]http.Handler, error) {
	fault, err := newFault()
	if err != nil {
		return nil, nil, err
	}
	pages := map[string]http.Handler{}
	options := bridge.Options{
		Log: log, Metrics: env.Metrics, Router: file.Router, Limits: file.Limits,
		Outbox: disk.Outbox, Ledger: disk.Ledger, Key: disk.Key(), Drain: file.Gateway.Drain, Fault: fault,
		Node: env.Node, Media: env.Media, Dead: file.Media.Dead,
		Adapters: make(map[string]bridge.Adapter, len(file.Adapters)),
		Names:    make(map[string]bridge.Namer, len(file.Adapters)),
	}
	if file.Gateway.Records != "" {
		options.Records = calls // else the bridge need not write any
	}
	for _, a := range file.Adapters {
		env.Name, env.Log = a.Name, log.With("adapter", a.Name)
		env.Metrics = prometheus.WrapRegistererWith(prometheus.Labels{"adapter": a.Name}, options.Metrics)
		adapter, err := a.Kind.New(a.Config, env)
		if err != nil {
			return nil, nil, fmt.Errorf("%s.%s: %w", a.Kind.Name, a.Name, err)
		}
		if p, ok := adapter.(pager); ok {
			pages[a.Name] = p.Page()
		}
		options.Adapters[a.Name] = adapter
		options.Names[a.Name] = a.Config
	}
	b, err := bridge.New(options)
	return b, pages, err
}

// runSignals minds the signals until ctx is done: SIGTERM drains, a second one
// or SIGINT ends now, SIGHUP reads the mapping file again.
func runSignals(
	ctx context.Context, end context.CancelFunc, o Options, file *config.File, b *bridge.Bridge, calls *records, log *slog.Logger,
) {
	draining := false
	for {
		select {
		case <-ctx.Done():
			return
		case s := <-o.Signals:
			switch {
			case s == syscall.SIGHUP:
				if err := calls.reopen(); err != nil {
					log.Error("call records not opened again", "err", err)
				}
				file = reload(o, file, b, log)
			case s == syscall.SIGTERM && !draining:
				draining = true
				log.Info("draining", "at_most", file.Gateway.Drain)
				b.Drain()
			default:
				end()
			}
		}
	}
}

// reload makes the maps, limits and certificate of the file count that is there now. A file
// with a mistake, or with another change than in those, changes nothing.
func reload(o Options, old *config.File, b *bridge.Bridge, log *slog.Logger) *config.File {
	file, problems := config.Load(o.Config, o.Kinds)
	for _, p := range problems {
		log.Warn("mapping file", "problem", p.String())
	}
	if file == nil {
		log.Error("mapping not reloaded", "err", "the file has mistakes")
		return old
	}
	if tables := old.NeedsRestart(file); len(tables) > 0 {
		log.Error("mapping not reloaded", "err", "needs a restart", "changed", tables)
		return old
	}
	b.Reload(file.Router, file.Limits)
	old.RenewTLS(file)
	log.Info("mapping reloaded", "maps", len(file.Maps))
	return file
}
