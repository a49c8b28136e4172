package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"gateway/bridge"
	"gateway/bridge/bridgetest"
)

// pair is a bridge between two fake adapters, in a synctest bubble: "left"
// and "right", whose parties see each other by their own names.
type pair struct {
	t           *testing.T
	b           *bridge.Bridge
	left, right *bridgetest.Adapter
	registry    *prometheus.Registry
	ended       chan error
	cancel      context.CancelFunc
	said        int
}

func newPair(t *testing.T, l bridge.Limits) *pair {
	t.Helper()
	return newPairOn(t, l, &bridgetest.Log{}, &bridgetest.Log{})
}

// newPairOn is newPair with the disk of another that has ended.
func newPairOn(t *testing.T, l bridge.Limits, outbox, ledger bridge.Log) *pair {
	t.Helper()
	names := map[string]bridge.Namer{"left": bridgetest.Names{}, "right": bridgetest.Names{}}
	router, problems := bridge.NewRouter([]bridge.MapSpec{
		{Home: []string{"left:{x:l.*}"}, As: map[string]string{"right": "{x}"}},
		{Home: []string{"right:{x:r.*}"}, As: map[string]string{"left": "{x}"}},
	}, names)
	if router == nil {
		t.Fatal(problems)
	}
	p := &pair{t: t, left: bridgetest.NewAdapter(), right: bridgetest.NewAdapter(),
		registry: prometheus.NewRegistry(), ended: make(chan error, 1)}
	b, err := bridge.New(bridge.Options{
		Log: slog.New(slog.DiscardHandler), Metrics: p.registry, Router: router, Limits: l,
		Outbox: outbox, Ledger: ledger, Names: names, Drain: time.Minute,
		Adapters: map[string]bridge.Adapter{"left": p.left, "right": p.right},
	})
	if err != nil {
		t.Fatal(err)
	}
	p.b = b
	var ctx context.Context
	ctx, p.cancel = context.WithCancel(context.Background())
	go func() { p.ended <- b.Run(ctx) }()
	synctest.Wait()
	return p
}

// say sends a text from left to right and gives the word for the answer.
func (p *pair) say(from, to, text string) string {
	p.said++
	o, err := p.left.Say(context.Background(), from, to, fmt.Sprint("ref ", p.said), text)
	var e *bridge.Error
	if errors.As(err, &e) {
		return e.Cause.String()
	}
	return o.String()
}

func (p *pair) want(got, want string) {
	p.t.Helper()
	if got != want {
		p.t.Errorf("got %s, want %s", got, want)
	}
}

func (p *pair) end() {
	p.t.Helper()
	p.cancel()
	if err := <-p.ended; err != nil {
		p.t.Errorf("Run: %v", err)
	}
}

// metric is the value of a line of the metrics page, "" if it is not there.
func (p *pair) metric(name string, labels ...string) float64 {
	p.t.Helper()
	families, err := p.registry.Gather()
	if err != nil {
		p.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var values []string
			for _, l := range m.GetLabel() {
				values = append(values, l.GetValue())
			}
			if f.GetName() == name && strings.Join(values, " ") == strings.Join(labels, " ") {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	p.t.Errorf("no metric %s %q", name, labels)
	return 0
}

func inPair(t *testing.T, l bridge.Limits, f func(p *pair)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, l)
		f(p)
		p.end()
	})
}

func TestOneSenderIsHeldToItsLimit(t *testing.T) {
	inPair(t, bridge.Limits{MessagesPerSender: 3}, func(p *pair) {
		for range 3 {
			p.want(p.say("lea", "ray", "x"), "taken")
		}
		p.want(p.say("lea", "ray", "x"), "overloaded")
		p.want(p.say("leo", "ray", "x"), "taken")
		time.Sleep(20 * time.Second)
		p.want(p.say("lea", "ray", "x"), "taken")
		p.want(p.say("lea", "ray", "x"), "overloaded")
		p.b.Reload(nil, bridge.Limits{})
	})
}

func TestAllAreHeldToTheirLimit(t *testing.T) {
	inPair(t, bridge.Limits{MessagesPerSecond: 2}, func(p *pair) {
		p.want(p.say("lea", "ray", "x"), "taken")
		p.want(p.say("leo", "ray", "x"), "taken")
		p.want(p.say("liz", "ray", "x"), "overloaded")
		time.Sleep(time.Second)
		p.want(p.say("liz", "ray", "x"), "taken")
	})
}

