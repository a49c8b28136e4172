// Package web serves /healthz and /metrics.
package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
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

// Listen opens addr ("127.0.0.1:8080").
func Listen(addr string, health func() []bridge.Health, metrics prometheus.Gatherer, log *slog.Logger) (*Server, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("http: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { writeHealth(w, health()) })
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
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
