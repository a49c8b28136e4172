package bridge_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"gateway/bridge"
	"gateway/bridge/bridgetest"
	"gateway/bridge/media/mediatest"
)

// town is a bridge between two networks of phones, in a synctest bubble. Who
// lives in "left" is called l…, who lives in "right" r…; "both" are r1 and r2 at
// once, "hunt" r1, then r2, then r3; "slow" is r4, who may ring for an hour.
type town struct {
	*testing.T
	b           *bridge.Bridge
	left, right *bridgetest.Phones
	plane       *mediatest.Plane
	registry    *prometheus.Registry
	records     *lines
	ended       chan error
	cancel      context.CancelFunc
}

// lines are what was written to the records.
type lines struct {
	mu     sync.Mutex // guards what follows: calls write, the test reads
	buf    bytes.Buffer
	broken bool
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken {
		return 0, errors.New("disk full")
	}
	return l.buf.Write(b)
}

func townMaps(terms bridge.Terms) []bridge.MapSpec {
	hunt, slow := terms, terms
	hunt.Hunt, slow.Ring = true, time.Hour
	return []bridge.MapSpec{
		{Home: []string{"right:r1", "right:r2"}, As: map[string]string{"left": "both"}, Calls: terms},
		{Home: []string{"right:r1", "right:r2", "right:r3"}, As: map[string]string{"left": "hunt"}, Calls: hunt},
		{Home: []string{"right:r4"}, As: map[string]string{"left": "slow"}, Calls: slow},
		{Home: []string{"left:{x:l.*}"}, As: map[string]string{"right": "{x}", "left": "{x}"}, Calls: terms},
		{Home: []string{"right:{x:r.*}"}, As: map[string]string{"left": "{x}", "right": "{x}"}, Calls: terms},
		{Home: []string{"text:{x:t.*}"}, As: map[string]string{"left": "{x}"}},
	}
}

// inTown runs f and checks that it leaves no call, leg, port or goroutine behind.
func inTown(t *testing.T, terms bridge.Terms, l bridge.Limits, f func(w *town)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, townMaps(terms), l)
		defer w.end() // also of a test that fails: a bubble waits for all in it
		f(w)
	})
}

func newTown(t *testing.T, maps []bridge.MapSpec, l bridge.Limits) *town {
	t.Helper()
	return newTownOn(t, &bridgetest.Log{}, maps, l)
}