func TestWritingIntoTheVoidUsesNothingUp(t *testing.T) {
	inPair(t, bridge.Limits{MessagesPerSecond: 1, MessagesPerSender: 2}, func(p *pair) {
		for range 5 {
			p.want(p.say("lea", "nobody", "x"), "not-found")
		}
		p.want(p.say("lea", "ray", "x"), "taken")
		p.want(p.say("leo", "ray", "x"), "overloaded") // by all together,
		time.Sleep(time.Second)
		p.want(p.say("leo", "ray", "x"), "taken") // which cost him nothing of his own
		time.Sleep(time.Second)
		p.want(p.say("leo", "ray", "x"), "taken")
	})
}

// slow is an adapter that never comes to the end of its good-byes by itself.
type slow struct{ *bridgetest.Adapter }

func (slow) Drain(ctx context.Context) { <-ctx.Done() }

func TestAnAdapterCantHoldUpTheEnd(t *testing.T) {
	for _, row := range []struct {
		name      string
		impatient bool
		want      time.Duration
	}{
		{"in good order", false, 5 * time.Second},
		{"now", true, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b, err := bridge.New(options(map[string]bridge.Adapter{"left": slow{bridgetest.NewAdapter()}}))
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				b.Drain()
				if row.impatient {
					cancel()
				}
				start := time.Now()
				if err := b.Run(ctx); err != nil {
					t.Error(err)
				}
				if d := time.Since(start); d != row.want {
					t.Errorf("it took %v, want %v", d, row.want)
				}
			})
		})
	}
}

func TestBoundsOnAMessage(t *testing.T) {
	inPair(t, bridge.Limits{}, func(p *pair) {
		p.want(p.say("lea", "ray", strings.Repeat("x", 64<<10)), "taken")
		p.want(p.say("lea", "ray", strings.Repeat("x", 64<<10+1)), "too-large")
		p.want(p.say("lea", "nobody", "x"), "not-found")
		p.want(p.say("", "ray", "x"), "malformed")
	})
}

func TestDrainingRefusesWhatIsNew(t *testing.T) {
	inPair(t, bridge.Limits{}, func(p *pair) {
		p.b.Drain()
		p.want(p.say("lea", "ray", "x"), "overloaded")
	})
}

func TestMetricsTellWhatHappened(t *testing.T) {
	inPair(t, bridge.Limits{}, func(p *pair) {
		p.want(p.say("lea", "ray", "x"), "taken")
		p.want(p.say("lea", "nobody", "x"), "not-found")
		p.right.SetUp(false)
		p.want(p.say("lea", "ray", "x"), "stored")
		time.Sleep(10 * time.Second)
		for _, row := range []struct {
			name   string
			labels []string
			want   float64
		}{
			{"gateway_messages_total", []string{"left", "in", "taken"}, 1},
			{"gateway_messages_total", []string{"left", "in", "not-found"}, 1},
			{"gateway_messages_total", []string{"left", "in", "stored"}, 1},
			{"gateway_messages_total", []string{"right", "out", "taken"}, 1},
			{"gateway_queue_length", []string{"right"}, 1},
			{"gateway_queue_age_seconds", []string{"right"}, 10},
			{"gateway_adapter_up", []string{"left"}, 1},
			{"gateway_adapter_up", []string{"right"}, 0},
		} {
			if got := p.metric(row.name, row.labels...); got != row.want {
				p.t.Errorf("%s %q is %v, want %v", row.name, row.labels, got, row.want)
			}
		}
		for _, h := range p.b.Health() {
			if h.Up != (h.Adapter == "left") || h.Up != (h.Error == "") {
				p.t.Errorf("health %+v", h)
			}
		}
		p.right.SetUp(true) // and it is tried at once
		synctest.Wait()
		if got := p.metric("gateway_queue_length", "right"); got != 0 {
			p.t.Errorf("%v still wait", got)
		}
	})
}

// broken is an adapter that can never work.
type broken struct{ *bridgetest.Adapter }

var errBroken = errors.New("its port is taken")

func (broken) Run(context.Context, bridge.Handler) error { return errBroken }

// mute is an adapter that carries no messages.
type mute struct{}

func (mute) Run(ctx context.Context, _ bridge.Handler) error { <-ctx.Done(); return nil }

func TestAnAdapterThatCanNeverWorkEndsTheBridge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, err := bridge.New(options(map[string]bridge.Adapter{"left": broken{bridgetest.NewAdapter()}, "right": bridgetest.NewAdapter()}))
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Run(t.Context()); !errors.Is(err, errBroken) {
			t.Errorf("Run: %v", err)
		}
	})
}

func TestAMapCantAskForWhatAnAdapterCantDo(t *testing.T) {
	t.Parallel()
	if _, err := bridge.New(options(map[string]bridge.Adapter{"left": mute{}})); err == nil {
		t.Error("an adapter without messages was accepted")
	}
}

func options(a map[string]bridge.Adapter) bridge.Options {
	return bridge.Options{
		Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(), Outbox: &bridgetest.Log{}, Ledger: &bridgetest.Log{}, Adapters: a,
	}
}
