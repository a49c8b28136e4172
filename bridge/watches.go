package bridge

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Bounds on who watches whom.
const (
	maxWatches    = 100_000
	maxWatchesOf  = 1000 // of one party
	maxWatchTasks = 10_000
)

// A watchKey names a watch: both are without their Tails.
type watchKey struct{ by, to Address }

// A watch is one that is kept.
type watch struct {
	seq   uint64    // where it is on disk
	homes []Address // of whom it watches, by the maps of now
	shown Presence
	known bool // shown is what the watcher was told
}

// watches know who watches whom, and show what changes. One goroutine, run,
// owns what is kept; others only leave it tasks.
//
//	subscribe ─▶ Watch ─▶ on disk ─▶ done ─▶ ShowPresence
//	a party comes or goes ─▶ Changed ─▶ PresenceOf its homes ─▶ ShowPresence
type watches struct {
	log      *slog.Logger
	disk     Log
	route    func(from Party, to Address) ([]Target, error)
	bare     func(Address) (Address, error)
	adapters map[string]Adapter

	all   map[watchKey]*watch
	homes map[Address]map[watchKey]bool // who looks at a home
	count map[Address]int               // by watcher

	wake chan struct{} // has room for one: there is something to do

	mu      sync.Mutex // guards what follows: adapters leave tasks
	closed  bool
	tasks   []watchTask
	changed map[Address]bool // parties; with no name, whole adapters
	anew    map[string]bool  // adapters whose watchers must be told everything
	rebuild bool             // the maps are others
}

// A watchTask is a Watch and who waits for its answer.
type watchTask struct {
	w    Watch
	done func(error)
}

func newWatches(log *slog.Logger, disk Log, route func(Party, Address) ([]Target, error), bare func(Address) (Address, error), adapters map[string]Adapter) *watches {
	return &watches{
		log: log, disk: disk, route: route, bare: bare, adapters: adapters,
		all: map[watchKey]*watch{}, homes: map[Address]map[watchKey]bool{}, count: map[Address]int{},
		wake: make(chan struct{}, 1), changed: map[Address]bool{}, anew: map[string]bool{},
	}
}

// A watchRecord is what the disk has of a watch.
type watchRecord struct {
	By Address `json:"by"`
	To Address `json:"to"`
}

// restore takes a watch from the disk, before run runs.
func (w *watches) restore(seq uint64, r watchRecord) {
	key := watchKey{r.By, r.To}
	if w.all[key] != nil {
		w.erase(seq) // written twice by a crash
		return
	}
	w.keep(key, seq)
}

// ask leaves a Watch to be seen to. done hears of it: nil when it is on disk.
func (w *watches) ask(watch Watch, done func(error)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || len(w.tasks) >= maxWatchTasks {
		done(&Error{Op: "watch", Cause: Overloaded, Reason: "too much at once", Retry: true})
		return
	}
	w.tasks = append(w.tasks, watchTask{watch, done})
	w.stir()
}

// change notes that a party's presence may be another now; without a name, that
// of everybody on the adapter.
func (w *watches) change(a Address) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.changed) >= maxWatchTasks {
		a.Name = "" // cheaper to look at all than to note each
	}
	w.changed[a] = true
	w.stir()
}

// up notes that an adapter has reached its network, which may have forgotten
// what it was told.
func (w *watches) up(adapter string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.anew[adapter] = true
	w.changed[Address{Adapter: adapter}] = true
	w.stir()
}

// reload notes that the maps are others.
func (w *watches) reload() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rebuild = true
	w.stir()
}

// stir is for callers that hold mu.
func (w *watches) stir() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// run sees to what is left to do until ctx is done. Then everybody is shown as
// offline.
func (w *watches) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			w.farewell()
			return
		case <-w.wake:
			w.work(ctx)
		}
	}
}

func (w *watches) work(ctx context.Context) {
	w.mu.Lock()
	tasks, changed, anew, rebuild := w.tasks, w.changed, w.anew, w.rebuild
	w.tasks, w.changed, w.anew, w.rebuild = nil, map[Address]bool{}, map[string]bool{}, false
	w.mu.Unlock()
	if rebuild {
		for key, e := range w.all {
			w.place(key, e)
			w.show(key, e)
		}
	}
	for _, t := range tasks {
		key, err := w.do(ctx, t.w)
		t.done(err)
		if e := w.all[key]; e != nil {
			w.show(key, e)
		}
	}
	if len(anew) > 0 {
		for key, e := range w.all {
			if anew[key.by.Adapter] {
				e.known = false
				w.show(key, e)
			}
		}
	}
	for a := range changed {
		w.look(a)
	}
}

