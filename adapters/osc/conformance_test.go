package osc

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"gateway/adapters/osc/wire"
	"gateway/bridge"
	"gateway/bridge/bridgetest"
	"gateway/bridge/datagram"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	bridgetest.Conformance(t, newConformanceRig)
}

func TestConformanceOfCalls(t *testing.T) {
	t.Parallel()
	bridgetest.ConformanceCalls(t, newConformanceRig)
}

func testEnv() bridge.Env {
	return bridge.Env{Name: "jam", Node: "gw1", Version: "1.0", Key: []byte("0123456789abcdef0123456789abcdef")}
}

// quickPace is the original's, a hundred times as fast.
func quickPace() pace {
	p := originalPace()
	for _, d := range []*time.Duration{&p.tick, &p.alive, &p.retry, &p.ping, &p.busy, &p.here} {
		*d /= 100
	}
	return p
}

// A farSide is a server, and the member tim, who is reached by another socket.
type farSide struct {
	server, member *datagram.Socket

	mu       sync.Mutex // guards what follows
	gateway  netip.AddrPort
	away     bool
	refusals []bridge.Cause

	met      sync.Once
	pinged   chan struct{}  // closed when tim has pinged the gateway
	heard    chan [2]string // texts, and from whom
	refused  chan string    // causes
	accepted chan struct{}
	news     chan []string // of calls: the last part of the address, and the arguments
	call     string        // tim's last; for the test's goroutine
}

const farGroup = "orchestra"

func newConformanceRig(t *testing.T) *bridgetest.Rig {
	f := &farSide{
		server: openSocket(t), member: openSocket(t), pinged: make(chan struct{}),
		heard: make(chan [2]string, 100), refused: make(chan string, 100), accepted: make(chan struct{}, 100), news: make(chan []string, 100),
	}
	var all sync.WaitGroup
	all.Go(func() { f.run(f.server, f.serve) })
	all.Go(func() { f.run(f.member, f.play) })
	t.Cleanup(func() {
		f.server.Close()
		f.member.Close()
		all.Wait()
	})
	c := NewConfig()
	c.Join, c.User, c.Password, c.Group, c.GroupPassword, c.Chat = f.server.Addr().String(), "gw", "pw", farGroup, "gpw", "/chat"
	c.Calls = "/call"
	a, err := New(c, testEnv())
	if err != nil {
		t.Fatal(err)
	}
	a.set.pace = quickPace()
	return &bridgetest.Rig{
		Adapter: &watched{Adapter: a, far: f, bounced: make(chan *bridge.Error, 10)}, Ours: "alice@" + farGroup, Theirs: "tim@" + farGroup,
		Say: f.say, Hear: f.hear, Refuse: f.refuse,
		Cut: func(*testing.T) { f.setAway(true) }, Mend: func(*testing.T) { f.setAway(false) },
		Calls: f.calls(a),
	}
}

func (f *farSide) run(s *datagram.Socket, take func(*datagram.Writer, datagram.Packet)) {
	w := datagram.NewWriter(8)
	_ = s.NewReader(8, wire.MaxMember).Run(func(packets []datagram.Packet) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.away {
			return
		}
		for _, in := range packets {
			take(w, in)
			w.Flush()
		}
	})
}

// serve answers a registration.
func (f *farSide) serve(w *datagram.Writer, in datagram.Packet) {
	f.gateway = in.From
	var req wire.UserAlive
	m, _ := wire.First(in.Data)
	req.Read(m)
	var b wire.Builder
	b.UserStatus(req.User, wire.StatusOK)
	b.GroupStatus(req.User, req.Groups[0], wire.StatusOK)
	b.UserInfo("tim", f.member.Addr(), f.member.Addr(), 0, []string{farGroup})
	w.Add(f.server, b.Packet(), in.From, netip.Addr{})
}

