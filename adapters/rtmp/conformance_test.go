package rtmp

import (
	"context"
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"gateway/adapters/rtmp/wire"
	"gateway/bridge"
	"gateway/bridge/bridgetest"
	"gateway/bridge/media"
	"gateway/bridge/media/mediatest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	bridgetest.Conformance(t, newConformanceRig)
}

func TestConformanceOfCalls(t *testing.T) {
	t.Parallel()
	bridgetest.ConformanceCalls(t, newConformanceRig)
}

// patience bounds every wait of a test.
const patience = time.Minute

func testEnv(plane media.Plane) bridge.Env {
	return bridge.Env{Name: "flash", Node: "gw1", Version: "1.0", Key: []byte("0123456789abcdef0123456789abcdef"), Media: plane}
}

// A farSide is tim, whose client speaks siprtmp's commands.
type farSide struct {
	adapter *Adapter

	mu       sync.Mutex // guards what follows
	there    *sync.Cond // client or away has changed
	client   *wire.Client
	away     bool
	refusals []bridge.Cause
	onInvite []any // the command with which tim answers; nil: it rings

	heard chan [2]string // texts, and from whom
	news  chan wire.Command
	ready chan struct{} // the adapter runs
}

func newConformanceRig(t *testing.T) *bridgetest.Rig {
	t.Helper()
	c := NewConfig()
	c.Listen = []string{"rtmp:127.0.0.1:0"}
	c.Accounts = map[string]Account{"tim": {Password: "pw"}}
	plane := &mediatest.Plane{}
	a, err := New(c, testEnv(plane))
	if err != nil {
		t.Fatal(err)
	}
	f := &farSide{adapter: a, heard: make(chan [2]string, 100), news: make(chan wire.Command, 100), ready: make(chan struct{})}
	f.there = sync.NewCond(&f.mu)
	t.Cleanup(f.disconnect)
	return &bridgetest.Rig{
		Adapter: &watched{a, f}, Ours: "alice", Theirs: "tim", Say: f.say, Hear: f.hear, Refuse: f.refuse,
		Cut: func(*testing.T) {
			f.now()
			f.disconnect()
		},
		Mend:  func(t *testing.T) { f.connect(t.Context()) },
		Lossy: lossy(), Calls: f.calls(plane),
	}
}

// lossy are the causes that siprtmp's statuses have no number of their own for.
func lossy() map[bridge.Cause]bridge.Cause {
	return map[bridge.Cause]bridge.Cause{bridge.Unregistered: bridge.Unauthorized, bridge.Constrained: bridge.Internal}
}

func (f *farSide) calls(plane *mediatest.Plane) *bridgetest.CallRig {
	answer := func(args ...any) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.onInvite = args
	}
	return &bridgetest.CallRig{
		Plane: plane, Nowhere: "nobody",
		Take:   func(*testing.T) { answer("accept", "pcmu", "pcma") },
		Ring:   func(*testing.T) { answer() },
		Reject: func(c bridge.Cause) { answer("reject", statusText(c, "")) },
		Place:  func(*testing.T) { f.command("invite", "sip:alice@127.0.0.1", "pcmu", "pcma") },
		Taken:  func(t *testing.T) { f.await(t, "accepted") },
		Refused: func(t *testing.T) bridge.Cause {
			return causeOf(wire.Text(f.await(t, "rejected").Arg(0)))
		},
		HangUp: func(*testing.T) { f.command("bye") },
		Over:   func(t *testing.T) { f.await(t, "byed", "cancelled") },
	}
}

// connect logs tim in.
func (f *farSide) connect(ctx context.Context) {
	<-f.ready
	f.set(nil, false)
	at := f.adapter.Addrs()[0]
	client, err := wire.Connect(ctx, urlAt(at, "sip/tim@127.0.0.1"), wire.Connecting{
		Limits: wire.Defaults(), Args: []any{"tim", "pw", "Tim", "wideband"}, On: f.take,
	})
	f.set(client, err != nil) // the adapter is at its end
}

