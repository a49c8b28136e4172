package bulk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"gateway/adapters/mesh/wire"

	"golang.org/x/time/rate"
)

// A Net takes values to peers. Its methods must not wait.
type Net interface {
	// Send sends values to a peer, in as few packets as can be.
	Send(to wire.UUID, values ...[]byte) error
}

// Options are what a Mover lives with.
type Options struct {
	Net Net
	// Folder is where what comes lies; "": nothing is taken.
	Folder string
	// MaxFile is the largest object that is taken, in bytes.
	MaxFile uint64
	// MaxFolder is how much the folder holds, what is begun included; 0: sixteen of
	// the largest.
	MaxFolder uint64
	Log       *slog.Logger
	// Guard calls a function, and gets over its panic; nil: nobody does.
	Guard func(func())
	// News hears of what peers offer, and what becomes of that. It must not wait.
	News func(News)
}

// News tells of an object that a peer has offered.
type News struct {
	Kind NewsKind
	From wire.UUID // who has offered it first
	Name string
	Size uint64
	Path string // of what was received
	Err  error  // of what was refused, or failed
}

// A NewsKind is what News tell.
type NewsKind uint8

// The kinds of news.
const (
	Offered NewsKind = iota + 1
	Received
	Refused
	Failed
)

// Progress is how far a sending is.
type Progress struct{ Bytes, Size uint64 }

// Why a sending fails.
var (
	ErrRefused = errors.New("the peer does not want it")
	ErrSilent  = errors.New("the peer does not answer")
	ErrBadHash = errors.New("what the peer received was damaged")
	ErrGivenUp = errors.New("the peer has given up")
	errFull    = errors.New("too many transfers at once")
	errEnded   = errors.New("the transfers have ended")
)

const (
	tick        = 10 * time.Millisecond // while something is under way
	maxInput    = 8192                  // values that wait for the mover
	maxFetches  = 16
	maxSendings = 64
	maxFinished = 256
	perPeer     = 2 // fetches that one peer has begun
	beginRate   = 2 // fetches a second, over a time; who has to wait offers again
	beginBurst  = 50
)

// A Mover owns the transfers of one peer.
type Mover struct {
	o       Options
	wake    chan struct{}
	running sync.WaitGroup // the disks' goroutines
	known   hashes

	mu      sync.Mutex // guards what follows: what is handed to the mover
	input   []input
	bytes   []byte
	dropped int
	todo    []func(now time.Time)
	ended   bool
	states  []State

	// The mover's goroutine owns the rest.
	fetches  map[[32]byte]*fetch
	order    []*fetch
	sendings []*sending
	finished []finished
	block    []byte
	begun    *rate.Limiter // fetches
	refusals rate.Sometimes
}

// An input is a value of a peer's.
type input struct {
	from       wire.UUID
	rtt        time.Duration
	start, end int // in bytes
}

// A finished transfer's DONE is said again, if it was lost.
type finished struct {
	peer     wire.UUID
	transfer uint32
	status   uint8
	at       time.Time
}

// NewMover makes one. Run must be called.
func NewMover(o Options) *Mover {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.News == nil {
		o.News = func(News) {}
	}
	if o.MaxFolder == 0 {
		o.MaxFolder = maxFetches * o.MaxFile
	}
	if o.Guard == nil {
		o.Guard = func(f func()) { f() }
	}
	return &Mover{
		o: o, wake: make(chan struct{}, 1), fetches: map[[32]byte]*fetch{}, block: make([]byte, wire.MaxBlock),
		begun: rate.NewLimiter(beginRate, beginBurst), refusals: rate.Sometimes{First: 10, Interval: 10 * time.Second},
	}
}

// Take takes a value of a peer's, of which it keeps nothing, and never waits. rtt is
// the time to the peer and back, 0 if it is not known.
func (m *Mover) Take(from wire.UUID, rtt time.Duration, value []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ended || len(m.input) >= maxInput {
		m.dropped++ // it is asked for again
		return
	}
	start := len(m.bytes)
	m.bytes = append(m.bytes, value...)
	m.input = append(m.input, input{from, rtt, start, len(m.bytes)})
	m.signal()
}