// newTownOn is newTown with what an earlier one has left on disk.
func newTownOn(t *testing.T, outbox bridge.Log, maps []bridge.MapSpec, l bridge.Limits) *town {
	t.Helper()
	names := map[string]bridge.Namer{"left": bridgetest.Names{}, "right": bridgetest.Names{}, "text": bridgetest.Names{}}
	router, problems := bridge.NewRouter(maps, names)
	if router == nil {
		t.Fatal(problems)
	}
	plane := &mediatest.Plane{}
	w := &town{T: t, plane: plane, left: bridgetest.NewPhones(plane), right: bridgetest.NewPhones(plane),
		registry: prometheus.NewRegistry(), ended: make(chan error, 1), records: &lines{}}
	b, err := bridge.New(bridge.Options{
		Log: slog.New(slog.DiscardHandler), Metrics: w.registry, Router: router, Limits: l, Key: make([]byte, 32),
		Outbox: outbox, Ledger: &bridgetest.Log{}, Names: names, Drain: time.Minute, Node: "gw1",
		Media: plane, Records: w.records, Dead: 20 * time.Second,
		Adapters: map[string]bridge.Adapter{"left": w.left, "right": w.right, "text": bridgetest.NewAdapter()},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.b = b
	var ctx context.Context
	ctx, w.cancel = context.WithCancel(context.Background())
	go func() { w.ended <- b.Run(ctx) }()
	synctest.Wait()
	return w
}

func (w *town) end() {
	w.Helper()
	w.cancel()
	if err := <-w.ended; err != nil {
		w.Errorf("Run: %v", err)
	}
	w.nothingLeft()
}

// nothingLeft wants no call, leg or port to be there.
func (w *town) nothingLeft() {
	w.Helper()
	for _, name := range []string{"gateway_media_ports", "gateway_calls_active", "gateway_call_legs_active"} {
		if n := w.sum(name); n != 0 {
			w.Errorf("%s is %v at the end", name, n)
		}
	}
}

// sum adds up a metric over its labels, of which some must have these values.
func (w *town) sum(name string, labels ...string) float64 {
	w.Helper()
	families, err := w.registry.Gather()
	if err != nil {
		w.Fatal(err)
	}
	n := 0.0
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			var values []string
			for _, l := range m.GetLabel() {
				values = append(values, l.GetValue())
			}
			if !slices.ContainsFunc(labels, func(l string) bool { return !slices.Contains(values, l) }) {
				n += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return n
}

// rest lets everything come to rest.
func (w *town) rest() {
	w.Helper()
	synctest.Wait()
}

// after lets time pass, and then everything come to rest.
func (w *town) after(d time.Duration) {
	time.Sleep(d) // the bubble's clock
	synctest.Wait()
}

// invite is one from l1, with an offer of PCMU and PCMA.
func invite(to string) bridge.Invite {
	return bridge.Invite{
		ID: "call to " + to, Hops: 10,
		From:  bridge.Party{Address: bridge.Address{Name: "l1"}},
		To:    bridge.Party{Address: bridge.Address{Name: to}},
		Offer: &bridge.Offer{Seq: 1, Desc: bridgetest.Sound("pcmu", "pcma")},
	}
}

// call has l1 call to, and gives its leg and those of the homes that ring.
func (w *town) call(to string) (a *bridgetest.Phone, homes []*bridgetest.Phone) {
	w.Helper()
	return w.place(invite(to))
}

func (w *town) place(inv bridge.Invite) (a *bridgetest.Phone, homes []*bridgetest.Phone) {
	w.Helper()
	before := len(w.right.Dialed())
	a, err := w.left.Call(inv)
	if err != nil {
		w.Fatalf("refused: %v", err)
	}
	if inv.Offer != nil {
		a.OpenMedia("0")
	}
	w.rest()
	return a, w.right.Dialed()[before:]
}

// take has a home take the call.
func (w *town) take(b *bridgetest.Phone, formats ...string) {
	w.Helper()
	b.OpenMedia("0")
	b.Say(bridge.Answered{Seq: 1, Desc: bridgetest.Sound(formats...)})
	b.Say(bridge.Accepted{})
	w.rest()
}

// talk is a call from l1 to r9 that is taken.
func (w *town) talk() (a, b *bridgetest.Phone) {
	w.Helper()
	a, homes := w.call("r9")
	w.take(homes[0], "pcmu")
	w.heard("caller", a, "answer 1 0 sendrecv pcmu/8000", "accept")
	return a, homes[0]
}

// replace has who, in "left", call to in the place of the leg a.
func (w *town) replace(a *bridgetest.Phone, who, to string) *bridgetest.Phone {
	w.Helper()
	inv := from(who, to)
	inv.Replaces = a.ID()
	c, _ := w.place(inv)
	w.last("whose place is taken", a, "hangup replaced")
	return c
}

// heard wants a phone to have been given exactly these commands.
func (w *town) heard(who string, p *bridgetest.Phone, want ...string) {
	w.Helper()
	if got := p.Heard(); !slices.Equal(got, want) {
		w.Errorf("%s heard %q\nwant %q", who, got, want)
	}
}

// last wants the last command to a phone to be this one.
func (w *town) last(who string, p *bridgetest.Phone, want string) {
	w.Helper()
	got := p.Heard()
	if len(got) == 0 || got[len(got)-1] != want {
		w.Errorf("%s heard %q, want %q last", who, got, want)
	}
}

// joined wants two phones to hear each other.
func (w *town) joined(a, b *bridgetest.Phone) {
	w.Helper()
	p, q := a.Port("0"), b.Port("0")
	if p.IsZero() || q.IsZero() || w.plane.Joined(p) != q || w.plane.Joined(q) != p {
		w.Errorf("%v and %v are joined to %v and %v", p, q, w.plane.Joined(p), w.plane.Joined(q))
	}
}

// recordsText is what the file of records has.
func (w *town) recordsText() string {
	w.records.mu.Lock()
	defer w.records.mu.Unlock()
	return w.records.buf.String()
}

// recorded gives the records, which are to be of these causes.
func (w *town) recorded(causes ...string) []bridge.Record {
	w.Helper()
	var list []bridge.Record
	var got []string
	for line := range strings.Lines(w.recordsText()) {
		var r bridge.Record
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			w.Fatalf("record %q: %v", line, err)
		}
		list = append(list, r)
		got = append(got, r.Cause)
	}
	if !slices.Equal(got, causes) {
		w.Fatalf("records of calls that ended for %q, want %q", got, causes)
	}
	return list
}

// refusal is the cause of an error.
func refusal(err error) bridge.Cause {
	var e *bridge.Error
	if !errors.As(err, &e) {
		return 0
	}
	return e.Cause
}
