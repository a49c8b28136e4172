package mesh

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"gateway/bridge"
	"gateway/bridge/bridgetest"
)

// A running adapter is one with a bridge of its own.
type running struct {
	*Adapter
	bridge *bridgetest.Handler
	stop   func()
}

func start(t *testing.T, name string, change func(c *Config)) *running {
	t.Helper()
	return startWith(t, name, change, func(*settings) {})
}

func startWith(t *testing.T, name string, change func(c *Config), set func(*settings)) *running {
	t.Helper()
	c := NewConfig()
	c.Peer = name
	change(c)
	c.Check(func(key, msg string) { t.Errorf("%s: %s", key, msg) })
	env := testEnv()
	env.Name = name
	a, err := New(c, env)
	if err != nil {
		t.Fatal(err)
	}
	a.set.pace = quickPace()
	a.set.pace.patient, a.set.pace.tries = patience, 1000 // the machine may have other work
	set(a.set)
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{Adapter: a, bridge: bridgetest.NewHandler(t)}
	var all sync.WaitGroup
	all.Go(func() {
		if err := a.Run(ctx, r.bridge); err != nil {
			t.Error(err)
		}
	})
	r.stop = func() { cancel(); all.Wait() }
	t.Cleanup(r.stop)
	r.bridge.WaitState(true)
	return r
}

// startServer starts one at a free port, and gives what its clients join.
func startServer(t *testing.T, listen string) (*running, string) {
	t.Helper()
	s := start(t, "hub", func(c *Config) { c.Listen = []string{listen} })
	return s, s.Addrs()[0].String()
}

func startClient(t *testing.T, name, join string) *running {
	t.Helper()
	return start(t, name, func(c *Config) { c.Join = join })
}

// eventually waits until ok.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(patience)
	for !ok() {
		select {
		case <-deadline:
			t.Fatalf("%s: not within %v", what, patience)
		case <-time.After(time.Millisecond):
		}
	}
}

// send sends a text, as soon as the peer is there.
func (r *running) send(t *testing.T, id, from, to, text string) (bridge.Outcome, error) {
	t.Helper()
	m := bridge.Message{
		ID: id, From: bridge.Party{Address: bridge.Address{Name: from}}, To: bridge.Party{Address: bridge.Address{Name: to}},
		Bodies: []bridge.Body{{Text: text}}, At: time.Now(), Hops: 10,
	}
	var o bridge.Outcome
	var err error
	eventually(t, to+" is there", func() bool {
		o, err = r.SendMessage(t.Context(), m)
		return !errors.Is(err, errAway)
	})
	return o, err
}

func TestTextsCrossBetweenAllThatAreInAMesh(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"127.0.0.1", "[::1]"} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			hub, join := startServer(t, "udp:"+at+":0")
			one, two := startClient(t, "one", join), startClient(t, "two", join)
			long := strings.Repeat("a long text — ", 500)
			for i, row := range []struct {
				by, at   *running
				from, to string
				seen     [2]string
			}{
				{one, two, "alice", "two", [2]string{"alice@one", "two"}},
				{two, one, "two", "alice@one", [2]string{"two", "alice"}},
				{one, hub, "alice", "bob@hub", [2]string{"alice@one", "bob"}},
				{hub, two, "bob", "two", [2]string{"bob@hub", "two"}},
				{hub, one, "bob", one.set.uuid.String(), [2]string{"bob@hub", "one"}},
			} {
				n := len(row.at.bridge.Messages(0))
				if o, err := row.by.send(t, fmt.Sprint("text", i), row.from, row.to, long); err != nil || o != bridge.Relayed {
					t.Errorf("from %s to %s: %v, %v", row.from, row.to, o, err)
				}
				m := row.at.bridge.Messages(n + 1)[n]
				if m.Body() != long || m.From.Name != row.seen[0] || m.To.Name != row.seen[1] {
					t.Errorf("from %s to %s: seen from %s to %s, %d bytes", row.from, row.to, m.From.Name, m.To.Name, len(m.Body()))
				}
			}
			two.bridge.Answer(func(bridge.Message) (bridge.Outcome, error) {
				return 0, &bridge.Error{Op: "test", Cause: bridge.Forbidden, Reason: "no"}
			})
			var e *bridge.Error
			if _, err := one.send(t, "refused", "alice", "two", "x"); !errors.As(err, &e) || e.Cause != bridge.Forbidden || e.Reason != "no" || e.Retry {
				t.Errorf("refused with %v", err)
			}
		})
	}
}

