package xmpp

import (
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gateway/bridge"
)

// A torrent is a server that has a message for its component whenever fewer
// than so many are without an answer, as long as the stream is open. What goes
// to and fro is in the kernel's buffers for a while.
type torrent struct {
	t     *testing.T
	l     net.Listener
	after int // how many messages come with each handshake, and with the end of each stream
	again int // in so many sessions after the first

	mu      sync.Mutex // guards what follows: the pump writes, the server reads, the bridge counts
	room    *sync.Cond // says that there may be one message more
	sent    int
	fates   map[string]string // by the message's id: refused, taken
	closed  bool              // the stream at hand
	streams int
}

const inFlight = 50

func newTorrent(t *testing.T, after int) *torrent {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &torrent{t: t, l: l, after: after, again: 2, fates: map[string]string{}}
	f.room = sync.NewCond(&f.mu)
	return f
}

// run serves one connection after the other.
func (f *torrent) run() {
	for {
		c, err := f.l.Accept()
		if err != nil {
			return
		}
		f.serve(c)
		c.Close()
	}
}

func (f *torrent) serve(c net.Conn) {
	d := xml.NewDecoder(c)
	var hash node
	_, err := d.Token()
	io.WriteString(c, "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' id='s1' from='gw.example'>")
	if err != nil || d.Decode(&hash) != nil {
		f.t.Errorf("no handshake: %v", err)
		return
	}
	io.WriteString(c, "<handshake/>")
	f.mu.Lock()
	f.closed = false
	f.streams++
	first := f.streams == 1
	for range f.after {
		f.write(c)
	}
	f.mu.Unlock()
	if first {
		var pumping sync.WaitGroup
		defer pumping.Wait()
		pumping.Go(func() { f.runPump(c) })
	} else if f.again--; f.again <= 0 {
		f.after = 0
	}
	for {
		tok, err := d.Token()
		if err != nil {
			f.t.Errorf("the stream was not closed: %v", err)
			f.end(c)
			return
		}
		switch t := tok.(type) {
		case xml.StartElement:
			var n node
			if err := d.DecodeElement(&n, &t); err != nil {
				f.t.Error(err)
			}
			if n.XMLName.Local == "message" && n.attr("type") == "error" {
				f.has(n.attr("id"), "refused")
			}
		case xml.EndElement:
			f.end(c)
			return
		}
	}
}

// runPump writes messages while there is room for more.
func (f *torrent) runPump(c net.Conn) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for {
		for f.sent-len(f.fates) >= inFlight && !f.closed {
			f.room.Wait()
		}
		if f.closed {
			return
		}
		f.write(c)
	}
}

// write sends a message of some size, so that pieces of them are on their way.
// For callers that hold mu.
func (f *torrent) write(c net.Conn) {
	f.sent++
	fmt.Fprintf(c, "<message from='a@b' to='x@gw.example' id='m%d' type='chat'><body>%s</body></message>", f.sent, strings.Repeat("x", f.sent*7919%5000))
}

// end closes the stream behind what was written.
func (f *torrent) end(c net.Conn) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	f.room.Broadcast()
	for range f.after { // their answers have no place in this stream
		f.write(c)
	}
	io.WriteString(c, "</stream:stream>")
}

func (f *torrent) has(id, fate string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fates[id] != "" {
		f.t.Errorf("%s was %s and %s", id, f.fates[id], fate)
	}
	f.fates[id] = fate
	f.room.Broadcast()
}

// until waits for so many fates.
func (f *torrent) until(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.fates) < n {
		f.room.Wait()
	}
}

// A judge is a bridge that takes some messages, refuses others, and takes its
// time for some; when it closes it refuses all.
type judge struct {
	f       *torrent
	closing atomic.Bool
	n       atomic.Int64
	late    sync.WaitGroup
}

func (j *judge) Message(m bridge.Message, done func(bridge.Outcome, error)) {
	n := j.n.Add(1)
	answer := func() {
		if j.closing.Load() || n%2 == 0 {
			done(0, &bridge.Error{Op: "deliver", Cause: bridge.Overloaded, Retry: true})
			return
		}
		j.f.has(m.Ref, "taken")
		done(bridge.Stored, nil)
	}
	if n%3 == 0 {
		j.late.Go(answer)
		return
	}
	answer()
}

func (j *judge) Bounced(string, *bridge.Error) {}
func (j *judge) Incoming(bridge.Invite, func(bridge.Events) bridge.Leg) error {
	return &bridge.Error{Op: "call", Cause: bridge.Unsupported}
}
func (j *judge) Changed(bridge.Address)                 {}
func (j *judge) Watch(_ bridge.Watch, done func(error)) { done(nil) }
func (j *judge) Reachable(bridge.Address)               {}
func (j *judge) State(bool, error)                      {}

