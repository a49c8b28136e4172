package relay

import (
	"fmt"
	"log/slog"
	"net/netip"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"gateway/bridge/media"
	"gateway/bridge/media/transport"
)

const (
	sweep = time.Second           // between two looks at every leg
	beat  = 20 * time.Millisecond // between two looks at those that are awake
)

// A loop carries the packets of its legs. Everything here but the queue belongs to who
// has the turn: run's goroutine while it works, or somebody with a command while
// that one waits.
type loop struct {
	number uint32
	poller poller
	legs   []*leg
	awake  []*leg // that want a tick each beat
	ports  int    // how many were given to it; guarded by Relay.mu

	table    *table
	formats  *formats
	network  network
	teller   *Teller
	endpoint *transport.Endpoint
	do       func(media.PacketPort, func(*loop, *leg)) // Relay.do
	log      *slog.Logger
	clock    func() time.Duration // never 0
	moment   func(time.Duration) time.Time
	workers  []*worker
	dead     time.Duration

	commons

	now     time.Duration
	swept   time.Duration
	at      *leg // whose packet is being dealt with
	buf     [maxPacket + room]byte
	own     [eventPacket + room]byte // a packet of our own making
	working []func()                 // taken from queue
	worked  int                      // how many of working are done with
	done    chan struct{}            // closed at the end

	unpacked []parcel // taken from mail

	turn  sync.Mutex  // held while somebody works: for a batch of packets, not for each
	works bool        // run's goroutine has it; its own
	ended atomic.Bool // run's goroutine is to end
	waits atomic.Bool // there is something in queue

	mu     sync.Mutex // guards what follows, and that nobody wakes what is closed
	closed bool
	called bool // the poller has been woken for what is in queue
	queue  []func()
	mail   []parcel // to be sent
}

// push has f called by the loop's goroutine, after what was pushed before.
func (l *loop) push(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.queue = append(l.queue, f)
	l.waits.Store(true)
	l.summon()
}

// summon wakes run's goroutine. The caller holds mu.
func (l *loop) summon() {
	if !l.called && !l.closed {
		l.called = true
		l.poller.wake()
	}
}

// kick does what is in the queue, unless somebody works already; then run's goroutine will. A
// command to a loop that waits would wake two threads otherwise. The caller holds no lock.
func (l *loop) kick() {
	for l.waits.Load() {
		if !l.turn.TryLock() {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.summon()
			return
		}
		l.work()
	}
}

// work does what is in the queue for kick, which has the turn, and gives it back.
func (l *loop) work() {
	defer l.turn.Unlock()
	defer func() {
		if r := recover(); r != nil {
			_ = l.mend(r) // it is in the log; the rest of the queue waits for its turn
			l.waits.Store(true)
		}
	}()
	l.now = l.clock()
	l.woken()
}

// later is push for what nobody notices before the next packet, or the next push: it
// wakes nobody.
func (l *loop) later(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.queue = append(l.queue, f)
		l.waits.Store(true)
	}
}

