package relay

import "sync"

// ports gives out pairs of ports: an even one for RTP and the next for RTCP
// (RFC 3550 section 11). The pair that has been free for the longest goes
// first, so that each rests for as long as the range allows, and what is still
// under way to a call that has ended finds nobody.
type ports struct {
	mu   sync.Mutex // guards what follows
	free []uint16   // a ring; the even ports of the pairs
	head int        // of the pair that is next
	n    int        // how many are free
}

// newPorts takes all pairs between first and last. pick orders them: from 0 to n-1.
func newPorts(first, last uint16, shuffle func(n int, swap func(i, j int))) *ports {
	p := &ports{}
	for port := (int(first) + 1) &^ 1; port+1 <= int(last); port += 2 {
		p.free = append(p.free, uint16(port))
	}
	p.n = len(p.free)
	// Ports that nobody can guess are harder to spray.
	shuffle(p.n, func(i, j int) { p.free[i], p.free[j] = p.free[j], p.free[i] })
	return p
}

// take gives the RTP port of the next pair; false when none is left.
func (p *ports) take() (uint16, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.n == 0 {
		return 0, false
	}
	port := p.free[p.head]
	p.head = (p.head + 1) % len(p.free)
	p.n--
	return port, true
}

// give takes a pair back.
func (p *ports) give(port uint16) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free[(p.head+p.n)%len(p.free)] = port
	p.n++
}
