//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gateway/internal/peer"
)

// The page tells who is there and how each pair meets, and goes on to tell;
// what peers call themselves does nothing there.
func TestThePageShowsWhoReachesWhom(t *testing.T) {
	w := newWorld(t)
	g := w.gateway(w.gatewayTable(), w.meshTable(`folder = "received"`))
	server := w.At(peer.GatewayHost, meshPort)
	const evil = `<img src=x onerror="document.title='evil'">`
	join := func(name, called string) *peer.Program {
		p, err := peer.StartPlainGateway(w.ctx, w.Lab, os.Getenv(binaryEnv), name, fmt.Sprintf("[mesh.me]\njoin = %q\npeer = %q\n", server, called), "me")
		return got(t, p, err)
	}
	join("one", "lab-1")
	join("two", evil)

	type state struct {
		Peers []struct{ Name string }
		Links []struct{ Path string }
	}
	links := func(n int) {
		t.Helper()
		err := w.poll(func() bool {
			_, body, err := g.Get(w.ctx, "/lab/state.json")
			var s state
			return err == nil && json.Unmarshal([]byte(body), &s) == nil && len(s.Links) == n && s.Links[0].Path == "direct" && s.Links[n-1].Path == "direct"
		})
		if err != nil {
			_, body, _ := g.Get(w.ctx, "/lab/state.json")
			t.Fatalf("there are not %d pairs that meet: %s", n, body)
		}
	}
	links(2)

	// The page asks again; by then there is one more.
	target, err := url.Parse("http://" + w.At(peer.GatewayHost, peer.HTTPPort))
	w.must(err)
	proxy := httputil.NewSingleHostReverseProxy(target)
	var asked atomic.Int32
	front := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "state.json") && asked.Add(1) == 2 {
			join("three", "lab-3")
			links(6)
		}
		proxy.ServeHTTP(rw, r)
	}))
	defer front.Close()
	page, err := peer.DumpPage(w.ctx, w.Lab, "page", front.URL+"/lab/", 5*time.Second)
	w.must(err)
	for _, want := range []string{
		">Mesh <span id=\"name\">gw</span>", "3 peers", ">6 directly<", "width: 100%", `data-from="lab-1" data-to="lab-3"`, `class="direct"`,
		"&lt;img src=x onerror=", `data-peer="lab-3"`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q", want)
		}
	}
	if strings.Contains(page, "<img") || strings.Contains(page, "<title>evil") {
		t.Error("a peer's name is more than text")
	}
	if t.Failed() {
		t.Log(page)
	}
	_, metrics, err := g.Get(w.ctx, "/metrics")
	w.must(err)
	if !strings.Contains(metrics, `gateway_mesh_pairs{adapter="lab",path="direct"} 6`) || strings.Count(metrics, "gateway_mesh_pair_rtt_seconds{") != 6 {
		t.Error("the metrics tell something else")
	}
}
