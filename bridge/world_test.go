package bridge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// memLog is a Log in memory that can be full.
type memLog struct {
	mu      sync.Mutex // guards all: lanes write side by side
	next    uint64
	records map[uint64][]byte
	dropped map[uint64]drop
	full    bool
}

func newMemLog() *memLog { return &memLog{records: map[uint64][]byte{}, dropped: map[uint64]drop{}} }

func (l *memLog) Append(_ context.Context, data []byte) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.full {
		return 0, errors.New("disk full")
	}
	l.next++
	l.records[l.next] = slices.Clone(data)
	return l.next, nil
}

func (l *memLog) Delete(seq uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.records, seq)
	return nil
}

func (l *memLog) Replay(_ context.Context, f func(uint64, []byte) error) error {
	for _, seq := range slices.Sorted(maps.Keys(l.records)) {
		if err := f(seq, l.records[seq]); err != nil {
			return err
		}
	}
	return nil
}

func (l *memLog) setFull(full bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.full = full
}

func (l *memLog) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.records)
}

// Keep is what a quick log does.
func (l *memLog) Keep(data []byte, done func(uint64, error)) bool {
	seq, err := l.Append(context.Background(), data)
	go done(seq, err)
	return true
}

// Drop forgets a record, but not at once.
func (l *memLog) Drop(seq uint64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if b, ok := l.records[seq]; ok && !l.full {
		l.dropped[seq] = drop{b, time.Now()}
		delete(l.records, seq)
	}
	return true
}

// A drop is a record that is gone, unless the process dies just now.
type drop struct {
	data []byte
	at   time.Time
}

// slowLog is a log that makes everybody wait.
type slowLog struct{ Log }

// world is an outbox among fakes. Everything happens in a synctest bubble.
type world struct {
	t      *testing.T
	disk   *memLog
	past   *memLog // of the ledger
	o      *outbox
	ctx    context.Context
	cancel context.CancelFunc
	expire time.Duration
	light  bool // the network and the disk make nobody wait

	mu   sync.Mutex // guards what follows
	got  []Message  // in the order in which they arrived
	told []string   // what senders heard: "ref outcome" or "ref cause"
	// net decides the fate of each try; nil takes everything.
	net func(ctx context.Context, m Message) (Outcome, error)
}

func newWorld(t *testing.T, light bool) *world {
	w := &world{t: t, light: light, disk: newMemLog(), past: newMemLog(), expire: time.Hour}
	w.start()
	return w
}

// start makes a new outbox on the same disk, as a restart does.
func (w *world) start() {
	w.ctx, w.cancel = context.WithCancel(context.Background())
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	outbox, ledger := Log(slowLog{w.disk}), Log(slowLog{w.past})
	if w.light {
		outbox, ledger = w.disk, w.past
	}
	past := newLedger(log, ledger, func(a Address) (Address, error) { return a, nil })
	if err := past.restore(w.ctx); err != nil {
		w.t.Fatal(err)
	}
	w.o = newOutbox(log, outbox, past, newMetrics(nil), w.send, func() time.Duration { return w.expire })
	if w.light {
		ctx := w.ctx
		w.o.start = func(m Message, done func(Outcome, error)) bool {
			go func() { done(w.send(ctx, m)) }()
			return true
		}
	}
	if _, err := w.o.restore(w.ctx, func(uint64, watchRecord) {}, func(uint64, capRecord) {}); err != nil {
		w.t.Fatal(err)
	}
	ctx, o := w.ctx, w.o
	go o.runCustody(ctx)
}

// end closes the outbox in good order, if it is open.
func (w *world) end() {
	if w.ctx.Err() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(w.ctx, time.Minute)
	defer cancel()
	w.o.leave(ctx, w.cancel)
	w.cancel()
	synctest.Wait()
}

func (w *world) send(ctx context.Context, m Message) (Outcome, error) {
	w.mu.Lock()
	net := w.net
	w.mu.Unlock()
	outcome, err := Taken, error(nil)
	if net != nil {
		outcome, err = net(ctx, m)
	}
	if err == nil {
		w.mu.Lock()
		w.got = append(w.got, m)
		w.mu.Unlock()
	}
	return outcome, err
}

