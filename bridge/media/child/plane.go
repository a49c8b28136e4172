package child

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"gateway/bridge/media"
	"gateway/bridge/media/relay"
)

const (
	// patience is how long the child may take for an answer. It waits for
	// nothing itself: one that takes longer is stuck, and is ended.
	patience = 5 * time.Second
	// A child that dies sooner than steady is started again only after a
	// while, which doubles from pause to maxPause.
	steady   = time.Minute
	pause    = time.Second
	maxPause = 30 * time.Second
)

// Loops of a relay are fewer. What stands above them in PacketPort.Loop counts
// the children, so that a name of one is never taken for that of another.
const loopBits = 12

// ErrLost is what ports are told that the child has taken along.
var ErrLost = errors.New("the media process has died")

var errNone = errors.New("there is no media process now")

// A Plane is a media.Plane in a child process.
type Plane struct {
	options options
	command func() command
	log     *slog.Logger
	teller  *relay.Teller
	patient time.Duration // patience
	done    chan struct{} // closed by Shutdown
	work    sync.WaitGroup

	mu     sync.Mutex // guards what follows
	now    *process   // nil while there is none
	count  uint32     // of children
	print  media.Fingerprint
	closed bool
}

// Start starts the child and returns when it is ready. Shutdown ends it.
func Start(o relay.Options) (*Plane, error) { return start(o, ourselves, patience) }

func start(o relay.Options, c func() command, patient time.Duration) (*Plane, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	p := &Plane{
		options: options{
			First: o.First, Last: o.Last, Dead: o.Dead, Rest: o.Rest, Loops: o.Loops, Addresses: o.Addresses, STUN: o.STUN,
		},
		command: c, log: o.Log, teller: relay.NewTeller(), patient: patient, done: make(chan struct{}),
	}
	first, err := p.spawn()
	if err != nil {
		return nil, err
	}
	p.work.Go(func() { p.keep(first) })
	p.work.Go(func() { p.teller.Run(p.done) })
	return p, nil
}

// spawn starts a child and makes it the one that there is.
func (p *Plane) spawn() (*process, error) {
	p.mu.Lock()
	p.count++
	number := p.count
	p.mu.Unlock()
	q, err := p.launch(number)
	if err != nil {
		return nil, fmt.Errorf("start the media process: %w", err)
	}
	m, err := q.ask(request{Verb: hello, Options: p.options}, nil)
	if err != nil {
		q.end()
		return nil, fmt.Errorf("start the media process: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now, p.print = q, m.Fingerprint
	return q, nil
}

// keep waits for a child's end and starts the next, until the plane is closed.
func (p *Plane) keep(q *process) {
	wait := time.Duration(0) // the first time at once
	for {
		began := time.Now()
		select {
		case <-q.gone:
		case <-p.done:
			q.end()
			return
		}
		p.mu.Lock()
		p.now = nil
		p.mu.Unlock()
		p.log.Error("media process died", slog.Any("err", q.err))
		q.lose(errors.Join(ErrLost, q.err))
		if time.Since(began) >= steady {
			wait = 0
		}
		if q = p.again(&wait); q == nil {
			return
		}
	}
}

// again starts a child, sooner or later; nil if the plane is closed before that.
func (p *Plane) again(wait *time.Duration) *process {
	for {
		select {
		case <-p.done:
			return nil
		case <-time.After(*wait):
		}
		*wait = min(max(pause, 2**wait), maxPause)
		q, err := p.spawn()
		if err == nil {
			return q
		}
		p.log.Error("media process does not start", slog.Any("err", err))
	}
}

// Shutdown ends the child and returns when it is no more. Commands do nothing
// afterwards.
func (p *Plane) Shutdown() {
	p.mu.Lock()
	first := !p.closed
	p.closed = true
	p.mu.Unlock()
	if first {
		close(p.done)
	}
	p.work.Wait()
}

// current is the child; nil while there is none.
func (p *Plane) current() *process {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	return p.now
}

// of is the child that has the port, and what the child calls it; nil if that
// is no more.
func (p *Plane) of(port media.PacketPort) (*process, media.PacketPort) {
	q := p.current()
	if q == nil || port.Loop>>loopBits != q.number {
		return nil, port
	}
	port.Loop &= 1<<loopBits - 1
	return q, port
}

// Open binds a pair of ports.
func (p *Plane) Open(o media.Open, events func(media.Event)) (media.Port, error) {
	q := p.current()
	if q == nil {
		return media.Port{}, fmt.Errorf("open a media port: %w", errNone)
	}
	port, err := q.open(o, relay.Listen(events))
	if err != nil {
		return media.Port{}, fmt.Errorf("open a media port: %w", err)
	}
	port.ID.Loop |= q.number << loopBits
	return port, nil
}

// Remote implements media.Remote.
func (p *Plane) Remote() {}

// Set says where a port's peer is and what it may send and hear.
func (p *Plane) Set(port media.PacketPort, s media.Setting) {
	if q, id := p.of(port); q != nil {
		q.tell(request{Verb: set, Port: id, Setting: s})
	}
}

// Join forwards between two ports, both ways.
func (p *Plane) Join(a, b media.PacketPort) {
	q, one := p.of(a)
	r, other := p.of(b)
	if q != nil && q == r {
		q.tell(request{Verb: join, Port: one, Other: other})
	}
}

// Part ends the forwarding from and to a port.
func (p *Plane) Part(port media.PacketPort) {
	if q, id := p.of(port); q != nil {
		q.tell(request{Verb: part, Port: id})
	}
}

// Feed hands in a frame of a port's peer.
func (p *Plane) Feed(port media.PacketPort, f media.Frame) {
	if q, id := p.of(port); q != nil {
		q.feed(id, f)
	}
}

// Digit sends a telephone event to the peer of a port.
func (p *Plane) Digit(port media.PacketPort, key rune, d time.Duration) {
	if q, id := p.of(port); q != nil {
		q.tell(request{Verb: digit, Port: id, Digit: key, Duration: d})
	}
}

// Stats are the counts of a port so far; false if it is closed.
func (p *Plane) Stats(port media.PacketPort) (media.Stats, bool) {
	q, id := p.of(port)
	if q == nil {
		return media.Stats{}, false
	}
	m, err := q.ask(request{Verb: stats, Port: id}, nil)
	return q.find(id).lost(m.Stats), err == nil && m.OK
}

// Close gives the sockets back and returns the last counts; none if the child
// that had them is no more.
func (p *Plane) Close(port media.PacketPort) media.Stats {
	q, id := p.of(port)
	if q == nil {
		return media.Stats{}
	}
	was := q.find(id)
	q.forget(id)
	m, _ := q.ask(request{Verb: shut, Port: id}, nil)
	return was.lost(m.Stats)
}

// Count is how many ports are open.
func (p *Plane) Count() int {
	q := p.current()
	if q == nil {
		return 0
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.ports)
}

// Fingerprint is that of the certificate that the child shows in DTLS.
func (p *Plane) Fingerprint() media.Fingerprint {
	if q := p.current(); q != nil {
		if m, err := q.ask(request{Verb: fingerprint}, nil); err == nil {
			return m.Fingerprint
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.print
}

// ourselves is this program, whatever has become of its file.
func ourselves() command {
	path := "/proc/self/exe"
	if _, err := os.Stat(path); err != nil {
		if path, err = os.Executable(); err != nil {
			path = os.Args[0]
		}
	}
	return command{path: path, args: []string{os.Args[0], Argument}}
}
