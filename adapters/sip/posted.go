package sip

import (
	"context"
	"strings"
	"sync"
	"time"

	"gateway/adapters/sip/wire"
)

// posted are non-INVITE client transactions over UDP that nobody waits in (RFC 3261
// section 17.1.2): their answers are told, by the socket's goroutine. One timer repeats
// them all.
type posted struct {
	sooner chan struct{} // tells run that due has come nearer

	mu    sync.Mutex // guards the rest: whoever sends, the sockets, and run
	all   map[string]*post
	due   time.Time // when run looks next; zero: not at all
	ended bool
}

func newPosted() *posted { return &posted{sooner: make(chan struct{}, 1), all: map[string]*post{}} }

// A post is one of them.
type post struct {
	f      flow
	data   []byte
	wait   time.Duration // before the next repeat but one
	repeat time.Time
	giveUp time.Time
	done   func(*wire.Message, error)
}

// start sends data, whose topmost Via has that branch. done hears the final response, or
// that there is none. It is not called if start fails.
func (p *posted) start(f flow, branch, method string, data []byte, done func(*wire.Message, error)) error {
	key, now := branch+" "+method, time.Now()
	one := &post{f: f, data: data, wait: timerT1, repeat: now.Add(timerT1), giveUp: now.Add(timerF), done: done}
	p.mu.Lock()
	if p.ended {
		p.mu.Unlock()
		return errClosed
	}
	p.all[key] = one
	if p.due.IsZero() || one.repeat.Before(p.due) {
		p.due = one.repeat
		select {
		case p.sooner <- struct{}{}:
		default:
		}
	}
	p.mu.Unlock()
	if err := f.write(data); err != nil && p.withdraw(key) {
		return err
	}
	return nil
}

// withdraw forgets one that could not be sent; false: its end has been told meanwhile.
func (p *posted) withdraw(key string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, there := p.all[key]
	delete(p.all, key)
	return there
}

// run repeats until ctx is done, and then ends them all.
func (p *posted) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			p.close()
			return
		case <-p.sooner:
		case <-timer.C:
			p.tick(time.Now())
		}
		p.mu.Lock()
		due := p.due
		p.mu.Unlock()
		if !due.IsZero() {
			timer.Reset(time.Until(due))
		}
	}
}

// tick repeats what is due, and ends what has waited long enough.
func (p *posted) tick(now time.Time) {
	var again, over []*post
	p.mu.Lock()
	p.due = time.Time{}
	for key, one := range p.all {
		switch {
		case !now.Before(one.giveUp):
			delete(p.all, key)
			over = append(over, one)
			continue
		case !now.Before(one.repeat):
			again = append(again, one)
			one.wait = min(2*one.wait, timerT2)
			one.repeat = now.Add(one.wait)
			if one.giveUp.Before(one.repeat) {
				one.repeat = one.giveUp
			}
		}
		if p.due.IsZero() || one.repeat.Before(p.due) {
			p.due = one.repeat
		}
	}
	p.mu.Unlock()
	for _, one := range again {
		_ = one.f.write(one.data) // what can't be sent now, may be the next time
	}
	for _, one := range over {
		one.done(nil, errNoAnswer)
	}
}

// deliver hands a response to the transaction it is for, if it is one of these.
func (p *posted) deliver(m *wire.Message) bool {
	branch, _ := m.Response.Via().Params.Get("branch")
	if !strings.HasPrefix(branch, magic) {
		return false
	}
	key := branch + " " + string(m.Response.CSeq().MethodName)
	p.mu.Lock()
	one := p.all[key]
	if one == nil {
		p.mu.Unlock()
		return false
	}
	if m.Response.StatusCode < 200 {
		one.wait = timerT2
		p.mu.Unlock()
		return true
	}
	delete(p.all, key)
	p.mu.Unlock()
	one.done(m, nil)
	return true
}

// close ends them all.
func (p *posted) close() {
	p.mu.Lock()
	p.ended = true
	all := p.all
	p.all = nil
	p.mu.Unlock()
	for _, one := range all {
		one.done(nil, errClosed)
	}
}
