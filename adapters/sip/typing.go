package sip

import (
	"context"
	"sync"
	"time"

	"gateway/adapters/sip/wire"
	"gateway/bridge"
)

// Times and bounds of typing notices (RFC 3994 section 3).
const (
	typingTime   = 120 * time.Second // until who does not repeat that he writes has stopped
	refreshLeast = 60 * time.Second
	refreshMost  = 10 * time.Minute
	// composingRefresh is what we say we will repeat our notices within. It is
	// long, for some networks say that somebody writes only once.
	composingRefresh = 3 * refreshLeast
	// typingRepeat is when a repeat is handed on: a bit early, so that one
	// that was sent after refreshLeast is not missed.
	typingRepeat = refreshLeast - 5*time.Second
	maxTyping    = 8192
	typingTick   = 5 * time.Second
)

// A pair is who writes to whom, by name.
type pair struct{ from, to string }

func pairOf(from, to bridge.Party) pair { return pair{from.Name, to.Name} }

// saidState is what the tag of a notice of ours is bound to.
func saidState(active bool) string {
	if active {
		return "composing active"
	}
	return "composing idle"
}

// A writer is somebody of whom the bridge has been told that he writes.
type writer struct {
	from, to bridge.Party
	until    time.Time // when he has stopped unless he says otherwise
	told     time.Time
}

// typists are those who write to us. The zero typists are ready to use.
type typists struct {
	mu      sync.Mutex // guards writers: sockets and the ticker
	writers map[pair]writer
}

// active notes that somebody writes, and says whether the bridge shall hear of
// it; full, that there is no room for it.
func (t *typists) active(from, to bridge.Party, refresh time.Duration, now time.Time) (tell, full bool) {
	if refresh == 0 {
		refresh = typingTime
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	key := pairOf(from, to)
	w, known := t.writers[key]
	if !known && len(t.writers) >= maxTyping {
		return false, true
	}
	tell = !known || now.Sub(w.told) >= typingRepeat
	w.from, w.to, w.until = from, to, now.Add(min(max(refresh, refreshLeast), refreshMost))
	if tell {
		w.told = now
	}
	if t.writers == nil {
		t.writers = map[pair]writer{}
	}
	t.writers[key] = w
	return tell, false
}

// idle notes that somebody has stopped, and says whether the bridge shall hear
// of it: if it believes that he writes.
func (t *typists) idle(p pair) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, known := t.writers[p]
	delete(t.writers, p)
	return known
}

// written notes that somebody has sent what he wrote, which says it all.
func (t *typists) written(p pair) { t.idle(p) }

// stopped gives those who have not said for too long that they still write,
// and forgets them.
func (t *typists) stopped(now time.Time) (all []writer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for key, w := range t.writers {
		if !now.Before(w.until) {
			all = append(all, w)
			delete(t.writers, key)
		}
	}
	return all
}

// composing takes a typing notice to the bridge. Whatever comes of it, it is
// not worth an error to anybody.
func (x *exchange) composing(m bridge.Message, c *wire.Composing) {
	m.Kind, m.Active = bridge.Composing, c.Active
	tell := false
	if c.Active {
		var full bool
		if tell, full = x.e.typing.active(m.From, m.To, c.Refresh, time.Now()); full {
			x.e.metrics.refused.WithLabelValues(refusedTyping).Inc()
		}
	} else {
		tell = x.e.typing.idle(pairOf(m.From, m.To))
	}
	if !tell {
		x.respond(200)
		return
	}
	x.e.h.Message(m, func(bridge.Outcome, error) { x.respond(200) })
}

// runTyping tells the bridge of those who have stopped without saying so.
func (e *engine) runTyping(ctx context.Context) {
	tick := time.NewTicker(typingTick)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			e.tellStopped(now)
		}
	}
}

func (e *engine) tellStopped(now time.Time) {
	for _, w := range e.typing.stopped(now) {
		m := bridge.Message{Kind: bridge.Composing, From: w.from, To: w.to, Hops: defaultHops}
		e.h.Message(m, func(bridge.Outcome, error) {})
	}
}
