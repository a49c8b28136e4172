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
	lineFresh      = 10 * time.Second // a registration of the peer's present life
)

// A line is a name that we register at the peer (RFC 3261 section 10.2). What
// the peer sends for it comes to a Contact whose user nobody can guess.
type line struct {
	name   string // text form
	is     lineSettings
	token  string // user of the Contact
	callID string // the same for all of its REGISTERs

	mu         sync.Mutex // guards the rest: held for a whole REGISTER, so that they are one after the other
	cseq       uint32
	expires    time.Duration // to ask for
	registered bool
	ended      bool
}

func newLine(name string, is lineSettings) *line {
	return &line{name: name, is: is, token: newToken(), callID: newToken(), expires: lineExpires}
}

// runLine keeps a line registered. When the peer comes back it may have
// forgotten it.
func (e *engine) runLine(ctx context.Context, l *line) {
	// Many lines don't all come at once.
	spread := min(maxLineSpread, lineSpread*time.Duration(len(e.lines)))
	wait := rand.N(spread)
	var pace bridge.Backoff
	var known time.Time // registered since
	risen := e.peer.risen()
	for {
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-risen:
			timer.Stop()
			risen = e.peer.risen()
			if !known.IsZero() && time.Since(known) < lineFresh {
				wait -= time.Since(known)
				continue
			}
			pace.Reset()
			wait = rand.N(spread)
			known = time.Time{}
			continue
		case <-timer.C:
		}
		granted, err := e.registerLine(ctx, l)
		switch {
		case errors.Is(err, errLineEnded) || ctx.Err() != nil:
			return
		case err != nil:
			wait, known = pace.Next(), time.Time{}
		default:
			pace.Reset()
			wait, known = granted/2, time.Now()
		}
		e.status.line(l.name, err)
	}
}

var errLineEnded = errors.New("the line has been unregistered")

// registerLine registers l once and gives for how long.
func (e *engine) registerLine(ctx context.Context, l *line) (time.Duration, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return 0, errLineEnded
	}
	for range 2 {
		res, err := e.sendRegister(ctx, l, l.expires)
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
			return 0, fmt.Errorf("register: refused with %d %s", status, wire.Phrase(res.Response.Reason))
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

// unregister takes a line out of the registrar's table, if it is in it.
func (e *engine) unregister(ctx context.Context, l *line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	if !l.registered {
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

// sendRegister sends one REGISTER. The line's lock is held.
func (e *engine) sendRegister(ctx context.Context, l *line, expires time.Duration) (*wire.Message, error) {
	host := e.set.peer.hostport()
	if e.set.hosts {
		host = l.is.name.Main
	}
	aor := e.set.uri(l.is.name, e.set.peer.host)
	var last *outgoing
	res, err := e.ask(ctx, func(f flow) (*outgoing, error) {
		l.cseq++
		o, err := e.plain(f, "REGISTER", "sip:"+host, aor)
		if err != nil {
			return nil, err
		}
		ours, port, err := e.sentBy(f)
		if err != nil {
			return nil, err
		}
		contact := "<sip:" + l.token + "@" + hostPort(ours, port)
		if f.reliable() {
			contact += ";transport=tcp"
		}
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
	return res, err
}