// do sees to one Watch, but for showing what is to be shown.
func (w *watches) do(ctx context.Context, ask Watch) (watchKey, error) {
	by, err := w.bare(ask.By)
	if err != nil {
		return watchKey{}, err
	}
	to, err := w.bare(ask.To)
	if err != nil {
		return watchKey{}, err
	}
	key := watchKey{by, to}
	e := w.all[key]
	if ask.On {
		_, err = w.route(Party{Address: by}, to)
	}
	switch {
	case ask.On && err == nil && e == nil:
		_, err = w.begin(ctx, key)
	case ask.On && err == nil:
		e.known = false // who asks again has forgotten
	case e != nil:
		w.drop(key, e)
	}
	return key, err
}

// begin makes a new watch, on disk.
func (w *watches) begin(ctx context.Context, key watchKey) (*watch, error) {
	if len(w.all) >= maxWatches || w.count[key.by] >= maxWatchesOf {
		return nil, &Error{Op: "watch", Cause: Constrained, Reason: "too many are watched"}
	}
	b, err := record{Watch: &watchRecord{By: key.by, To: key.to}}.encode()
	if err == nil {
		var seq uint64
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		if seq, err = w.disk.Append(ctx, b); err == nil {
			return w.keep(key, seq), nil
		}
	}
	return nil, &Error{Op: "watch", Cause: Internal, Retry: true, Err: err}
}

func (w *watches) keep(key watchKey, seq uint64) *watch {
	e := &watch{seq: seq}
	w.all[key] = e
	w.count[key.by]++
	w.place(key, e)
	return e
}

func (w *watches) drop(key watchKey, e *watch) {
	w.leave(key, e)
	delete(w.all, key)
	if w.count[key.by]--; w.count[key.by] <= 0 {
		delete(w.count, key.by)
	}
	w.erase(e.seq)
}

func (w *watches) erase(seq uint64) {
	if err := w.disk.Delete(seq); err != nil {
		w.log.Error("outbox record stays on disk", "seq", seq, "err", err)
	}
}

// place notes which homes a watch looks at, by the maps of now.
func (w *watches) place(key watchKey, e *watch) {
	w.leave(key, e)
	targets, err := w.route(Party{Address: key.by}, key.to)
	if err != nil {
		return // nobody: whom it watched is offline from now on
	}
	for _, t := range targets {
		home, err := w.bare(t.To.Address)
		if err != nil {
			continue
		}
		e.homes = append(e.homes, home)
		if w.homes[home] == nil {
			w.homes[home] = map[watchKey]bool{}
		}
		w.homes[home][key] = true
	}
}

func (w *watches) leave(key watchKey, e *watch) {
	for _, home := range e.homes {
		delete(w.homes[home], key)
		if len(w.homes[home]) == 0 {
			delete(w.homes, home)
		}
	}
	e.homes = nil
}

// look shows the presence of a party to all who watch it.
func (w *watches) look(a Address) {
	if a.Name == "" {
		for home := range w.homes {
			if home.Adapter == a.Adapter {
				w.look(home)
			}
		}
		return
	}
	home, err := w.bare(a)
	if err != nil {
		return // nobody can watch that
	}
	for key := range w.homes[home] {
		w.show(key, w.all[key])
	}
}

// show tells a watcher what it does not know yet.
func (w *watches) show(key watchKey, e *watch) {
	var p Presence
	for _, home := range e.homes {
		if a, ok := w.adapters[home.Adapter].(Presencer); ok {
			p = p.better(a.PresenceOf(home))
		}
	}
	if e.known && e.shown == p {
		return
	}
	if a, ok := w.adapters[key.by.Adapter].(Viewer); ok {
		e.known, e.shown = true, p
		a.ShowPresence(key.to, key.by, p)
	}
}

// farewell shows everybody as offline, and takes no more tasks.
func (w *watches) farewell() {
	w.mu.Lock()
	w.closed = true
	tasks := w.tasks
	w.tasks = nil
	w.mu.Unlock()
	for _, t := range tasks {
		t.done(errClosing)
	}
	for key, e := range w.all {
		e.homes = nil
		w.show(key, e)
	}
}