// run is the loop's goroutine. What goes wrong with one leg costs that leg only.
func (l *loop) run() {
	defer close(l.done)
	for !l.ended.Load() {
		if err, mended := l.guarded(); err != nil && !mended {
			l.log.Error("media loop failed", slog.Any("err", err))
			l.ended.Store(true)
			l.fail(err)
		}
	}
	l.turn.Lock()
	defer l.turn.Unlock()
	for _, g := range l.legs {
		l.secure(g, nil)
		switch {
		case g.ice != nil:
			g.ice.part(l)
		case g.own():
			l.network.close(g.sock[forRTP].handle)
			l.network.close(g.sock[forRTCP].handle)
		}
		g.owner.Store(0)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed, l.queue = true, nil
	l.poller.close()
}

// guarded waits and works until the end, or until something panics. A leg whose
// packet or command it was is lost, and all is mended.
func (l *loop) guarded() (err error, mended bool) {
	defer func() {
		if r := recover(); r != nil {
			mended = l.at != nil
			err = l.mend(r)
		}
		l.rest()
	}()
	l.batch()
	l.at = nil
	l.woken()
	l.poller.arm(l.pause())
	l.rest()
	return l.poller.run(l), false
}

// mend sees to what a panic, r, leaves behind. The caller has the turn.
func (l *loop) mend(r any) error {
	err := fmt.Errorf("panic: %v", r)
	call := ""
	if l.at != nil {
		call = l.at.port.call
	}
	l.log.Error("media port failed", slog.String("call", call), slog.Any("err", err),
		slog.String("stack", string(debug.Stack())))
	if g := l.at; g != nil && g.loop == l {
		l.lose(g, err)
	}
	return err
}

// fail tells every leg that it is lost with the loop.
func (l *loop) fail(err error) {
	for _, g := range l.legs {
		l.teller.Post(&g.port.Listener, media.Lost{Err: err})
	}
}

func (l *loop) over() bool { return l.ended.Load() }

// batch begins to deal with what has come.
func (l *loop) batch() {
	l.turn.Lock()
	l.works = true
	l.now = l.clock()
	if l.waits.Load() {
		l.woken()
	}
}

// rest lets others work.
func (l *loop) rest() {
	if l.works {
		l.works = false
		l.turn.Unlock()
	}
}

func (l *loop) buffer() []byte { return l.buf[:] }

// find is the leg that key names; nil if the loop has it no more.
func (l *loop) find(key uint64) *leg {
	g := l.table.at(uint32(key) >> 1)
	if g == nil || g.owner.Load() != l.ownership(uint32(key>>32)) {
		return nil
	}
	return g
}

// ownership is what leg.owner is while l has the leg in that generation.
func (l *loop) ownership(generation uint32) uint64 {
	return uint64(generation)<<32 | uint64(l.number) + 1
}

// leg is the one that p names; nil if the loop has it no more.
func (l *loop) leg(p media.PacketPort) *leg {
	if p.Slot >= maxChunks<<chunkBits {
		return nil
	}
	return l.find(uint64(p.Generation)<<32 | uint64(p.Slot)<<1)
}

func (l *loop) handle(key uint64) int32 {
	if key>>32 == 0 {
		if s := l.shared[key]; s != nil {
			return s.handle
		}
		return -1
	}
	g := l.find(key)
	if g == nil {
		return -1
	}
	return g.sock[key&1].handle
}

func (l *loop) received(key uint64, n int, src netip.AddrPort) {
	if key>>32 == 0 {
		if s := l.shared[key]; s != nil {
			l.common(s, n, src)
		}
		return
	}
	g := l.find(key)
	if g == nil {
		return
	}
	l.at = g
	l.take(g, int(key&1), n, src)
	l.at = nil
}

// woken does what has been pushed. What panics does not take along what was
// pushed after it.
func (l *loop) woken() {
	l.mu.Lock()
	l.working = append(l.working, l.queue...)
	clear(l.queue)
	l.queue, l.called = l.queue[:0], false
	l.waits.Store(false)
	l.mu.Unlock()
	for l.worked < len(l.working) {
		f := l.working[l.worked]
		l.working[l.worked] = nil
		l.worked++
		f()
		l.at = nil
	}
	l.working, l.worked = l.working[:0], 0
	l.unpack()
}

// ticked looks at the legs whose time may have come.
func (l *loop) ticked() {
	if l.now-l.swept >= sweep-beat/2 {
		l.swept = l.now
		for _, g := range l.legs {
			l.at = g
			l.listen(g)
			l.report(g)
		}
	}
	for i := len(l.awake) - 1; i >= 0; i-- {
		g := l.awake[i]
		l.at = g
		if g.awake = l.tend(g); !g.awake {
			l.awake = slices.Delete(l.awake, i, i+1)
		}
	}
	l.at = nil
	l.poller.arm(l.pause())
}

// pause is how long nothing needs a look.
func (l *loop) pause() time.Duration {
	if len(l.awake) > 0 {
		return beat
	}
	return sweep
}

// rouse has g looked at each beat.
func (l *loop) rouse(g *leg) {
	if g.awake {
		return
	}
	g.awake = true
	l.awake = append(l.awake, g)
	if len(l.awake) == 1 {
		l.poller.arm(beat)
	}
}

// listen tells of a peer that has said nothing for too long.
func (l *loop) listen(g *leg) {
	if g.port.intake != nil {
		g.listened()
	}
	if l.dead <= 0 || g.silent || !g.receive || !g.expected() || l.now-g.good < l.dead {
		return
	}
	g.silent, g.heard = true, false
	if g.port.intake != nil {
		g.port.intake.hushed()
	}
	l.teller.Post(&g.port.Listener, media.Silent{})
}

// hear notes that something good has come from the peer.
func (l *loop) hear(g *leg) {
	g.good = l.now
	if !g.heard {
		g.heard, g.silent = true, false
		l.teller.Post(&g.port.Listener, media.Heard{})
	}
}

// adopt makes g one of the loop's; its sockets are told from now on.
func (l *loop) adopt(g *leg) {
	g.loop, g.at = l, len(l.legs)
	l.legs = append(l.legs, g)
	g.owner.Store(l.ownership(g.generation))
	for which := range g.sock {
		if !g.own() {
			break
		}
		if err := l.poller.add(g.sock[which].handle, g.key(which)); err != nil {
			l.lose(g, err)
			return
		}
	}
	if g.awake {
		g.awake = false
		l.rouse(g)
	}
}

// release is the inverse of adopt. g is joined to nobody afterwards. remove is what the
// poller does with its sockets.
func (l *loop) release(g *leg, remove func(poller, int32)) {
	l.part(g)
	for which := range g.sock {
		if g.own() {
			remove(l.poller, g.sock[which].handle)
		}
	}
	if i := slices.Index(l.awake, g); i >= 0 {
		l.awake = slices.Delete(l.awake, i, i+1)
	}
	last := l.legs[len(l.legs)-1]
	l.legs[g.at], last.at = last, g.at
	l.legs[len(l.legs)-1] = nil
	l.legs = l.legs[:len(l.legs)-1]
	g.owner.Store(0)
	g.loop = nil
}

// lose shuts a leg that can't go on. Its number stays taken until it is closed.
func (l *loop) lose(g *leg, err error) {
	l.teller.Post(&g.port.Listener, media.Lost{Err: err})
	for _, handle := range l.shut(g) {
		l.network.close(handle)
	}
}

// shut ends everything about g but its counts, and returns its sockets, which
// are to be closed; those that are shared stay.
func (l *loop) shut(g *leg) (handles [2]int32) {
	l.release(g, poller.closing)
	for which := range g.sock {
		handles[which], g.sock[which].handle = g.sock[which].handle, -1
	}
	if g.ice != nil {
		handles = [2]int32{-1, -1}
		g.ice.part(l)
	}
	l.secure(g, nil)
	l.formats.release(g.in, g.out)
	g.in, g.out, g.routes, g.search, g.keys = nil, nil, nil, nil, nil
	return handles
}

// join forwards between a and b, both ways.
func (l *loop) join(a, b *leg) {
	if a.peer == b {
		return
	}
	l.part(a)
	l.part(b)
	a.peer, b.peer = b, a
	l.reroute(a)
	l.reroute(b)
}

// part ends the forwarding from and to g.
func (l *loop) part(g *leg) {
	other := g.peer
	if other == nil {
		return
	}
	g.peer, other.peer = nil, nil
	l.reroute(g)
	l.reroute(other)
}

// reroute makes the routes of what comes from g.
func (l *loop) reroute(g *leg) {
	var out []payload
	if g.peer != nil {
		out = g.peer.out
	}
	g.routes, g.current = l.formats.routes(g.routes[:0], g.in, out), route{}
	l.relink(g)
	if c := g.crossing(); c != media.CrossNone {
		g.crossed = c
	}
}
