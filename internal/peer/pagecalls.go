package peer

import (
	"context"
	"crypto/sha256"
	_ "embed" // for the page's scripts
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"
)

//go:embed files/jingle/recorder.js
var pageRecorder string

//go:embed files/calls.js
var pageCalls string

// A callPage is a page that calls and is called: with a tone for a microphone, and
// what it hears comes back.
type callPage struct {
	browserPage
	callEvents
	done sync.WaitGroup
	stop context.CancelFunc

	mu    sync.Mutex // guards what follows
	heard Sound
	ear   keyEar
	ids   int // orders given
}

// callPageRate is the rate of what a page hears, in Hz.
const callPageRate = 48000

// openCalls makes a page of files, see openPage.
func (p *callPage) openCalls(lab *Lab, name string, host int, files map[string]pageFile, flags ...string) error {
	p.heard, p.ear = Sound{Rate: callPageRate}, keyEar{rate: callPageRate}
	files["/recorder.js"] = pageFile{"text/javascript", pageRecorder}
	files["/calls.js"] = pageFile{"text/javascript", pageCalls}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /sound", p.hear)
	return p.openPage(lab, name, host, files, mux, append([]string{
		"--autoplay-policy=no-user-gesture-required", "--allow-loopback-in-peer-connection",
		// Who may use a microphone is told of all addresses.
		"--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
		"--disable-features=WebRtcHideLocalIpsWithMdns", "--disable-quic",
	}, flags...)...)
}

// begin starts the page, which is ready then.
func (p *callPage) begin(ctx context.Context) error {
	listen, stop := context.WithCancel(ctx)
	p.stop = stop
	p.done.Go(func() { p.listen(listen) })
	return p.Start(ctx)
}

// pageLibrary is the one that scripts/install-peers has made, of a lock file.
func pageLibrary(name string, lock []byte) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("page: %w", err)
	}
	file := filepath.Join(cache, "gateway-peers", fmt.Sprintf("%s-%.16x.js", name, sha256.Sum256(lock)))
	library, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("page: the library is not there (scripts/install-peers makes it): %w", err)
	}
	return string(library), nil
}

// do gives an order with parameters and waits until it is carried out. result
// gets what came of it, unless it is nil.
func (p *callPage) do(ctx context.Context, order string, params map[string]any, result any) error {
	p.mu.Lock()
	p.ids++
	id := p.ids
	p.mu.Unlock()
	all := map[string]any{"id": id, "order": order}
	for name, value := range params {
		all[name] = value
	}
	raw, err := json.Marshal(all)
	if err != nil {
		return err
	}
	mark := p.Events.Len()
	if err := p.order(ctx, string(raw)); err != nil {
		return err
	}
	e, err := p.WaitEvent(ctx, mark, func(e PageEvent) bool { return e.Event == "done" && e.ID == id || e.Event == "failed" })
	if err != nil {
		return fmt.Errorf("page: %s: %w", order, err)
	}
	if e.Error != "" || e.Event == "failed" {
		return fmt.Errorf("page: %s: %s%s", order, e.Error, e.Text)
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(e.Result, result)
}

// WaitEvent gives the first event behind the first mark lines of Events that
// match likes, once there is one.
func (p *callPage) WaitEvent(ctx context.Context, mark int, match func(PageEvent) bool) (PageEvent, error) {
	var found PageEvent
	_, err := p.Events.WaitAfter(ctx, mark, func(line string) bool {
		var e PageEvent
		if json.Unmarshal([]byte(line), &e) != nil || !match(e) {
			return false
		}
		found = e
		return true
	})
	return found, err
}

// listen makes events of a call of the page's.
func (p *callPage) listen(ctx context.Context) {
	for mark := 0; ; {
		if _, err := p.Events.WaitAfter(ctx, mark, func(string) bool { return true }); err != nil {
			return
		}
		lines := p.Events.All()
		for _, line := range lines[mark:] {
			var e PageEvent
			if json.Unmarshal([]byte(line), &e) == nil {
				p.saw(e)
			}
		}
		mark = len(lines)
	}
}

func (p *callPage) saw(e PageEvent) {
	switch {
	case e.Event == "incoming":
		p.add(CallIncoming, e.From)
	case e.Event == "ringing":
		p.add(CallRinging, "")
	case e.Event == "connection" && e.State == "connected", e.Event == "resumed":
		p.add(CallTalking, "")
	case e.Event == "hold":
		p.add(CallHeld, "")
	case e.Event == "ended":
		p.add(CallEnded, e.Reason)
	}
}

// hear takes a piece of what the page hears.
func (p *callPage) hear(_ http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxPageEvent))
	if err != nil {
		return
	}
	samples := pcm(raw, 1)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ear.hear(samples)
	if len(p.heard.Samples) < int(toneLong/time.Second)*callPageRate {
		p.heard.Samples = append(p.heard.Samples, samples...)
	}
}

// Keys are those that were heard so far, as the sounds that the browser makes of
// telephone-events.
func (p *callPage) Keys() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ear.keys
}

// forget begins a new record of what is heard.
func (p *callPage) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heard.Samples = nil
}

// Heard is what the page has heard in its last call so far.
func (p *callPage) Heard() (Sound, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.heard.Samples)
	return Sound{Rate: p.heard.Rate, Samples: p.heard.Samples[:n:n]}, nil
}

// Close ends the page.
func (p *callPage) Close() {
	if p.stop != nil {
		p.stop()
	}
	p.done.Wait()
	p.browserPage.Close()
}
