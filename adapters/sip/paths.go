package sip

import "sync"

// maxPaths bounds the ways that are remembered.
const maxPaths = 512

// paths remember the ways back by UDP: all calls with one place have the same.
type paths struct {
	mu    sync.Mutex // guards known: every call asks
	known map[pathKey]*path
}

// A pathKey is what a path is made of.
type pathKey struct {
	flow
	account string
}

// find is what remember has kept; nil: nothing.
func (t *paths) find(k pathKey) *path {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.known[k]
}

// remember keeps p, which nobody changes any more. What there is no room for is made again.
func (t *paths) remember(k pathKey, p *path) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.known == nil || len(t.known) >= maxPaths {
		t.known = map[pathKey]*path{}
	}
	t.known[k] = p
}
