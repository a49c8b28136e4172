package sip

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"gateway/bridge"
)

// status puts together what the handler is told of us: whether the peer
// answers, and what is wrong with lines.
type status struct {
	handler bridge.Handler
	log     *slog.Logger

	mu    sync.Mutex // guards the rest, and keeps reports in order
	up    bool
	err   error
	lines map[string]error // that are not registered
	told  string           // what was reported last
}

// peer notes whether the peer answers.
func (s *status) peer(up bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.up, s.err = up, err
	s.tell()
}

// line notes why a line is not registered; nil: it is.
func (s *status) line(name string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.lines[name]
	switch {
	case err != nil && (before == nil || before.Error() != err.Error()):
		s.log.Warn("line not registered", "line", name, "err", err)
	case err == nil && before != nil:
		s.log.Info("line registered", "line", name)
	}
	if s.lines == nil {
		s.lines = map[string]error{}
	}
	delete(s.lines, name)
	if err != nil {
		s.lines[name] = err
	}
	s.tell()
}

// report tells the handler how things are.
func (s *status) report() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tell()
}

// tell tells the handler what has changed. The lock is held.
func (s *status) tell() {
	all := []error{s.err}
	var names []string
	for name := range s.lines {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		all = append(all, fmt.Errorf("line %s: %w", name, s.lines[name]))
	}
	err := errors.Join(all...)
	now := fmt.Sprint(s.up, err)
	if now == s.told {
		return
	}
	s.told = now
	s.handler.State(s.up, err)
}