func (w *world) setNet(net func(context.Context, Message) (Outcome, error)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.net = net
}

// message posts a message from the party "a:FROM" to each home.
func (w *world) message(ref string, once bool, homes ...string) {
	m := Message{Ref: ref, At: time.Now(), Hops: 5, Once: once, Bodies: []Body{{Text: ref}}}
	info := groupInfo{ID: newID(), Ref: ref, Copies: len(homes),
		Origin: Party{Address: Address{"a", "writer"}}, Dest: Party{Address: Address{"a", "reader"}}}
	g := newGroup(info, len(homes), func(o Outcome, err error) { w.note(ref, word(o, err)) })
	for _, home := range homes {
		c := m
		c.ID, c.From, c.To = newID(), Party{Address: Address{"b", "writer"}}, Party{Address: Address{"b", home}}
		j := &job{m: c, group: g}
		if err := w.o.reserve([]*job{j}); err != nil {
			w.t.Fatal(err)
		}
		w.o.ledger.expect(g, []*job{j})
		if !w.o.post(w.ctx, j) {
			w.t.Fatal("the outbox is closed")
		}
	}
}

func (w *world) note(ref, word string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = append(w.told, ref+" "+word)
}

// after lets time pass and everything come to rest.
func (w *world) after(d time.Duration) {
	time.Sleep(d) // the bubble's clock
	synctest.Wait()
}

func (w *world) wantTold(want ...string) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Equal(w.told, want) {
		w.t.Errorf("senders heard %q, want %q", w.told, want)
	}
}

// wantGot compares what arrived, as "ref@home" or "Failed of ref: cause".
func (w *world) wantGot(want ...string) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	var got []string
	for _, m := range w.got {
		s := m.Ref + "@" + m.To.Name
		if m.Kind == Failed {
			s = fmt.Sprintf("Failed of %s: %v", m.Of, m.Cause)
		}
		got = append(got, s)
	}
	if !slices.Equal(got, want) {
		w.t.Errorf("arrived %q, want %q", got, want)
	}
}

func (w *world) wantDisk(n int) {
	w.t.Helper()
	if got := w.disk.count(); got != n {
		w.t.Errorf("%d records on disk, want %d", got, n)
	}
}

// inBubble runs f with a world, and checks that nothing stays behind; then with one where
// nobody has to wait.
func inBubble(t *testing.T, f func(w *world)) {
	t.Parallel()
	for name, light := range map[string]bool{"lanes": false, "light lanes": true} {
		t.Run(name, func(t *testing.T) { inWorld(t, light, f) })
	}
}

func inWorld(t *testing.T, light bool, f func(w *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, light)
		f(w)
		w.end()
		w.o.mu.Lock()
		defer w.o.mu.Unlock()
		if len(w.o.lanes) > 0 {
			t.Errorf("%d lanes stayed", len(w.o.lanes))
		}
		if len(w.o.lights) > 0 || len(w.o.early) > 0 {
			t.Errorf("%d lanes without goroutines, %d early bounces stayed", len(w.o.lights), len(w.o.early))
		}
		if held := len(w.o.custody); w.o.jobs != held {
			t.Errorf("room for %d jobs is still taken, %d are held", w.o.jobs, held)
		}
	})
}

var (
	away    = &Error{Op: "test", Cause: Unavailable, Reason: "away", Retry: true}
	unknown = &Error{Op: "test", Cause: NotFound, Reason: "unknown"}
)

func refuse(err error) func(context.Context, Message) (Outcome, error) {
	return func(context.Context, Message) (Outcome, error) { return 0, err }
}

// refuseText refuses what people wrote and takes the news of failures.
func refuseText(err error) func(context.Context, Message) (Outcome, error) {
	return func(_ context.Context, m Message) (Outcome, error) {
		if m.Kind == Failed {
			return Taken, nil
		}
		return 0, err
	}
}
