package peer

import (
	"bytes"
	"context"
	"strings"
	"sync"
)

// What is kept of a program's output at most: more lines are counted, not
// kept, and a longer line is cut.
const (
	maxLines   = 200_000
	maxLineLen = 1 << 20
)

// Lines collects what a program prints, line by line, and lets others wait
// for a line. The zero Lines is ready to use.
type Lines struct {
	mu      sync.Mutex // guards all below
	part    []byte     // the line that has not ended yet
	lines   []string
	dropped int
	grown   chan struct{} // closed at the next line; nil while nobody waits
}

// Write takes output in any pieces. It never fails.
func (l *Lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	rest := p
	for {
		i := bytes.IndexByte(rest, '\n')
		if i < 0 {
			break
		}
		l.part = append(l.part, rest[:i]...)
		rest = rest[i+1:]
		l.endLine()
	}
	l.part = append(l.part, rest...)
	if len(l.part) > maxLineLen {
		l.endLine()
	}
	return len(p), nil
}

// endLine keeps the line and wakes who waits; mu is held.
func (l *Lines) endLine() {
	if len(l.lines) < maxLines {
		l.lines = append(l.lines, strings.TrimSuffix(string(l.part), "\r"))
	} else {
		l.dropped++
	}
	l.part = l.part[:0]
	if l.grown != nil {
		close(l.grown)
		l.grown = nil
	}
}

// All is every whole line so far, in order.
func (l *Lines) All() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines[:len(l.lines):len(l.lines)]
}

// Len is how many whole lines there are: a mark for WaitAfter.
func (l *Lines) Len() int { return len(l.All()) }

// Wait gives the first line of all that match likes, as soon as there is one.
func (l *Lines) Wait(ctx context.Context, match func(string) bool) (string, error) {
	return l.WaitAfter(ctx, 0, match)
}

// WaitAfter is Wait for the lines behind the first mark ones.
func (l *Lines) WaitAfter(ctx context.Context, mark int, match func(string) bool) (string, error) {
	for {
		lines, grown := l.watch()
		for ; mark < len(lines); mark++ {
			if match(lines[mark]) {
				return lines[mark], nil
			}
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}
}

// watch gives the lines so far and a channel that closes when there are more.
func (l *Lines) watch() ([]string, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.grown == nil {
		l.grown = make(chan struct{})
	}
	return l.lines[:len(l.lines):len(l.lines)], l.grown
}

// Containing is a match for Wait: lines that have all the parts in them.
func Containing(parts ...string) func(string) bool {
	return func(line string) bool {
		for _, part := range parts {
			if !strings.Contains(line, part) {
				return false
			}
		}
		return true
	}
}
