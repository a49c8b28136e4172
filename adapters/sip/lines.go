package sip

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"time"

	"gateway/adapters/sip/wire"
	"gateway/bridge"

	gosip "github.com/emiago/sipgo/sip"
)

const (
	lineExpires    = time.Hour
	maxLineExpires = 24 * time.Hour // that a registrar may make us ask for
	lineSpread     = 50 * time.Millisecond
	maxLineSpread  = 10 * time.Second
)

// A line is a name that we register at the peer (RFC 3261 section 10.2). What
// the peer sends for it comes to a Contact whose user nobody can guess.
type line struct {
	name   string // text form
	is     lineSettings
	token  string // user of the Contact
	callID string // the same for all of its REGISTERs

	// turn has room for one: whoever has put it there may send a REGISTER, so
	// that they are one after the other, and owns what follows.
	turn       chan struct{}
	cseq       uint32
	expires    time.Duration // to ask for
	registered bool          // by the registrar's last word
	unsure     bool          // the last REGISTER has had no answer

	mu    sync.Mutex         // guards the rest
	ended bool               // no REGISTER any more, but the last
	cut   context.CancelFunc // ends the REGISTER under way; nil: there is none
}

func newLine(name string, is lineSettings) *line {
	return &line{
		name: name, is: is, token: newToken(), callID: newToken(), expires: lineExpires, turn: make(chan struct{}, 1),
	}
}

// runLine keeps a line of the mapping file registered.
func (e *engine) runLine(ctx context.Context, l *line) {
	// Many lines don't all come at once.
	spread := min(maxLineSpread, lineSpread*time.Duration(len(e.lines)))
	e.keepLine(ctx, l, spread, func(err error) { e.status.line(l.name, err) })
}

// keepLine keeps a line registered, and tells what has come of each try. The first is
// within spread. When the peer comes back it may have forgotten the line.
func (e *engine) keepLine(ctx context.Context, l *line, spread time.Duration, tell func(error)) {
	select {
	case <-e.peer.sought: // before that it is nowhere
	case <-ctx.Done():
		return
	}
	next := time.Now().Add(within(spread))
	var pace bridge.Backoff
	var known time.Time // registered since
	lost := false       // the next try is to get it back
	risen := e.peer.risen()
	for {
		timer := time.NewTimer(time.Until(next))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-risen:
			timer.Stop()
			risen = e.peer.risen()
			if e.peer.remembers(known) {
				tell(nil)
				continue
			}
			pace.Reset()
			next, lost = time.Now().Add(within(spread)), lost || !known.IsZero()
			known = time.Time{}
			continue
		case <-timer.C:
		}
		granted, err := e.registerLine(ctx, l)
		if errors.Is(err, errLineEnded) || ctx.Err() != nil {
			return
		}
		if lost {
			e.metrics.reconnect(reconnectLine, err)
		}
		if lost = err != nil; lost {
			next, known = time.Now().Add(pace.Next()), time.Time{}
		} else {
			pace.Reset()
			known = time.Now()
			next = known.Add(granted / 2)
		}
		tell(err)
	}
}

// within is a random time up to spread.
func within(spread time.Duration) time.Duration {
	if spread <= 0 {
		return 0
	}
	return rand.N(spread)
}

// A registerError is the status by which a REGISTER was refused.
type registerError struct {
	status int
	phrase string
}

func (e *registerError) Error() string {
	return fmt.Sprintf("register: refused with %d %s", e.status, e.phrase)
}

var errLineEnded = errors.New("the line has been unregistered")

// begin takes the line's turn. What it gives ends with the line.
func (l *line) begin(ctx context.Context) (during context.Context, done func(), err error) {
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, fmt.Errorf("wait for another REGISTER: %w", ctx.Err())
	}
	during, cancel := context.WithCancel(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		cancel()
		<-l.turn
		return nil, nil, errLineEnded
	}
	l.cut = cancel
	return during, func() {
		cancel()
		l.mu.Lock()
		l.cut = nil
		l.mu.Unlock()
		<-l.turn
	}, nil
}

