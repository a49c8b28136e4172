package sip

import "sync"

// A crew is the goroutines of one Run, and what lives in others'. The zero crew is ready to use.
type crew struct {
	mu   sync.Mutex // guards done, and keeps go and wait apart
	done bool
	wg   sync.WaitGroup
}

// start runs f in a goroutine, unless the end has begun.
func (c *crew) start(f func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done {
		return false
	}
	c.wg.Go(f)
	return true
}

// join has wait wait for something that is no goroutine, until leave; false: the end has
// begun.
func (c *crew) join() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.done {
		c.wg.Add(1)
	}
	return !c.done
}

// leave undoes join.
func (c *crew) leave() { c.wg.Done() }

// wait lets nobody start any more and returns when everybody has ended.
func (c *crew) wait() {
	c.mu.Lock()
	c.done = true
	c.mu.Unlock()
	c.wg.Wait()
}
