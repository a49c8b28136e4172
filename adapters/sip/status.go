package sip

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"gateway/bridge"
)

var (
	errNotAsked = errors.New("the peer has not been asked yet")
	errNotTried = errors.New("not registered yet")
	errNotAgain = errors.New("not registered since the peer came back")
	errMore     = errors.New("further lines are not registered")
)

// maxTold is how many lines a report names: with all of hundreds, each that is
// registered would be news.
const maxTold = 3

// status puts together what the handler is told of us: whether the peer
// answers, and what is wrong with lines. We are not up while a line is not
// registered, for nobody can reach it then; what goes out is tried all the same.
type status struct {
	handler bridge.Handler
	log     *slog.Logger

	mu    sync.Mutex // guards the rest, and keeps reports in order
	up    bool       // the peer is
	asked bool       // whether it is, is known
	err   error
	lines map[string]error // that are not registered
	told  string           // what was reported last
}

// peer notes whether the peer answers.
func (s *status) peer(up bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rose := up && !s.up
	s.up, s.err, s.asked = up, err, true
	s.tell()
	if rose && len(s.lines) > 0 {
		// We are not up, but what waits does not have to wait for lines.
		s.handler.Reachable(bridge.Address{})
	}
}

// isUp gives what peer was told last; asked is false before that.
func (s *status) isUp() (up, asked bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.up, s.asked
}

// expect notes that lines are yet to be registered, and why. The handler hears
// of it with the next report.
func (s *status) expect(lines []*line, why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.asked {
		s.err = errNotAsked
	}
	for _, l := range lines {
		if s.lines[l.name] == nil {
			s.set(l.name, why)
		}
	}
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
	s.set(name, err)
	s.tell()
}

// set is line without a word of it. The lock is held.
func (s *status) set(name string, err error) {
	if s.lines == nil {
		s.lines = map[string]error{}
	}
	delete(s.lines, name)
	if err != nil {
		s.lines[name] = err
	}
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
	names := slices.Sorted(maps.Keys(s.lines))
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(s.rank(a), s.rank(b)) })
	for i, name := range names {
		if i == maxTold {
			all = append(all, errMore)
			break
		}
		all = append(all, fmt.Errorf("line %s: %w", name, s.lines[name]))
	}
	err := errors.Join(all...)
	up := s.up && len(s.lines) == 0
	now := fmt.Sprint(up, err)
	if now == s.told {
		return
	}
	s.told = now
	s.handler.State(up, err)
}

// rank puts lines that have failed before those that are on their way.
func (s *status) rank(name string) int {
	if err := s.lines[name]; errors.Is(err, errNotTried) || errors.Is(err, errNotAgain) {
		return 1
	}
	return 0
}