// play does what tim does.
func (f *farSide) play(w *datagram.Writer, in datagram.Packet) {
	if _, ok := wire.PingName(in.Data); ok {
		w.Add(f.member, ping("tim"), in.From, netip.Addr{})
		w.Flush()
		f.met.Do(func() { close(f.pinged) })
		return
	}
	m, _ := wire.First(in.Data)
	args, _ := texts(m)
	switch string(m.Address) {
	case "/chat":
		if len(f.refusals) > 0 {
			cause := f.refusals[0]
			f.refusals = f.refusals[1:]
			p, _ := wire.Compose("/chat/failed", args[0], cause.String(), "because")
			w.Add(f.member, p, in.From, netip.Addr{})
			return
		}
		f.heard <- [2]string{args[0], args[1]}
	case "/chat/failed":
		f.refused <- args[1]
	default:
		if part, ok := strings.CutPrefix(string(m.Address), "/call/"); ok {
			args, _ := words(m)
			f.news <- append([]string{part}, args...)
		}
	}
}

func (f *farSide) setAway(away bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.away = away
}

func (f *farSide) refuse(c bridge.Cause) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refusals = append(f.refusals, c)
}

func (f *farSide) refusing() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.refusals) > 0
}

// send sends a packet of tim's to the gateway, once they have met.
func (f *farSide) send(p []byte) {
	<-f.pinged
	f.mu.Lock()
	to := f.gateway
	f.mu.Unlock()
	w := datagram.NewWriter(1)
	w.Add(f.member, p, to, netip.Addr{})
	w.Flush()
}

func (f *farSide) say(t *testing.T, text string) bridge.Cause {
	t.Helper()
	p, err := wire.Compose("/chat/alice", "tim", text)
	if err != nil {
		t.Fatal(err)
	}
	f.send(p)
	select {
	case <-f.accepted:
		return 0
	case word := <-f.refused:
		return causeOf(word)
	case <-time.After(patience):
		t.Fatalf("no answer to %q", text)
		return 0
	}
}

func (f *farSide) hear(t *testing.T) (from, text string) {
	t.Helper()
	select {
	case h := <-f.heard:
		return h[0] + "@" + farGroup, h[1]
	case <-time.After(patience):
		t.Fatal("nothing was heard")
		return "", ""
	}
}

// A watched adapter waits for what the network says later: that a text was taken
// is answered with nothing, and a refusal bounces.
type watched struct {
	*Adapter
	far     *farSide
	bounced chan *bridge.Error
}

func (w *watched) Run(ctx context.Context, h bridge.Handler) error {
	return w.Adapter.Run(ctx, watchedHandler{h, w})
}

func (w *watched) SendMessage(ctx context.Context, m bridge.Message) (bridge.Outcome, error) {
	refusing := w.far.refusing()
	for {
		o, err := w.Adapter.SendMessage(ctx, m)
		var e *bridge.Error
		if errors.As(err, &e) && errors.Is(e.Err, errDead) { // tim has not been met yet
			select {
			case <-ctx.Done():
			case <-time.After(5 * time.Millisecond):
				continue
			}
		}
		if err != nil || !refusing {
			return o, err
		}
		return 0, <-w.bounced
	}
}

type watchedHandler struct {
	bridge.Handler
	w *watched
}

func (h watchedHandler) Bounced(id string, err *bridge.Error) {
	h.Handler.Bounced(id, err)
	h.w.bounced <- err
}

func (h watchedHandler) Message(m bridge.Message, done func(bridge.Outcome, error)) {
	if m.To.Name == farGroup {
		done(0, &bridge.Error{Op: "test", Cause: bridge.NotFound})
		return
	}
	h.Handler.Message(m, func(o bridge.Outcome, err error) {
		done(o, err)
		if err == nil {
			h.w.far.accepted <- struct{}{}
		}
	})
}

func TestEveryCauseHasAWord(t *testing.T) {
	t.Parallel()
	for _, c := range bridge.Causes() {
		if got := causeOf(c.String()); got != c {
			t.Errorf("%v comes back as %v", c, got)
		}
	}
	if got := causeOf("made up"); got != bridge.Internal {
		t.Errorf("a made-up word is %v", got)
	}
}
