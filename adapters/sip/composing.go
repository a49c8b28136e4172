package sip

import (
	"context"
	"sync"
	"time"

	"gateway/adapters/sip/wire"
	"gateway/bridge"
)

// noticePatience is how long a typing notice may hold up the text behind it.
const noticePatience = 2 * time.Second

// notices are the typing notices that we have sent and that still hold. The
// zero notices are ready to use.
type notices struct {
	mu   sync.Mutex         // guards sent: lanes and the sweep
	sent map[pair]time.Time // when it was last said that somebody writes
}

// due says whether a notice tells its recipient anything, and takes it as
// sent.
func (n *notices) due(p pair, active bool, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	last, known := n.sent[p]
	since := now.Sub(last)
	if !active {
		delete(n.sent, p)
		return known && since < composingRefresh
	}
	if known && since < refreshLeast || !known && len(n.sent) >= maxTyping {
		return false
	}
	if n.sent == nil {
		n.sent = map[pair]time.Time{}
	}
	n.sent[p] = now
	return true
}

// over notes that the recipient knows of no writing any more: a text says so
// by itself (RFC 3994 section 3.3).
func (n *notices) over(p pair) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.sent, p)
}

// sweep forgets what the recipients have forgotten.
func (n *notices) sweep(now time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for p, at := range n.sent {
		if now.Sub(at) >= composingRefresh {
			delete(n.sent, p)
		}
	}
}

// notify sends a typing notice to where a text would go, of several phones to
// the one that has registered last, unless it is
// known not to be taken there. Nobody waits for what becomes of it.
func (s *sending) notify(ctx context.Context) {
	d, ok := s.first(time.Now())
	if !ok || s.e.tastes.refuses(composingForm, d.key, time.Now()) || !s.e.notices.due(s.pair(), s.m.Active, time.Now()) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, noticePatience)
	defer cancel()
	res, err := d.try(ctx, composingForm)
	now := time.Now()
	switch {
	case err != nil:
		s.e.notices.over(s.pair())
		s.e.tastes.note(composingForm, d.key, now.Add(silentTime))
	case res.Response.StatusCode >= 300:
		s.e.notices.over(s.pair())
		if neverTaken(res) {
			s.e.tastes.note(composingForm, d.key, now.Add(tasteTime))
		}
	}
}

// neverTaken says whether a notice was refused for what it is (RFC 3994
// section 3.4), not for who it is to.
func neverTaken(res *wire.Message) bool {
	status := res.Response.StatusCode
	return notTaken(status) || causeOf(status) == bridge.Unsupported
}

// pair is who writes to whom.
func (s *sending) pair() pair { return pairOf(s.m.From, s.m.To) }
