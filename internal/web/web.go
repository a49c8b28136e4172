// Package web serves /healthz, /metrics, and the pages of adapters.
package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"gateway/bridge"
)

// A Server is the gateway's page for operators. It listens as soon as it is
// made, so that a port that is taken is told before anything else starts.
type Server struct {
	listener net.Listener
	server   *http.Server
}

// Listen opens addr ("127.0.0.1:8080"). pages are those of adapters, by name: each is
// found below it.
func Listen(
	addr string, health func() []bridge.Health, metrics prometheus.Gatherer, pages map[string]http.Handler, log *slog.Logger,
) (*Server, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("http: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { writeHealth(w, health()) })
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { writeIndex(w, pages) })
	for name, page := range pages {
		mux.Handle("GET /"+name+"/", http.StripPrefix("/"+name, page))
	}
	return &Server{listener: l, server: &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}}, nil
}

// Addr is where it listens.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Run serves until ctx is done.
func (s *Server) Run(ctx context.Context) error {
	ended := make(chan error, 1)
	go func() { ended <- s.server.Serve(s.listener) }()
	select {
	case err := <-ended:
		return fmt.Errorf("http: %w", err)
	case <-ctx.Done():
	}
	s.server.Close()
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("http: %w", err)
	}
	return nil
}

// writeHealth answers 200 when every adapter is up, else 503 and which is not.
func writeHealth(w http.ResponseWriter, adapters []bridge.Health) {
	page := struct {
		OK       bool            `json:"ok"`
		Adapters []bridge.Health `json:"adapters"`
	}{true, adapters}
	for _, a := range adapters {
		page.OK = page.OK && a.Up
	}
	body, err := json.MarshalIndent(page, "", "  ")
	if err != nil {
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if !page.OK {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	w.Write(append(body, '\n')) // the client may be gone: nothing to be done about it
}

// index lists what there is to look at.
var index = template.Must(template.New("index").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Gateway</title>
<h1>Gateway</h1>
<ul>{{range .}}<li><a href="/{{.}}">{{.}}</a></li>{{end}}</ul>
`))

func writeIndex(w http.ResponseWriter, pages map[string]http.Handler) {
	all := []string{"healthz", "metrics"}
	for _, name := range slices.Sorted(maps.Keys(pages)) {
		all = append(all, name+"/")
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'")
	_ = index.Execute(w, all) // the client may be gone
}
