package rtmp

import "sync"

// A crew is the goroutines of one Run. The zero crew is ready to use.
type crew struct {
	mu   sync.Mutex // guards over, and keeps start and wait apart
	over bool
	all  sync.WaitGroup
}

// start runs f in a goroutine; false: the end has begun, nothing starts any more.
func (c *crew) start(f func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.over {
		c.all.Go(f)
	}
	return !c.over
}

// wait returns when everybody has ended.
func (c *crew) wait() {
	c.mu.Lock()
	c.over = true
	c.mu.Unlock()
	c.all.Wait()
}