func (m *Mover) signal() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// do has the mover's goroutine call f; false after its end.
func (m *Mover) do(f func(now time.Time)) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ended {
		return false
	}
	m.todo = append(m.todo, f)
	m.signal()
	return true
}

// Send sends an object to a peer, and returns when the peer has it on disk, or
// why not. progress may be nil; it is called by the mover and must not wait.
func (m *Mover) Send(ctx context.Context, o *Object, to wire.UUID, progress func(Progress)) error {
	done := make(chan error, 1)
	var s *sending
	ok := m.do(func(now time.Time) {
		if len(m.sendings) >= maxSendings {
			done <- errFull
			return
		}
		s = m.begin(o, to, now)
		s.progress, s.done = progress, func(err error) { done <- err }
	})
	if !ok {
		return errEnded
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		m.do(func(time.Time) { m.abandon(s) })
		return fmt.Errorf("send %q: %w", o.Offer.Name, context.Cause(ctx))
	}
}

// Run moves until ctx is done. What is not whole then stays for another time.
func (m *Mover) Run(ctx context.Context) {
	timer := time.NewTimer(tick)
	defer timer.Stop()
	for ctx.Err() == nil {
		var due <-chan time.Time
		if len(m.fetches)+len(m.sendings) > 0 {
			timer.Reset(tick)
			due = timer.C
		}
		select {
		case <-ctx.Done():
		case <-m.wake:
			m.o.Guard(func() { m.work(time.Now(), false) })
		case <-due:
			m.o.Guard(func() { m.work(time.Now(), true) })
		}
	}
	m.close()
}

func (m *Mover) close() {
	m.mu.Lock()
	m.ended = true
	todo := m.todo
	m.mu.Unlock()
	for _, f := range todo {
		f(time.Now()) // somebody waits for it
	}
	for _, s := range m.sendings {
		s.finish(errEnded)
	}
	for _, f := range m.fetches {
		f.close()
	}
	m.running.Wait()
}

// work takes what has come, and does what is due.
func (m *Mover) work(now time.Time, ticked bool) {
	m.mu.Lock()
	input, bytes, todo := m.input, m.bytes, m.todo
	m.input, m.bytes, m.todo = nil, nil, nil
	m.mu.Unlock()
	for _, f := range todo {
		f(now)
	}
	for _, in := range input {
		if v, ok := wire.ReadBulk(bytes[in.start:in.end]); ok {
			m.take(in, &v, now)
		}
	}
	if ticked {
		m.tick(now)
	}
	m.ask(now, ticked)
	m.serve(now)
	m.publish(ticked)
	m.reuse(input, bytes)
}

// reuse keeps memory for what comes next.
func (m *Mover) reuse(input []input, bytes []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.input == nil && cap(input) > 0 {
		m.input, m.bytes = input[:0], bytes[:0]
	}
}

func (m *Mover) take(in input, v *wire.Bulk, now time.Time) {
	switch v.Op {
	case wire.BulkOffer:
		m.offered(in, v, now)
	case wire.BulkData:
		m.data(in.from, v, now)
	case wire.BulkGet:
		if s := m.sendingTo(in.from, v.Transfer); s != nil {
			s.get(v, now)
		}
	case wire.BulkDone:
		if s := m.sendingTo(in.from, v.Transfer); s != nil {
			m.end(s, status(v.Code))
		}
	case wire.BulkWant:
		m.wanted(in.from, v, now)
	}
}

func status(code uint8) error {
	switch code {
	case wire.BulkReceived:
		return nil
	case wire.BulkBadHash:
		return ErrBadHash
	case wire.BulkRefused:
		return ErrRefused
	default:
		return ErrGivenUp
	}
}

// say sends values. That they may be lost is dealt with as for any.
func (m *Mover) say(to wire.UUID, values ...[]byte) {
	if err := m.o.Net.Send(to, values...); err != nil {
		m.o.Log.Debug("a value has not been sent", "to", to, "err", err)
	}
}

func newNumber() uint32 { return rand.Uint32() }
