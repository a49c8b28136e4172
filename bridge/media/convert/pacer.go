package convert

import "time"

const (
	// maxChunks bounds what waits to be sent; maxWait how much sound that may be.
	maxChunks = 128
	maxWait   = time.Second
)

// A pacer lets what comes in bursts go out evenly.
type pacer struct {
	queue   [maxChunks]chunk
	head    int
	held    int
	gap     time.Duration // between two, at least
	last    time.Duration // when the last went out
	burst   bool          // the next is the first of what has come at once
	waited  time.Duration // how long that had been here
	playout playout
	emit    func(Out)
	// dropped counts what had to be left out.
	dropped uint64
}

type chunk struct {
	out  Out
	came time.Duration
	data []byte
}

// put takes a chunk.
func (p *pacer) put(o Out, now time.Duration) {
	at := ticksTime(o.Time, o.Rate)
	if p.burst || !p.playout.started {
		p.playout.arrive(now-ours(p.waited), at, o.Marker)
		p.burst = false
	}
	for p.held > 0 && (p.held == maxChunks || at-p.first() > maxWait) {
		p.pop()
		p.dropped++
	}
	c := &p.queue[(p.head+p.held)%maxChunks]
	c.data = append(c.data[:0], o.Data...)
	c.out, c.came = o, now
	c.out.Data = c.data
	p.held++
}

func (p *pacer) first() time.Duration {
	o := &p.queue[p.head].out
	return ticksTime(o.Time, o.Rate)
}

func (p *pacer) pop() Out {
	o := p.queue[p.head].out
	p.head = (p.head + 1) % maxChunks
	p.held--
	return o
}

// tick sends what is due and returns when the next is; 0: nothing waits.
func (p *pacer) tick(now time.Duration) time.Duration {
	for p.held > 0 {
		due := max(p.last+p.gap/2, min(p.playout.due(p.first()), p.queue[p.head].came+2*mostDelay))
		if due > now {
			return due
		}
		p.last = now
		p.emit(p.pop())
	}
	return 0
}