func TestWhatIsReadAtTheEndHasAFate(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		drain bool
		after int
	}{
		{"the end at once", false, 0},
		{"the end after a drain", true, 0},
		{"more comes with the last words", false, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := newTorrent(t, tt.after)
			var serving, running sync.WaitGroup
			serving.Go(f.run)
			cfg := NewConfig()
			cfg.Component, cfg.Server, cfg.Secret = testDomain, f.l.Addr().String(), testSecret
			a, err := New(cfg, bridgeEnv())
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			j := &judge{f: f}
			running.Go(func() {
				if err := a.Run(ctx, j); err != nil {
					t.Error(err)
				}
			})
			f.until(500)
			if tt.drain {
				a.Drain(ctx)
				f.until(1000)
			}
			j.closing.Store(true)
			cancel()
			running.Wait()
			f.l.Close()
			serving.Wait()
			j.late.Wait()
			if f.sent < 500 || f.sent != len(f.fates) {
				t.Errorf("of %d messages %d have a fate, in %d streams", f.sent, len(f.fates), f.streams)
			}
			if tt.after > 0 && f.streams < 3 {
				t.Errorf("%d streams", f.streams)
			}
		})
	}
}

func TestAnAnswerThatIsDueAtTheEndIsWaitedFor(t *testing.T) {
	t.Parallel()
	inRig(t, nil, func(r *rig) {
		dones := make(chan func(bridge.Outcome, error), 2)
		r.h.answer = func(_ bridge.Message, done func(bridge.Outcome, error)) { dones <- done }
		r.send("<message from='a@b' to='x@gw.example' id='1'><body>hi</body></message>")
		done := <-dones
		r.quit()
		if n := <-r.got; n.XMLName.Local != "end" {
			r.t.Errorf("got %+v", n)
		}
		synctest.Wait()
		done(0, &bridge.Error{Cause: bridge.Declined})
		if n := <-r.got; n.attr("id") != "1" || n.brief() != "cancel recipient-unavailable" {
			r.t.Errorf("got %+v", n)
		}
		if n := <-r.got; n.XMLName.Local != "end" {
			r.t.Errorf("got %+v", n)
		}
		r.stop()
	})
}

func TestTheEndComesInTimeWhateverTheServerDoes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		setup func(*rig)
		late  bool // the bridge never answers
	}{
		{"it takes nothing", func(r *rig) { r.deaf = true }, false},
		{"the bridge never answers", func(*rig) {}, true},
		{"it does not let us in again", func(r *rig) {
			r.refuse = "<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>"
		}, false},
		{"it does not answer when dialled", func(r *rig) {
			r.a.dial = func(ctx context.Context) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() }
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			inRig(t, tt.setup, func(r *rig) {
				synctest.Wait()
				r.a.answer(element("", "message", stanzaAttrs("error", "1", "gw.example", "a@b")))
				if tt.late {
					r.h.answer = func(bridge.Message, func(bridge.Outcome, error)) {}
					r.send("<message from='a@b' to='x@gw.example' id='1'><body>hi</body></message>")
				}
				began := time.Now()
				r.stop()
				if d := time.Since(began); d > farewell {
					r.t.Errorf("the end took %v", d)
				}
			})
		})
	}
}

func TestWhatALostConnectionDidNotTakeGoesOutInTheNext(t *testing.T) {
	t.Parallel()
	q, s := newQueue(), &session{}
	for _, p := range []packet{{[]byte("one"), nil}, {[]byte("two"), nil}, {[]byte("mine"), s}, {[]byte("three"), nil}} {
		q.put(p, queueMax)
	}
	if b := q.take(nil, s); string(b) != "onetwominethree" {
		t.Errorf("took %q", b)
	}
	q.put(packet{[]byte("four"), nil}, queueMax)
	q.back(4)
	if n := q.rest(); n != 3 || q.size != len("twothreefour") {
		t.Errorf("%d packets, %d bytes", n, q.size)
	}
	if b := q.take(nil, &session{}); string(b) != "twothreefour" {
		t.Errorf("then %q", b)
	}
	q.put(packet{[]byte("mine"), s}, queueMax)
	if n := q.rest(); n != 0 || q.size != 0 {
		t.Errorf("%d packets, %d bytes", n, q.size)
	}
}

func (j *judge) Enroll(bridge.Enrolment, func(error)) func() { return func() {} }

func (j *judge) EnrollsFor(string, string) bool { return false }

func (j *judge) MayTranscode(...string) bool { return false }
