package web

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"gateway/bridge"
)

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func TestHealthIsRedAndSaysWhoIsDown(t *testing.T) {
	health := []bridge.Health{{Adapter: "chat", Up: true}, {Adapter: "pbx", Error: "no <answer>"}}
	registry := prometheus.NewRegistry()
	registry.MustRegister(prometheus.NewGauge(prometheus.GaugeOpts{Name: "gateway_test", Help: "Of this test."}))
	pages := map[string]http.Handler{"lab": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "lab's "+r.URL.Path) })}
	s, err := Listen("127.0.0.1:0", func() []bridge.Health { return health }, registry, pages, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	base := "http://" + s.Addr().String()

	code, body := get(t, base+"/healthz")
	if code != http.StatusServiceUnavailable || !strings.Contains(body, `"pbx"`) || !strings.Contains(body, `"ok": false`) {
		t.Errorf("with one down: %d %s", code, body)
	}
	health = health[:1]
	if code, body = get(t, base+"/healthz"); code != http.StatusOK || !strings.Contains(body, `"ok": true`) {
		t.Errorf("with all up: %d %s", code, body)
	}
	if code, body = get(t, base+"/metrics"); code != http.StatusOK || !strings.Contains(body, "gateway_test 0") {
		t.Errorf("metrics: %d %s", code, body)
	}
	if code, body = get(t, base+"/lab/x"); code != http.StatusOK || body != "lab's /x" {
		t.Errorf("an adapter's page: %d %s", code, body)
	}
	if code, body = get(t, base+"/"); code != http.StatusOK || !strings.Contains(body, `<a href="/lab/">`) {
		t.Errorf("the index: %d %s", code, body)
	}
	if code, _ = get(t, base+"/other"); code != http.StatusNotFound {
		t.Errorf("another page: %d", code)
	}
	if _, err := Listen(s.Addr().String(), nil, registry, nil, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a port that is taken is no error")
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Run: %v", err)
	}
}
