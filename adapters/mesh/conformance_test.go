package mesh

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"testing"
	"time"

	"gateway/adapters/mesh/wire"
	"gateway/bridge"
	"gateway/bridge/bridgetest"
	"gateway/bridge/datagram"
)

// patience bounds every wait of a test.
const patience = time.Minute

func TestConformance(t *testing.T) {
	t.Parallel()
	bridgetest.Conformance(t, newConformanceRig)
}

func testEnv() bridge.Env {
	return bridge.Env{Name: "lab", Node: "gw1", Version: "1.0", Key: []byte("0123456789abcdef0123456789abcdef")}
}

// quickPace is the original's, many times as fast.
func quickPace() pace {
	p := originalPace()
	p.tick, p.beacon, p.retry, p.list, p.publish = 5*time.Millisecond, 50*time.Millisecond, 10*time.Millisecond, 100*time.Millisecond, time.Millisecond
	p.probe, p.report, p.meet, p.repeat, p.patient = 50*time.Millisecond, 50*time.Millisecond, 300*time.Millisecond, 50*time.Millisecond, 5*time.Second
	return p
}

// A farSide is a server, and its client tim, who is reached by another socket.
type farSide struct {
	server, client *datagram.Socket

	mu       sync.Mutex // guards what follows
	gateway  netip.AddrPort
	away     bool
	refusals []bridge.Cause
	number   uint32

	receipts chan string // what they say
	heard    chan [2]string
}

var tim, _ = wire.ParseUUID("2051bf06-e603-11f1-a804-02fc00000001")

func openSocket(t testing.TB) *datagram.Socket {
	t.Helper()
	s, err := datagram.Open(netip.MustParseAddrPort("127.0.0.1:0"), false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func newConformanceRig(t *testing.T) *bridgetest.Rig {
	f := &farSide{server: openSocket(t), client: openSocket(t), receipts: make(chan string, 100), heard: make(chan [2]string, 100)}
	var all sync.WaitGroup
	all.Go(func() { f.run(f.server, f.serve) })
	all.Go(func() { f.run(f.client, f.play) })
	t.Cleanup(func() {
		f.server.Close()
		f.client.Close()
		all.Wait()
	})
	c := NewConfig()
	c.Join = f.server.Addr().String()
	a, err := New(c, testEnv())
	if err != nil {
		t.Fatal(err)
	}
	a.set.pace = quickPace()
	return &bridgetest.Rig{
		Adapter: &patientAdapter{a, f}, Ours: "alice", Theirs: "tim",
		Say: f.say, Hear: f.hear, Refuse: f.refuse,
		Cut: func(*testing.T) { f.setAway(true) }, Mend: func(*testing.T) { f.setAway(false) },
	}
}

// A patientAdapter waits until the peer has been met.
type patientAdapter struct {
	*Adapter
	far *farSide
}

func (a *patientAdapter) SendMessage(ctx context.Context, m bridge.Message) (bridge.Outcome, error) {
	for {
		o, err := a.Adapter.SendMessage(ctx, m)
		if !errors.Is(err, errAway) || a.far.isAway() {
			return o, err
		}
		select {
		case <-ctx.Done():
			return o, err
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (f *farSide) run(s *datagram.Socket, take func(*datagram.Writer, *wire.Packet, netip.AddrPort)) {
	w := datagram.NewWriter(8)
	var p wire.Packet
	_ = s.NewReader(8, wire.MaxPacket).Run(func(packets []datagram.Packet) {
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, in := range packets {
			if !f.away && p.Read(in.Data) == nil {
				take(w, &p, in.From)
				w.Flush()
			}
		}
	})
}

// serve answers a beacon.
func (f *farSide) serve(w *datagram.Writer, p *wire.Packet, from netip.AddrPort) {
	f.gateway = from
	var b wire.Builder
	b.Server(wire.Extended, 0, p.UUID)
	b.YourTime(p.MyTime)
	b.Entry(wire.Entry{External: f.client.Addr(), Identity: wire.Identity{UUID: tim, Version: wire.Extended, Name: "tim"}})
	b.Count(1)
	w.Add(f.server, b.Packet(), from, netip.Addr{})
}

// play does what tim does.
func (f *farSide) play(w *datagram.Writer, p *wire.Packet, from netip.AddrPort) {
	answer := func(add func(b *wire.Builder)) {
		var b wire.Builder
		b.Client(wire.Extended, 0, tim)
		add(&b)
		w.Add(f.client, b.Packet(), from, netip.Addr{})
	}
	if p.MyTime != 0 {
		answer(func(b *wire.Builder) { b.YourTime(p.MyTime) })
	}
	for _, v := range p.CC {
		t, ok := wire.ReadText(v)
		switch {
		case !ok:
		case t.Kind == wire.TextReceipt && len(t.Body) > 0:
			f.receipts <- string(t.Body)
		case t.Kind == wire.TextSaid, t.Kind == wire.TextFailed:
			receipt := wire.Text{Kind: wire.TextReceipt, Message: t.Message, Part: t.Part, Parts: t.Parts}
			if t.Kind == wire.TextFailed {
				receipt.Parts = 0
			} else if len(f.refusals) > 0 {
				receipt.Body = []byte(refusal(&bridge.Error{Cause: f.refusals[0], Reason: "because"}))
				f.refusals = f.refusals[1:]
			} else {
				name, _ := wire.Field(p.Meta, wire.KeyFrom)
				f.heard <- [2]string{string(name), string(t.Body)}
			}
			answer(func(b *wire.Builder) { b.CC(receipt.Append(nil)) })
		}
	}
}

func (f *farSide) setAway(away bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.away = away
}

func (f *farSide) isAway() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.away
}

func (f *farSide) refuse(c bridge.Cause) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refusals = append(f.refusals, c)
}

// say repeats a text until there is a receipt for it.
func (f *farSide) say(t *testing.T, text string) bridge.Cause {
	t.Helper()
	f.mu.Lock()
	f.number++
	to := f.gateway
	var b wire.Builder
	b.Client(wire.Extended, 0, tim)
	b.Meta(wire.AppendNames(nil, [2]string{wire.KeyTo, "alice"}))
	b.CC(wire.Text{Kind: wire.TextSaid, Message: f.number, Parts: 1, Body: []byte(text)}.Append(nil))
	f.mu.Unlock()
	w := datagram.NewWriter(1)
	packet := b.Packet()
	deadline := time.After(patience)
	for {
		w.Add(f.client, packet, to, netip.Addr{})
		w.Flush()
		select {
		case word := <-f.receipts:
			if e, refused := readRefusal(word); refused {
				return e.Cause
			}
			return 0
		case <-time.After(200 * time.Millisecond):
		case <-deadline:
			t.Fatalf("no receipt for %q", text)
		}
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

func TestEveryCauseHasAWord(t *testing.T) {
	t.Parallel()
	for _, c := range bridge.Causes() {
		e, ok := readRefusal(refusal(&bridge.Error{Cause: c, Reason: "two\nwords"}))
		if !ok || e.Cause != c || e.Reason != "two words" {
			t.Errorf("%v comes back as %+v", c, e)
		}
	}
	if e, ok := readRefusal("made-up"); !ok || e.Cause != bridge.Internal {
		t.Errorf("a made-up word is %+v", e)
	}
	for _, word := range []string{"", "taken", "stored"} {
		if e, ok := readRefusal(word); ok {
			t.Errorf("%q is %+v", word, e)
		}
	}
}
