package rtmp

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"gateway/adapters/rtmp/wire"
	"gateway/bridge"
	"gateway/codec"

	"golang.org/x/time/rate"
)

// Bounds on one connection.
const (
	maxStreams   = 16
	commandRate  = 50 // a second
	commandBurst = 200
)

// A session is one connection of a client's. The goroutine that reads it owns it,
// but for what is marked.
type session struct {
	house *house
	conn  *wire.Conn
	from  netip.Addr
	log   *slog.Logger
	pace  *rate.Limiter
	asked asked
	mute  atomic.Bool // it does not answer for texts

	app     app
	host    string // by which the client came, for domains
	name    string // who it is; "" before it has shown that
	display string
	amf3    bool // it wants to be spoken to so, by its connect
	spoke   bool // it has used commands of calls
	byURL   bool // it has called, or waits, by publishing or playing a URL
	leave   func()
	token   string // a FreeSWITCH client's session
	out     bool   // it has logged out, of what it may log in to again
	next    uint32 // id of the stream that was made last

	// phones are the calls that the client has by commands, phone is that in front, in
	// which it speaks; the hub's lock guards both.
	phones []*phone
	phone  *phone

	turn sync.Mutex // guards trio, and which call is in front: with the sound of the streams they change as a whole
	trio *trio      // two calls and the client hear each other; nil: they don't

	mu      sync.Mutex // guards the rest: the leg of a call looks at it
	streams map[uint32]*stream
	sound   *sound // of the call that there is by commands
	liking  taste
}

// A stream is one NetStream of a client's.
type stream struct {
	session *session
	id      uint32
	role    role
	line    *line // by URL; nil: it is that of a call by commands
	name    string
	reader  tagReader
	when    uint32 // of the first picture, to know how long there was no sound
	seen    bool
	hush    atomic.Bool // it does not want to hear for now
}

// hears has the stream play a sound.
func (st *stream) hears(from *sound) { from.listen(st.session.conn, st.id, &st.hush) }

// A role is what a stream is for.
type role uint8

const (
	idle role = iota
	publishing
	playing
)

func newSession(h *house, c *wire.Conn, from netip.Addr) *session {
	return &session{
		house: h, conn: c, from: from, log: h.log.With("peer", from), pace: rate.NewLimiter(commandRate, commandBurst),
		streams: map[uint32]*stream{}, liking: wideTaste(), asked: newAsked(),
	}
}

// wideTaste is Flash's since its version 10, narrowTaste that of one who has asked
// for narrowband.
func wideTaste() taste {
	return taste{send: []codec.Format{speexWide}, hear: []codec.Format{speexWide, pcmu, pcma, speexNarrow}}
}

func narrowTaste() taste {
	return taste{send: []codec.Format{speexWide}, hear: []codec.Format{speexNarrow, speexWide, pcmu, pcma}}
}

// run reads the connection until its end. A fault of ours that the client has
// found ends its connection and nothing else.
func (s *session) run() {
	defer s.end()
	defer func() {
		if p := recover(); p != nil {
			s.house.metrics.drop(dropPanic)
			s.log.Error("panic in a connection", "err", p, "stack", string(debug.Stack()))
		}
	}()
	for {
		m, err := s.conn.Read()
		if err == nil {
			err = s.take(m)
		}
		switch {
		case err == nil:
		case errors.Is(err, errRefused):
			_ = s.conn.Finish() // what it fails with has ended it all the same
			return
		default:
			if !errors.Is(err, io.EOF) {
				s.house.noise.Do(func() { s.log.Debug("connection ended", "err", err) })
			}
			return
		}
	}
}

// errRefused ends a connection whose client has been told why.
var errRefused = errors.New("refused")

