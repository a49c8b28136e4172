package xmpp

import (
	"sync"
	"time"
)

// A seldom lets one line in a minute through for each reason.
type seldom struct {
	mu   sync.Mutex // guards seen: readers, senders and the bridge log
	seen map[string]*lines
}

type lines struct {
	last   time.Time
	silent int
}

// allow reports whether to log now, and how often not since the last time.
func (s *seldom) allow(reason string, now time.Time) (silent int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil {
		s.seen = map[string]*lines{}
	}
	l := s.seen[reason]
	if l == nil {
		l = &lines{}
		s.seen[reason] = l
	} else if now.Sub(l.last) < time.Minute {
		l.silent++
		return 0, false
	}
	silent, l.silent, l.last = l.silent, 0, now
	return silent, true
}
