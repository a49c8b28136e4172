package peer

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"time"
)

// A browserPage is a page in a Chromium of its own, without a window. The page
// asks /order what to do, one thing after the other, and tells /event what it has
// seen.
type browserPage struct {
	Program
	Events Lines // what the page says, a line each time

	server *http.Server
	served sync.WaitGroup
	orders chan string
}

// A pageFile is something that a page is made of.
type pageFile struct{ kind, content string }

// maxPageEvent bounds what a page can say at once, in bytes.
const maxPageEvent = 1 << 20

// openPage makes a page of files, by the patterns of their paths ("/{$}" is the page itself), which
// are served at host of the lab by mux with what it has besides. The caller
// sets what else its Program needs and starts it.
func (p *browserPage) openPage(lab *Lab, name string, host int, files map[string]pageFile, mux *http.ServeMux, flags ...string) error {
	binary, err := need("chromium")
	if err != nil {
		return err
	}
	dir, err := lab.Dir(name)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp4", lab.At(host, 0))
	if err != nil {
		return fmt.Errorf("page: %w", err)
	}
	argv := []string{
		binary, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
		"--disable-breakpad", "--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--no-proxy-server", "--log-level=3", "--user-data-dir=" + filepath.Join(dir, "profile"),
	}
	p.Program = Program{
		Name: name, dir: dir, env: []string{"HOME=" + dir}, slow: 30 * time.Second,
		argv: append(append(argv, flags...), "http://"+listener.Addr().String()+"/"),
	}
	p.orders = make(chan string)
	p.serve(mux, files)
	p.server = &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	p.served.Go(func() { _ = p.server.Serve(listener) }) // it ends by Close
	lab.add(&p.Program)
	return nil
}

func (p *browserPage) serve(mux *http.ServeMux, files map[string]pageFile) {
	for path, file := range files {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", file.kind+"; charset=utf-8")
			_, _ = io.WriteString(w, file.content) // the page may be gone
		})
	}
	mux.HandleFunc("GET /order", func(w http.ResponseWriter, r *http.Request) {
		select {
		case order := <-p.orders:
			_, _ = io.WriteString(w, order) // as above
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("POST /event", func(_ http.ResponseWriter, r *http.Request) {
		if body, err := io.ReadAll(io.LimitReader(r.Body, maxPageEvent)); err == nil {
			fmt.Fprintf(&p.Events, "%s\n", body)
		}
	})
}

// order has the page do something, as soon as it asks.
func (p *browserPage) order(ctx context.Context, order string) error {
	select {
	case p.orders <- order:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("page: %s: %w", order, context.Cause(ctx))
	}
}

// Close ends the page and what serves it.
func (p *browserPage) Close() {
	p.Stop()
	p.server.Close()
	p.served.Wait()
}