// end lets no REGISTER begin any more, and ends the one that is under way.
func (l *line) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	if l.cut != nil {
		l.cut()
	}
}

func (l *line) hasEnded() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ended
}

// registerLine registers l once and gives for how long.
func (e *engine) registerLine(ctx context.Context, l *line) (time.Duration, error) {
	ctx, done, err := l.begin(ctx)
	if err != nil {
		return 0, err
	}
	defer done()
	for range 2 {
		res, err := e.sendRegister(ctx, l, l.expires)
		if l.hasEnded() && err != nil {
			return 0, errLineEnded
		}
		if err != nil {
			return 0, err
		}
		switch status := res.Response.StatusCode; {
		case status < 300:
			l.registered = true
			return l.granted(res), nil
		case status == 423:
			least, err := seconds(res.Get("Min-Expires"))
			if err != nil || least <= l.expires || least > maxLineExpires {
				return 0, fmt.Errorf("register: refused with 423, Min-Expires %q", wire.Phrase(res.Get("Min-Expires")))
			}
			l.expires = least
		default:
			return 0, &registerError{status, wire.Phrase(res.Response.Reason)}
		}
	}
	return 0, errors.New("register: refused with 423 again")
}

// granted is for how long the registrar will know the line: by the Contact
// that is ours, else by Expires, else as asked (RFC 3261 section 10.2.4).
func (l *line) granted(res *wire.Message) time.Duration {
	for _, h := range res.Response.GetHeaders("Contact") {
		c, ok := h.(*gosip.ContactHeader)
		if !ok || c.Address.User != l.token {
			continue
		}
		for _, p := range c.Params {
			if d, err := seconds(p.V); strings.EqualFold(p.K, "expires") && err == nil && d > 0 {
				return max(2*time.Second, min(d, maxLineExpires))
			}
		}
	}
	if d, err := seconds(res.Get("Expires")); err == nil && d > 0 {
		return max(2*time.Second, min(d, maxLineExpires))
	}
	return l.expires
}

// unregister takes a line out of the registrar's table, if it may be in it. It
// returns when ctx is done, at the latest.
func (e *engine) unregister(ctx context.Context, l *line) {
	l.end()
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		e.log.Warn("line not unregistered", "line", l.name, "err", ctx.Err())
		return
	}
	if !l.registered && (!l.unsure || !e.peer.isUp()) {
		return
	}
	l.registered = false
	res, err := e.sendRegister(ctx, l, 0)
	if err == nil && res.Response.StatusCode >= 300 {
		err = fmt.Errorf("refused with %d", res.Response.StatusCode)
	}
	if err != nil {
		e.log.Warn("line not unregistered", "line", l.name, "err", err)
	}
}

// sendRegister sends one REGISTER, in the line's turn.
func (e *engine) sendRegister(ctx context.Context, l *line, expires time.Duration) (*wire.Message, error) {
	host := e.set.peer.hostport()
	if e.set.hosts {
		host = l.is.name.Main
	}
	aor := e.set.peerURI(l.is.name, e.set.peer.host)
	var last *outgoing
	res, err := e.ask(ctx, func(f flow) (*outgoing, error) {
		l.cseq++
		o, err := e.plain(f, "REGISTER", e.set.asPeer("sip:"+host), aor)
		if err != nil {
			return nil, err
		}
		ours, port, err := e.sentBy(f)
		if err != nil {
			return nil, err
		}
		contact := "<" + e.set.asPeer("sip:"+l.token+"@"+hostPort(ours, port)) + wire.TransportParam(f.network(), e.set.peer.sips)
		o.from, o.callID, o.cseq = "<"+aor+">;tag="+newToken(), l.callID, l.cseq
		o.extra = []wire.Field{
			{Name: "Contact", Value: contact + ">"},
			{Name: "Expires", Value: strconv.Itoa(int(expires / time.Second))},
		}
		last = o
		return o, nil
	}, &credential{user: l.is.user, password: l.is.password})
	if last != nil {
		l.cseq = last.cseq // credentials have taken some
	}
	l.unsure = err != nil && last != nil
	return res, err
}