func TestNewsThatATextHasFailedReachesItsWriter(t *testing.T) {
	t.Parallel()
	_, join := startServer(t, "udp:127.0.0.1:0")
	one, two := startClient(t, "one", join), startClient(t, "two", join)
	if _, err := one.send(t, "mine", "alice", "two", "hello"); err != nil {
		t.Fatal(err)
	}
	m := two.bridge.Messages(1)[0]
	o, err := two.SendMessage(t.Context(), bridge.Message{
		ID: "news", Kind: bridge.Failed, Of: m.Ref, From: m.To, To: m.From, Cause: bridge.NotFound, Reason: "nobody there",
	})
	if err != nil {
		t.Fatal(o, err)
	}
	if e := one.bridge.Bounce("mine"); e.Cause != bridge.NotFound || e.Reason != "nobody there" {
		t.Errorf("it bounced with %v", e)
	}
}

func TestPeersComeAndGo(t *testing.T) {
	t.Parallel()
	hub, join := startServer(t, "udp:127.0.0.1:0")
	one := startClient(t, "one", join)
	two := startClient(t, "two", join)
	for _, r := range []*running{hub, one} {
		r.bridge.WaitChanged("two")
		r.bridge.WaitReachable(bridge.Address{Name: two.set.uuid.String()})
		if p := r.PresenceOf(bridge.Address{Name: "two"}); p.State != bridge.Available {
			t.Errorf("two is %v", p.State)
		}
	}
	two.stop()
	for _, r := range []*running{hub, one} {
		r.bridge.WaitChanged("two")
		eventually(t, "two is gone", func() bool { return r.PresenceOf(bridge.Address{Name: "two"}).State == bridge.Offline })
	}
}

func TestTheServerIsToldWhoReachesWhom(t *testing.T) {
	t.Parallel()
	hub, join := startServer(t, "udp:127.0.0.1:0")
	one, two := startClient(t, "one", join), startClient(t, "two", join)
	eventually(t, "both are measured", func() bool {
		good := 0
		for _, l := range hub.Snapshot().Links {
			if l.Path == "direct" && l.RTT > 0 && l.Loss == 0 && (l.From == one.set.uuid.String() || l.From == two.set.uuid.String()) {
				good++
			}
		}
		return good == 2
	})
	if s := one.Snapshot(); !s.Up || s.Address != one.Addrs()[0].String() && s.Address == "" || len(s.Peers) != 1 || s.Peers[0].Name != "two" {
		t.Errorf("%+v", s)
	}
	if s := hub.Snapshot(); len(s.Peers) != 2 || !s.Server || s.Self != "hub" || s.Peers[0].Measure.Answered == 0 {
		t.Errorf("%+v", s)
	}
}

func TestWindowsTellWhatWasLost(t *testing.T) {
	t.Parallel()
	var w window
	now := time.Unix(1000, 0)
	for i := range 2 * windowSize {
		stamp := w.ask(now)
		if i%4 != 0 && !w.answer(stamp, now.Add(time.Duration(10+i%2)*time.Millisecond)) {
			t.Fatal("an answer is not known again")
		}
		now = now.Add(time.Second)
	}
	now = now.Add(maxFlight)
	m := w.measure(now)
	if m.Loss != 0.25 || m.RTT < 10*time.Millisecond || m.RTT > 11*time.Millisecond || m.Jitter <= 0 || m.Jitter > time.Millisecond {
		t.Errorf("%+v", m)
	}
	if w.answer(12345, now) || m.Sent != 2*windowSize || m.Answered != 2*windowSize*3/4 {
		t.Errorf("%+v", m)
	}
	if got := (&window{}).measure(now); got != (Measure{}) {
		t.Errorf("of nothing: %+v", got)
	}
	stamp := w.ask(now)
	if seconds := stamp >> 32; seconds != uint64(now.Unix()) {
		t.Errorf("a stamp of %d s at %d s", seconds, now.Unix())
	}
}
