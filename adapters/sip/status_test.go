package sip

import (
	"errors"
	"log/slog"
	"slices"
	"testing"
)

func TestHealthIsThePeersAndItsLines(t *testing.T) {
	t.Parallel()
	h := newFakeBridge()
	s := &status{handler: h, log: slog.New(slog.DiscardHandler)}
	var lines []*line
	for _, name := range []string{"1", "2", "3", "4", "5"} {
		lines = append(lines, newLine(name, lineSettings{}))
	}
	no := errors.New("no")
	for _, row := range []struct {
		name string
		do   func()
		want []string
	}{
		{"lines before the peer", func() { s.expect(lines[:2], errNotTried) }, nil},
		{"a try in vain", func() { s.line("1", no) }, []string{"false the peer has not been asked yet\nline 1: no\nline 2: not registered yet"}},
		{"the peer answers", func() { s.peer(true, nil) }, []string{"false line 1: no\nline 2: not registered yet"}},
		{"one line", func() { s.line("2", nil) }, []string{"false line 1: no"}},
		{"again in vain", func() { s.line("1", errors.New("no")) }, nil},
		{"both lines", func() { s.line("1", nil) }, []string{"true <nil>"}},
		{"the peer is away", func() { s.peer(false, no) }, []string{"false no"}},
		{"and back", func() { s.expect(lines, errNotAgain); s.line("5", no); s.peer(true, nil) }, []string{
			"false no\nline 5: no\nline 1: not registered since the peer came back\nline 2: not registered since the peer came back\nfurther lines are not registered",
			"false line 5: no\nline 1: not registered since the peer came back\nline 2: not registered since the peer came back\nfurther lines are not registered",
		}},
		{"all of them", func() {
			for _, name := range []string{"3", "4", "5", "2", "1"} {
				s.line(name, nil)
			}
		}, []string{
			"false line 5: no\nline 1: not registered since the peer came back\nline 2: not registered since the peer came back",
			"false line 1: not registered since the peer came back\nline 2: not registered since the peer came back",
			"false line 1: not registered since the peer came back",
			"true <nil>",
		}},
	} {
		row.do()
		var got []string
		for len(h.states) > 0 {
			got = append(got, <-h.states)
		}
		if row.name == "all of them" {
			got = slices.DeleteFunc(got, func(s string) bool { return !slices.Contains(row.want, s) })
		}
		if !slices.Equal(got, row.want) {
			t.Errorf("%s: %q", row.name, got)
		}
	}
	if len(h.back) != 2 {
		t.Errorf("what waits was told %d times that the peer is back", len(h.back))
	}
}
