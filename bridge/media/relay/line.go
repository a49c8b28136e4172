package relay

import (
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"gateway/bridge/media"
	"gateway/bridge/media/convert"
	"gateway/bridge/media/rtp"
)

// maxLetters bounds what waits in a line for its worker.
const maxLetters = 64

// A line is the way from one leg to the one it is joined to, where packets can't pass as
// they came. The legs' loop makes and closes it.
type line struct {
	worker *worker
	loop   *loop            // of both legs
	from   media.PacketPort // without their loop
	to     media.PacketPort
	sink   *port // takes frames; nil: `to` takes packets
	ways   []convert.Way
	mixed  bool // some of what comes passes untouched
	ptime  uint8
	open   atomic.Bool // the one may speak, and the other wants to hear
	closed atomic.Bool
	fading atomic.Bool          // it takes nothing more, and ends when nothing waits
	heir   atomic.Pointer[line] // that takes its place while it fades
	gone   bool                 // for the loop: what it has made is not wanted any more
	rate   atomic.Uint32        // of the clock of what goes out; 0: nothing has

	mu     sync.Mutex // guards what follows
	box    [maxLetters]letter
	head   int
	held   int
	listed bool // its worker knows that there is something

	// What follows is for the worker alone.
	before *line // whose heir it is, until that has ended
	stream *convert.Stream
	due    time.Duration // 0: nothing waits
	timed  bool
	failed bool // that was logged
	one    letter

	concealed, late, malformed, skipped atomic.Uint64 // of stream.Counts
}

// A letter is a packet or a frame on its way to the worker.
type letter struct {
	came   time.Duration
	fed    bool
	packet convert.Packet
	time   uint32
	data   []byte
}

// put hands something to the worker; false: there is too much already. data is copied.
func (f *line) put(l letter, data []byte) bool {
	f.mu.Lock()
	if f.held == maxLetters {
		f.mu.Unlock()
		return false
	}
	at := &f.box[(f.head+f.held)%maxLetters]
	l.data = append(at.data[:0], data...)
	*at = l
	f.held++
	tell := !f.listed
	f.listed = true
	f.mu.Unlock()
	if tell {
		f.worker.offer(f)
	}
	return true
}

// take gets the next letter.
func (f *line) take() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.held == 0 {
		f.listed = false
		return false
	}
	at := &f.box[f.head]
	f.one, *at = *at, letter{data: f.one.data}
	f.head = (f.head + 1) % maxLetters
	f.held--
	return true
}

// read carries what has come, but not without end: where more has come meanwhile it has
// another turn, after the other lines.
func (f *line) read() {
	if !f.may() {
		return
	}
	more := true
	for n := 0; n < maxLetters && more; n++ {
		if more = f.take(); more && !f.closed.Load() {
			f.carry()
		}
	}
	f.tick()
	if more {
		f.worker.offer(f)
	}
}

// carry gives the letter that was taken to the stream.
func (f *line) carry() {
	l := &f.one
	if l.fed {
		f.stream.Frame(media.Frame{Type: l.packet.Type, Time: l.time, Marker: l.packet.Marker, Waited: l.packet.Waited, Data: l.data}, l.came)
		return
	}
	if l.packet.Data != nil {
		l.packet.Data = l.data
	}
	f.stream.Packet(l.packet, l.came)
}

// tick does what is due.
func (f *line) tick() {
	if f.closed.Load() {
		f.due = 0
		return
	}
	f.due = f.stream.Tick(f.worker.now)
	n := f.stream.Counts()
	f.concealed.Store(n.Concealed)
	f.late.Store(n.Late)
	f.malformed.Store(n.Malformed)
	f.skipped.Store(n.Skipped)
	if err := f.stream.Err(); err != nil && !f.failed {
		f.failed = true
		f.worker.log.Error("media can't be converted", slog.Any("err", err))
	}
	f.mayEnd()
}

// give takes what the stream has made.
func (f *line) give(o convert.Out) {
	if f.closed.Load() || !f.open.Load() {
		return
	}
	if uint32(o.Rate) != f.rate.Load() {
		f.rate.Store(uint32(o.Rate))
	}
	if f.sink != nil {
		f.sink.intake.hand(f, o, f.worker.now)
		return
	}
	if f.loop.deliver(f, o) {
		f.worker.touch(f.loop)
	}
}