func (f *farSide) set(client *wire.Client, away bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.client, f.away = client, away
	f.there.Broadcast()
}

func urlAt(at netip.AddrPort, app string) wire.URL {
	return wire.URL{Host: at.Addr().String(), Port: itoa(at.Port()), App: app}
}

func (f *farSide) disconnect() {
	f.mu.Lock()
	client := f.client
	f.mu.Unlock()
	f.set(nil, true)
	if client != nil {
		_ = client.Close()
	}
}

// now is tim's connection, once there is one; nil if he is away.
func (f *farSide) now() *wire.Client {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.client == nil && !f.away {
		f.there.Wait()
	}
	return f.client
}

// command calls a command whose result does not matter.
func (f *farSide) command(name string, args ...any) {
	if c := f.now(); c != nil {
		_ = c.Notify(0, name, args...)
	}
}

// take does what tim's client does when it is called.
func (f *farSide) take(m wire.Message) {
	c, err := wire.ParseCommand(m, wire.Defaults().AMF)
	if err != nil {
		return
	}
	switch c.Name {
	case "receivedPagingMessage":
		f.mu.Lock()
		refusals := f.refusals
		f.refusals = f.refusals[min(1, len(f.refusals)):]
		f.mu.Unlock()
		client := f.now()
		if len(refusals) > 0 {
			_ = client.Write(c.Error(nil, wire.Obj("description", statusText(refusals[0], ""))).Message())
			return
		}
		_ = client.Write(c.Result(nil, nil).Message())
		f.heard <- [2]string{strings.TrimPrefix(wire.Text(c.Arg(0)), "sip:"), wire.Text(c.Arg(1))}
	case "invited":
		f.mu.Lock()
		answer := f.onInvite
		f.mu.Unlock()
		if len(answer) > 0 {
			f.command(wire.Text(answer[0]), answer[1:]...)
		}
	default:
		f.news <- c
	}
}

// await waits for one of some news, and passes over others.
func (f *farSide) await(t *testing.T, names ...string) wire.Command {
	t.Helper()
	for timeout := time.After(patience); ; {
		select {
		case c := <-f.news:
			for _, name := range names {
				if c.Name == name {
					return c
				}
			}
		case <-timeout:
			t.Fatalf("no news of %v", names)
		}
	}
}

func (f *farSide) refuse(c bridge.Cause) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refusals = append(f.refusals, c)
}

func (f *farSide) say(t *testing.T, text string) bridge.Cause {
	t.Helper()
	_, err := f.now().Call(t.Context(), "sendMessage", "alice", text)
	var refused *wire.StatusError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &refused):
		return causeOf(refused.Description)
	default:
		t.Fatalf("say %q: %v", text, err)
		return 0
	}
}

func (f *farSide) hear(t *testing.T) (from, text string) {
	t.Helper()
	select {
	case h := <-f.heard:
		return h[0], h[1]
	case <-time.After(patience):
		t.Fatal("nothing was heard")
		return "", ""
	}
}

// A watched adapter is up while tim is there: of clients that come and go a server
// is neither.
type watched struct {
	*Adapter
	far *farSide
}

func (w *watched) Run(ctx context.Context, h bridge.Handler) error {
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() { w.far.connect(ctx) })
	return w.Adapter.Run(ctx, &watchedHandler{Handler: h, w: w})
}

type watchedHandler struct {
	bridge.Handler
	w *watched
}

func (h *watchedHandler) State(bool, error) { close(h.w.far.ready) }

func (h *watchedHandler) Reachable(a bridge.Address) {
	h.Handler.Reachable(a)
	h.Handler.State(true, nil)
}

func (h *watchedHandler) Changed(a bridge.Address) {
	h.Handler.Changed(a)
	if h.w.PresenceOf(a).State == bridge.Offline {
		h.Handler.State(false, errAway())
	}
}

func itoa(n uint16) string { return strconv.Itoa(int(n)) }
