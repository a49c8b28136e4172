package bridge

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
)

// viewer is an adapter with parties who come and go, and a note of what was
// shown to those who watch.
type viewer struct {
	mu    sync.Mutex // guards the rest
	there map[string]Presence
	shown []string
}

func (v *viewer) Run(context.Context, Handler) error { return nil }

func (v *viewer) PresenceOf(a Address) Presence {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.there[a.Name]
}

func (v *viewer) ShowPresence(of, to Address, p Presence) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.shown = append(v.shown, fmt.Sprint(to.Name, " sees ", of.Name, " ", p.State, p.Note))
}

func (v *viewer) set(name string, s Availability) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.there[name] = Presence{State: s}
}

// take gives what was shown since it was asked last.
func (v *viewer) take() string {
	synctest.Wait()
	v.mu.Lock()
	defer v.mu.Unlock()
	s := fmt.Sprint(v.shown)
	v.shown = nil
	return s
}

// watchWorld is a bubble with two adapters. NAME on left leads to NAME and
// NAME2 on right, but for nobody.
type watchWorld struct {
	t           *testing.T
	disk        *memLog
	left, right *viewer
	w           *watches
	gone        bool // the maps lead nowhere
	end         func()
}

func inWatchWorld(t *testing.T, f func(*watchWorld)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		x := &watchWorld{t: t, disk: newMemLog(), left: &viewer{there: map[string]Presence{}}, right: &viewer{there: map[string]Presence{}}}
		x.start()
		f(x)
		x.end()
	})
}

func (x *watchWorld) start() {
	route := func(_ Party, to Address) ([]Target, error) {
		if x.gone || to.Name == "nobody" {
			return nil, &Error{Cause: NotFound}
		}
		return []Target{
			{To: Party{Address: Address{"right", to.Name}}}, {To: Party{Address: Address{"right", to.Name + "2"}}},
		}, nil
	}
	bare := func(a Address) (Address, error) { return a, nil }
	x.w = newWatches(slog.New(slog.NewTextHandler(io.Discard, nil)), x.disk, route, bare, map[string]Adapter{"left": x.left, "right": x.right})
	err := x.disk.Replay(x.t.Context(), func(seq uint64, data []byte) error {
		r, err := decodeRecord(data)
		if err == nil {
			x.w.restore(seq, *r.Watch)
		}
		return err
	})
	if err != nil {
		x.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(x.t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { x.w.run(ctx) })
	x.end = func() { cancel(); wg.Wait() }
}

// ask gives the word for what becomes of a Watch.
func (x *watchWorld) ask(by, to string, on bool) string {
	done := make(chan error, 1)
	x.w.ask(Watch{By: Address{"left", by}, To: Address{"left", to}, On: on}, func(err error) { done <- err })
	if err := <-done; err != nil {
		return err.Error()
	}
	return "ok"
}

func (x *watchWorld) want(got, want string) {
	x.t.Helper()
	if got != want {
		x.t.Errorf("got %q, want %q", got, want)
	}
}

func TestAWatcherIsShownWhoIsThere(t *testing.T) {
	t.Parallel()
	inWatchWorld(t, func(x *watchWorld) {
		x.right.set("bob", Away)
		x.want(x.ask("ann", "bob", true), "ok")
		x.want(x.left.take(), "[ann sees bob away]")
		x.right.set("bob2", Available)
		x.w.change(Address{"right", "bob2"})
		x.want(x.left.take(), "[ann sees bob available]")
		x.right.set("bob", Offline) // the other home counts
		x.w.change(Address{"right", "bob"})
		x.want(x.left.take(), "[]")
		x.right.set("bob2", Offline)
		x.w.change(Address{"right", ""})
		x.want(x.left.take(), "[ann sees bob offline]")
		x.want(x.ask("ann", "bob", true), "ok") // who asks again is shown again
		x.want(x.left.take(), "[ann sees bob offline]")
		x.want(x.ask("ann", "bob", false), "ok")
		x.right.set("bob", Available)
		x.w.change(Address{"right", "bob"})
		x.want(x.left.take(), "[]")
		x.want(fmt.Sprint(x.disk.count(), len(x.w.homes), len(x.w.count)), "0 0 0")
	})
}

func TestAWatchNeedsAWay(t *testing.T) {
	t.Parallel()
	inWatchWorld(t, func(x *watchWorld) {
		x.want(x.ask("ann", "nobody", true), "watch: not-found"[len("watch"):])
		x.want(x.ask("ann", "bob", true), "ok")
		x.gone = true
		x.right.set("bob", Available)
		x.w.reload()
		x.want(x.left.take(), "[ann sees bob offline]")
		x.want(x.ask("ann", "bob", true), ": not-found")
		x.want(fmt.Sprint(x.disk.count()), "0")
	})
}

func TestAReloadFindsOtherHomes(t *testing.T) {
	t.Parallel()
	inWatchWorld(t, func(x *watchWorld) {
		x.want(x.ask("ann", "bob", true), "ok")
		x.gone = true
		x.w.reload()
		x.left.take()
		x.gone = false
		x.right.set("bob", Available)
		x.w.reload()
		x.want(x.left.take(), "[ann sees bob available]")
	})
}

func TestWatchesOutliveARestart(t *testing.T) {
	t.Parallel()
	inWatchWorld(t, func(x *watchWorld) {
		x.right.set("bob", Available)
		x.want(x.ask("ann", "bob", true), "ok")
		x.left.take()
		x.end()
		x.want(x.left.take(), "[ann sees bob offline]")
		x.want(x.ask("ann", "bob", true), "watch: overloaded (too much at once)")
		x.start()
		x.w.up("left")
		x.want(x.left.take(), "[ann sees bob available]")
	})
}

func TestANetworkThatCameBackIsToldAnew(t *testing.T) {
	t.Parallel()
	inWatchWorld(t, func(x *watchWorld) {
		x.want(x.ask("ann", "bob", true), "ok")
		x.left.take()
		x.w.up("left")
		x.want(x.left.take(), "[ann sees bob offline]")
		x.right.set("bob", Occupied)
		x.w.up("right")
		x.want(x.left.take(), "[ann sees bob occupied]")
	})
}

func TestAWatchThatIsNotOnDiskIsNone(t *testing.T) {
	t.Parallel()
	inWatchWorld(t, func(x *watchWorld) {
		x.disk.setFull(true)
		x.want(x.ask("ann", "bob", true), "watch: internal: disk full")
		x.disk.setFull(false)
		x.right.set("bob", Available)
		x.w.change(Address{"right", "bob"})
		x.want(x.left.take(), "[]")
	})
}

func TestOneWatcherHasABoundedNumber(t *testing.T) {
	t.Parallel()
	inWatchWorld(t, func(x *watchWorld) {
		for i := range maxWatchesOf {
			if got := x.ask("ann", fmt.Sprint(i), true); got != "ok" {
				t.Fatalf("%d: %s", i, got)
			}
		}
		x.want(x.ask("ann", "one more", true), "watch: constrained (too many are watched)")
		x.want(x.ask("eve", "one more", true), "ok")
	})
}