// take takes a message. An error ends the connection.
func (s *session) take(m wire.Message) error {
	switch {
	case m.IsCommand():
		if !s.pace.Allow() {
			s.house.metrics.drop(dropAsked)
			return nil
		}
		c, err := wire.ParseCommand(m, s.conn.Limits().AMF)
		if err != nil {
			s.house.metrics.drop(dropForm)
			return fmt.Errorf("command: %w", err)
		}
		return s.command(c)
	case s.app.kind == appNone:
		return nil
	case m.Type == wire.TypeAudio:
		return s.audio(m)
	case m.Type == wire.TypeVideo:
		s.picture(m)
	case m.IsData():
		s.data(m)
	}
	return nil
}

// command takes a command: connect first, then any.
func (s *session) command(c wire.Command) error {
	switch {
	case c.Name == "connect":
		if s.app.kind != appNone {
			return nil // it has been answered
		}
		return s.connect(c)
	case s.app.kind == appNone:
		return nil
	case c.Name == "_result" || c.Name == "_error":
		s.asked.answered(c)
		return nil
	}
	if f, ok := streamCommands[c.Name]; ok {
		return f(s, c)
	}
	f, ok := callCommands[c.Name]
	if s.app.kind == appPhone {
		f, ok = switchCommands[c.Name]
	}
	if ok && !s.byURL && (s.name != "" || c.Name == "login") && !(s.out && asAccount[c.Name]) {
		s.spoke = true
		return f(s, c)
	}
	s.reply(c) // whatever it is: siprtmp answers everything
	return nil
}

// reply answers a command, if an answer is expected.
func (s *session) reply(c wire.Command, args ...any) {
	if c.ID == 0 {
		return
	}
	if len(args) == 0 {
		args = []any{nil}
	}
	s.write(c.Result(nil, args...).Message())
}

// call calls the client, which need not answer.
func (s *session) call(name string, args ...any) {
	s.write(wire.Command{Name: name, ID: s.asked.number(), Args: args, AMF3: s.amf3}.Message())
}

// status tells the client of a stream.
func (s *session) status(stream uint32, level, code, description string) {
	s.write(wire.Status(stream, level, code, description).Message())
}

// write queues a message. What fails ends the connection, which whoever reads it
// finds out.
func (s *session) write(m wire.Message) { _ = s.tryWrite(m) }

// tryWrite is write for who has to know.
func (s *session) tryWrite(m wire.Message) error {
	err := s.conn.Write(m)
	if err != nil {
		s.house.metrics.drop(dropGone)
	}
	return err
}

// finish ends the connection when what was written has gone out.
func (s *session) finish() {
	s.house.crew.start(func() { _ = s.conn.Finish() }) // what it fails with has ended it
}

// end forgets the client.
func (s *session) end() {
	_ = s.conn.Close() // nothing more is said
	s.house.metrics.slow.Add(float64(s.conn.Dropped()))
	s.asked.close()
	for _, st := range s.all() {
		s.stop(st)
	}
	if s.leave != nil {
		s.leave()
	}
	s.house.hub.desert(s) // nothing rings here any more
}

// all lists the streams.
func (s *session) all() []*stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*stream
	for _, st := range s.streams {
		all = append(all, st)
	}
	return all
}

// taste is what the client has.
func (s *session) taste() taste {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.liking
}

// address reads a party as a client names it; a domain that is neither ours nor a
// peer's is nobody's.
func (s *session) address(text string) (address, error) {
	a, ok := parseAddress(text)
	if !ok {
		return a, &bridge.Error{Op: dialOp, Cause: bridge.BadAddress}
	}
	if a.domain != "" && !s.house.serves(a.domain, s.host) {
		return a, &bridge.Error{Op: dialOp, Cause: bridge.NotFound, Err: fmt.Errorf("%s is no domain of ours", a.domain)}
	}
	return a, nil
}

// serves reports whether a domain is ours, or that of a peer at which clients
// enroll. host is by which the client came.
func (h *house) serves(domain, host string) bool {
	if domain == host || h.set.domains[domain] {
		return true
	}
	for _, at := range h.set.enroll {
		if h.bridge.EnrollsFor(at, domain) {
			return true
		}
	}
	return false
}
