package child

import (
	"bufio"
	"encoding/gob"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"gateway/bridge/media"
	"gateway/bridge/media/relay"
)

// A verb says what a request asks for.
type verb uint8

const (
	hello verb = iota
	open
	set
	join
	part
	digit
	stats
	shut
	fingerprint
	feed
)

// A request goes to the child. The first is hello.
type request struct {
	ID       uint64 // of the reply; 0: none is wanted
	Verb     verb
	Port     media.PacketPort
	Other    media.PacketPort // of join
	Open     media.Open
	Frames   bool // Open.Frames is not nil, which is no value
	Frame    media.Frame
	Setting  media.Setting
	Digit    rune
	Duration time.Duration
	Options  options // of hello
}

// options are relay.Options as values.
type options struct {
	First, Last uint16
	Dead, Rest  time.Duration
	Loops       int
	Addresses   []netip.Addr
	STUN        string
}

// A message comes from the child: a reply, an event or a record for the log.
type message struct {
	ID          uint64 // of the request; 0: no reply
	OK          bool
	Failure     *failure
	Opened      media.Port
	Stats       media.Stats
	Fingerprint media.Fingerprint
	Event       *event
	Frame       *frame
	Record      *record
}

// A failure is an error as a value.
type failure struct {
	Text    string
	NoPorts bool
}

func failureOf(err error) *failure {
	if err == nil {
		return nil
	}
	return &failure{Text: err.Error(), NoPorts: errors.Is(err, media.ErrNoPorts)}
}

func (f *failure) err() error {
	switch {
	case f == nil:
		return nil
	case f.NoPorts:
		return media.ErrNoPorts
	default:
		return errors.New(f.Text)
	}
}

// A frame goes to the peer of a port.
type frame struct {
	Port  media.PacketPort
	Frame media.Frame
}

// An event is a media.Event as a value.
type event struct {
	Port  media.PacketPort
	Kind  kind
	Suite media.Suite // of secured
	Digit media.Digit // of pressed
	Err   failure     // of insecure, lost and failed
	ICE   media.ICE   // of gathered
	Pair  media.Pair  // of connected
}

type kind uint8

const (
	heard kind = iota + 1
	silent
	secured
	insecure
	pressed
	lost
	gathered
	connected
	failed
)

func eventOf(p media.PacketPort, ev media.Event) *event {
	e := &event{Port: p}
	switch ev := ev.(type) {
	case media.Heard:
		e.Kind = heard
	case media.Silent:
		e.Kind = silent
	case media.Secured:
		e.Kind, e.Suite = secured, ev.Suite
	case media.Insecure:
		e.Kind, e.Err = insecure, failure{Text: ev.Err.Error()}
	case media.Digit:
		e.Kind, e.Digit = pressed, ev
	case media.Lost:
		e.Kind, e.Err = lost, failure{Text: ev.Err.Error()}
	case media.Gathered:
		e.Kind, e.ICE = gathered, ev.ICE
	case media.Connected:
		e.Kind, e.Pair = connected, ev.Pair
	case media.Failed:
		e.Kind, e.Err = failed, failure{Text: ev.Err.Error()}
	}
	return e
}

// event is the inverse of eventOf; nil for what is none.
func (e *event) event() media.Event {
	switch e.Kind {
	case heard:
		return media.Heard{}
	case silent:
		return media.Silent{}
	case secured:
		return media.Secured{Suite: e.Suite}
	case insecure:
		return media.Insecure{Err: e.Err.err()}
	case pressed:
		return e.Digit
	case lost:
		return media.Lost{Err: e.Err.err()}
	case gathered:
		return media.Gathered{ICE: e.ICE}
	case connected:
		return media.Connected{Pair: e.Pair}
	case failed:
		return media.Failed{Err: e.Err.err()}
	default:
		return nil
	}
}

// A record is a slog.Record as a value.
type record struct {
	Level   slog.Level
	Message string
	Attrs   []string // key, value, key, value …
}

// maxQueued bounds what waits to be written: the other side reads at once, unless
// it is stuck.
const maxQueued = 1 << 16

// maxFrames is how long the queue may be for a frame to join it: they are many, and
// worth nothing when they come late.
const maxFrames = 1 << 10

var errStuck = errors.New("the other process does not read")

// A writer writes values from one goroutine, so that nobody waits for a pipe.
type writer struct {
	mu    sync.Mutex // guards queue and err
	queue []any
	err   error
	wake  chan struct{} // holds one
}

func newWriter() *writer { return &writer{wake: make(chan struct{}, 1)} }

// put queues v; false if nothing can be written any more.
func (w *writer) put(v any) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.queue) >= maxQueued {
		w.err = errStuck
	}
	if w.err != nil {
		return false
	}
	w.queue = append(w.queue, v)
	select {
	case w.wake <- struct{}{}:
	default:
	}
	return true
}

// offer is put for what may be lost; false if it was.
func (w *writer) offer(v any) bool {
	w.mu.Lock()
	full := len(w.queue) >= maxFrames
	w.mu.Unlock()
	return !full && w.put(v)
}

// run writes to out until done is closed and all is written, or it fails.
func (w *writer) run(out io.Writer, done <-chan struct{}) error {
	buffer := bufio.NewWriter(out)
	enc := gob.NewEncoder(buffer)
	var batch []any
	for {
		w.mu.Lock()
		batch, w.queue = w.queue, batch[:0]
		err := w.err
		w.mu.Unlock()
		for i, v := range batch {
			if err == nil {
				err = enc.Encode(v)
			}
			batch[i] = nil
		}
		if err == nil {
			err = buffer.Flush()
		}
		if err != nil {
			w.fail(err)
			return err
		}
		if len(batch) > 0 {
			continue
		}
		select {
		case <-w.wake:
		case <-done:
			return nil
		}
	}
}

// fail has put take nothing more.
func (w *writer) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.err, w.queue = err, nil
}

// relayOptions are o with a log.
func (o options) relayOptions(log *slog.Logger) relay.Options {
	return relay.Options{
		First: o.First, Last: o.Last, Dead: o.Dead, Rest: o.Rest, Loops: o.Loops, Addresses: o.Addresses, STUN: o.STUN, Log: log,
	}
}
