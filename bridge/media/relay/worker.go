package relay

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"gateway/bridge/media"
)

// grain is how exactly a worker keeps to the time: what is due within it goes out
// together.
const grain = 2 * time.Millisecond

// A worker does what takes time for one packet: it decodes and encodes, and keeps what
// must wait. Loops and those who feed give it letters; what is done goes back to a
// loop, or to who takes frames.
type worker struct {
	clock func() time.Duration
	do    func(media.PacketPort, func(*loop, *leg)) // Relay.do
	log   *slog.Logger
	lines atomic.Int32 // that it has

	mu    sync.Mutex // guards ready
	ready []*line    // that have letters
	wake  chan struct{}

	// What follows is for run alone.
	now     time.Duration
	timed   []*line // that have something due
	touched []*loop // that have got something since they were woken
	spare   []*line
}

func newWorker(r *Relay, log *slog.Logger) *worker {
	return &worker{clock: r.clock, do: r.do, log: log, wake: make(chan struct{}, 1)}
}

// offer has f looked at.
func (w *worker) offer(f *line) {
	w.mu.Lock()
	w.ready = append(w.ready, f)
	first := len(w.ready) == 1
	w.mu.Unlock()
	if first {
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}

// run works until done is closed.
func (w *worker) run(done <-chan struct{}) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		next := w.turn()
		if next == 0 {
			next = w.now + time.Hour
		}
		timer.Reset(max(0, next-w.now))
		select {
		case <-done:
			return
		case <-w.wake:
		case <-timer.C:
		}
	}
}

// turn does all that there is to do now, and returns when there will be more; 0: nobody
// knows.
func (w *worker) turn() time.Duration {
	w.now = w.clock()
	w.mu.Lock()
	ready := w.ready
	w.ready = w.spare[:0]
	w.mu.Unlock()
	for i, f := range ready {
		ready[i] = nil
		w.guarded(f, f.read)
		w.keep(f)
	}
	w.spare = ready
	next := time.Duration(0)
	for i := len(w.timed) - 1; i >= 0; i-- {
		f := w.timed[i]
		if f.due <= w.now {
			w.guarded(f, f.tick)
		}
		if f.due == 0 || f.closed.Load() {
			f.timed = false
			w.timed = slices.Delete(w.timed, i, i+1)
			continue
		}
		if next == 0 || f.due < next {
			next = f.due
		}
	}
	for i, l := range w.touched {
		w.touched[i] = nil
		l.ring()
	}
	w.touched = w.touched[:0]
	if next == 0 {
		return 0
	}
	return (next + grain - 1) / grain * grain
}

// keep has f looked at when something of it is due.
func (w *worker) keep(f *line) {
	if f.due != 0 && !f.timed {
		f.timed = true
		w.timed = append(w.timed, f)
	}
}

// guarded has something done to f. What goes wrong costs the leg that it comes from.
func (w *worker) guarded(f *line, do func()) {
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		err := fmt.Errorf("panic: %v", r)
		w.log.Error("media conversion failed", slog.Any("err", err), slog.String("stack", string(debug.Stack())))
		f.end()
		f.due = 0
		w.do(f.from, func(l *loop, g *leg) {
			switch f {
			case g.line:
				l.lose(g, err)
			case g.fading():
				g.made.faded()
			}
		})
	}()
	do()
}

// touch has l woken when the turn is over.
func (w *worker) touch(l *loop) {
	if !slices.Contains(w.touched, l) {
		w.touched = append(w.touched, l)
	}
}
