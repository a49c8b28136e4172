package wire

import (
	"sync"
	"time"

	"github.com/yutopp/go-rtmp/message"
)

// Pings are those that the peer has not answered yet (RTMP 1.0 section 7.1.7). No two
// have the same time, which the answer repeats.
type pings struct {
	mu    sync.Mutex // guards the rest
	last  uint32
	waits map[uint32]chan struct{} // of those that somebody waits for
}

// next is the time of the next one.
func (p *pings) next(wait chan struct{}) uint32 {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := uint32(time.Now().UnixMilli())
	if int32(now-p.last) <= 0 { // times wrap
		now = p.last + 1
	}
	p.last = now
	if wait != nil {
		if p.waits == nil {
			p.waits = map[uint32]chan struct{}{}
		}
		p.waits[now] = wait
	}
	return now
}

// answered tells who waits for that one.
func (p *pings) answered(at uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if wait := p.waits[at]; wait != nil {
		delete(p.waits, at)
		close(wait)
	}
}

func (p *pings) forget(at uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.waits, at)
}

// Ping asks the peer for a sign of life behind all that was written before. back is
// closed when it has come; the caller calls forget when it waits no longer.
func (c *Conn) Ping() (back <-chan struct{}, forget func(), err error) {
	wait := make(chan struct{})
	at := c.pings.next(wait)
	forget = func() { c.pings.forget(at) }
	if err := c.ping(at); err != nil {
		forget()
		return nil, nil, err
	}
	return wait, forget, nil
}

func (c *Conn) ping(at uint32) error {
	return c.control(&message.UserCtrl{Event: &message.UserCtrlEventPingRequest{Timestamp: at}})
}