// clock is that of what goes out, or of what will before anything has, in Hz.
func (f *line) clock() uint32 {
	if rate := f.rate.Load(); rate != 0 {
		return rate
	}
	for _, w := range f.ways {
		if w.Mode > media.CrossUntouched && !w.In.Format.IsNoise() {
			return clock(w.Out.Format.Rate)
		}
	}
	return 0 // which no line has
}

// relink makes the line of what comes from g, if it takes one; one that does the same
// stays, and another fades.
func (l *loop) relink(g *leg) {
	f, old := g.line, g.fading()
	ways := l.ways(g)
	if old != nil && !l.heeds(g, ways, old) {
		g.cut()
	}
	if f != nil && (ways == nil || f.to != g.peer.id() || f.ptime != g.peer.ptime || !slices.Equal(f.ways, ways)) {
		g.cut() // there is but one that fades
		g.made.fading = f
		if !l.heeds(g, ways, f) {
			g.cut()
		}
		g.line, f = nil, nil
	}
	old = g.fading()
	fresh := ways != nil && f == nil
	if fresh {
		f = l.lay(g, ways)
		f.before, g.line = old, f
	}
	for _, one := range [...]*line{f, old} {
		if one != nil {
			one.open.Store(g.receive && g.peer.send)
		}
	}
	if i := g.port.intake; i != nil {
		i.line.Store(f)
	}
	if fresh && old != nil {
		old.fade(f)
	}
}

// lay makes a line from g to the leg that it is joined to.
func (l *loop) lay(g *leg, ways []convert.Way) *line {
	p := g.peer
	f := &line{loop: l, from: g.id(), to: p.id(), ways: ways, ptime: p.ptime, worker: l.workers[0]}
	for _, w := range l.workers {
		if w.lines.Load() < f.worker.lines.Load() {
			f.worker = w
		}
	}
	f.worker.lines.Add(1)
	f.mixed = convert.Best(ways) == media.CrossUntouched
	if p.port.intake != nil {
		f.sink = p.port
	}
	f.stream = convert.New(convert.Config{
		Ways: ways, Frames: g.port.intake != nil, Whole: f.sink != nil, Ptime: time.Duration(p.ptime) * time.Millisecond,
	}, f.give)
	for _, one := range [...]*leg{g, p} {
		if one.made == nil {
			one.made = &made{ssrc: rand.Uint32()}
		}
	}
	return f
}

// ways is what becomes of what comes from g, if it takes a line; nil: it takes none.
func (l *loop) ways(g *leg) []convert.Way {
	p := g.peer
	if p == nil {
		return nil
	}
	frames := g.port.intake != nil || p.port.intake != nil
	if !frames && l.formats.shared(g.in, p.out) {
		return nil // all of it passes as it is
	}
	ways := convert.Choose(l.formats.payloads(g.in), l.formats.payloads(p.out), frames)
	for _, w := range ways {
		if w.Mode > media.CrossUntouched && !w.In.Format.IsNoise() {
			return ways
		}
	}
	return nil
}

// takes reports whether what has the route r goes by g's line, for some of it may pass
// untouched.
func (g *leg) takes(r route) bool {
	f := g.line
	switch {
	case !f.mixed:
		return true
	case r.events:
		return g.peer.made.packets > 0 && g.peer.last.ssrc == g.peer.made.ssrc
	default:
		return r.out == noType
	}
}

// submit gives an RTP packet of g to its line. What is no sound is told of all the same:
// it has its place in the sequence.
func (l *loop) submit(g *leg, h rtp.Header, b []byte, sound bool) {
	f := g.line
	if !f.open.Load() {
		g.drop(media.DropNowhere)
		return
	}
	one := letter{came: l.now, packet: convert.Packet{
		Type: h.Type, Marker: h.Marker, Sequence: h.Sequence, Timestamp: h.Timestamp, SSRC: h.SSRC,
	}}
	if f.sink != nil { // it has a jitter buffer
		one.packet.Waited = l.poller.waited() - (l.clock() - l.now)
	}
	var data []byte
	if sound {
		data = h.Payload(b)
		one.packet.Data = data
	}
	if !f.put(one, data) {
		g.drop(media.DropFull)
	}
}
