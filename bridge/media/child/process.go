package child

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"gateway/bridge/media"
	"gateway/bridge/media/relay"
)

// A command is how a child is started.
type command struct {
	path string
	args []string
	env  []string // nil: ours
}

// A process is one child.
type process struct {
	number  uint32
	patient time.Duration
	log     *slog.Logger
	teller  *relay.Teller
	cmd     *exec.Cmd
	writer  *writer
	closing func()        // closes closed, once
	closed  chan struct{} // nothing more is asked of it
	gone    chan struct{} // closed when it has ended
	err     error         // why; to be read when gone is closed

	mu      sync.Mutex // guards what follows
	last    uint64     // of requests
	waiting map[uint64]func(message)
	ports   map[media.PacketPort]*port
}

// A port is what the parent knows of one of the child's.
type port struct {
	*relay.Listener
	frames func(media.Frame) // nil: it has sockets
	full   atomic.Uint64     // frames that did not get as far as the child
}

// launch starts a child.
func (p *Plane) launch(number uint32) (*process, error) {
	c := p.command()
	q := &process{
		number: number % (1 << (32 - loopBits)), patient: p.patient, log: p.log, teller: p.teller,
		cmd:    &exec.Cmd{Path: c.path, Args: c.args, Env: c.env, Stderr: os.Stderr},
		writer: newWriter(), closed: make(chan struct{}), gone: make(chan struct{}),
		waiting: map[uint64]func(message){}, ports: map[media.PacketPort]*port{},
	}
	q.closing = sync.OnceFunc(func() { close(q.closed) })
	in, err := q.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := q.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := q.cmd.Start(); err != nil {
		return nil, err
	}
	p.work.Go(func() { q.run(in, out) })
	return q, nil
}

// run reads what the child says until it has ended.
func (q *process) run(in io.WriteCloser, out io.Reader) {
	var writing sync.WaitGroup
	writing.Go(func() {
		_ = q.writer.run(writable(in), q.closed) // the end of it is read as well
		_ = in.Close()
	})
	err := q.read(readable(out))
	q.kill()
	q.closing()
	writing.Wait()
	if ended := q.cmd.Wait(); ended != nil {
		err = errors.Join(err, ended)
	}
	q.err = err
	close(q.gone)
}

// read takes messages until there are no more.
func (q *process) read(out io.Reader) error {
	dec := gob.NewDecoder(out)
	for {
		var m message
		if err := dec.Decode(&m); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return fmt.Errorf("read from the media process: %w", err)
		}
		q.take(m)
	}
}

func (q *process) take(m message) {
	switch {
	case m.Record != nil:
		attrs := make([]slog.Attr, 0, len(m.Record.Attrs)/2)
		for i := 0; i+1 < len(m.Record.Attrs); i += 2 {
			attrs = append(attrs, slog.String(m.Record.Attrs[i], m.Record.Attrs[i+1]))
		}
		attrs = append(attrs, slog.String("record", m.Record.Message))
		q.log.LogAttrs(context.Background(), m.Record.Level, "media process", attrs...)
	case m.Event != nil:
		l := q.find(m.Event.Port)
		if ev := m.Event.event(); l != nil && ev != nil {
			q.teller.Post(l.Listener, ev)
		}
	case m.Frame != nil:
		if l := q.find(m.Frame.Port); l != nil && l.frames != nil {
			l.frames(m.Frame.Frame)
		}
	default:
		q.mu.Lock()
		f := q.waiting[m.ID]
		delete(q.waiting, m.ID)
		q.mu.Unlock()
		if f != nil {
			f(m)
		}
	}
}

// tell sends a request that has no answer.
func (q *process) tell(r request) {
	if !q.writer.put(r) {
		q.kill()
	}
}

// ask sends a request and waits for its answer. take, if it is not nil, is
// called with it before anything is read that comes behind it.
func (q *process) ask(r request, take func(message)) (message, error) {
	answer := make(chan message, 1)
	q.mu.Lock()
	q.last++
	r.ID = q.last
	q.waiting[r.ID] = func(m message) {
		if take != nil {
			take(m)
		}
		answer <- m
	}
	q.mu.Unlock()
	q.tell(r)
	late := time.NewTimer(q.patient)
	defer late.Stop()
	select {
	case m := <-answer:
		return m, m.Failure.err()
	case <-q.gone:
		return message{}, errors.Join(ErrLost, q.err)
	case <-late.C:
		q.log.Error("media process is stuck")
		q.kill()
		return message{}, ErrLost
	}
}

// open opens a port, whose events l is told.
func (q *process) open(o media.Open, l *relay.Listener) (media.Port, error) {
	frames := o.Frames
	o.Frames = nil
	m, err := q.ask(request{Verb: open, Open: o, Frames: frames != nil}, func(m message) {
		if !m.OK {
			return
		}
		q.mu.Lock()
		defer q.mu.Unlock()
		q.ports[m.Opened.ID] = &port{Listener: l, frames: frames}
	})
	return m.Opened, err
}

// find is a port; nil if it is closed.
func (q *process) find(id media.PacketPort) *port {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.ports[id]
}

// forget has nothing more told of a port.
func (q *process) forget(id media.PacketPort) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if l := q.ports[id]; l != nil {
		l.Close()
		delete(q.ports, id)
	}
}

// feed hands in a frame.
func (q *process) feed(id media.PacketPort, f media.Frame) {
	l := q.find(id)
	if l == nil || l.frames == nil {
		return
	}
	f.Data = slices.Clone(f.Data)
	if len(f.Data) > media.MaxFrame || !q.writer.offer(request{Verb: feed, Port: id, Frame: f}) {
		l.full.Add(1)
	}
}

// lost adds to the counts of a port what did not get as far as the child.
func (l *port) lost(s media.Stats) media.Stats {
	if l == nil {
		return s
	}
	if n := l.full.Load(); n > 0 {
		if s.Dropped == nil {
			s.Dropped = map[media.Drop]uint64{}
		}
		s.Dropped[media.DropFull] += n
	}
	return s
}

// lose tells every port that it is lost.
func (q *process) lose(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, l := range q.ports {
		q.teller.Post(l.Listener, media.Lost{Err: err})
	}
	clear(q.ports)
}

// end has the child end by itself, and ends it if it does not.
func (q *process) end() {
	q.closing()
	late := time.AfterFunc(q.patient, q.kill)
	<-q.gone
	late.Stop()
}

// kill ends the child.
func (q *process) kill() { _ = q.cmd.Process.Kill() } // it may have ended by itself
