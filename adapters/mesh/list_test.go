package mesh

import (
	"fmt"
	"testing"
	"time"

	"gateway/adapters/mesh/wire"
)

func TestWhoChangesItsNameAlwaysIsTold(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	a, b := r.client(1, "192.0.2.1:1000", wire.Extended), r.client(2, "198.51.100.1:1000", wire.Extended)
	a.name = "first"
	r.join(a, b)
	before := b.lists
	for i := range 120 {
		a.name = fmt.Sprint("name ", i)
		r.play(a.beacon(), a, b)
		r.play(a.send(func(w *wire.Builder) { w.CC(wire.NAT{Port: uint16(1000 + i)}.Append(nil)) }), a, b)
		r.pass(time.Second/4, a, b)
	}
	// 30 s: three changes, and a list each 13 s.
	if n := b.lists - before; n < 3 || n > 6 {
		t.Errorf("%d lists in 30 s", n)
	}
	for range 2 {
		r.pass(changeTime, a, b)
		r.play(a.beacon(), a, b)
	}
	if r.pass(time.Second, a, b); b.list[0].Identity.Name != a.name {
		t.Errorf("b is told %+v", b.list)
	}
}

// It is alone, as others measure memory.
func TestNewsCostSoManyBytesASecond(t *testing.T) {
	const clients, seconds = 250, 10
	r := newRig(t, func(c *Config) { c.PerHost = 1000 })
	var all []*testClient
	at := map[string]*testClient{}
	for i := range clients {
		c := r.client(i, fmt.Sprintf("192.0.2.1:%d", 1000+i), wire.Extended)
		all, at[c.at.String()] = append(all, c), c
	}
	deliver := func(packets []told) (bytes int) {
		for _, d := range packets {
			bytes += d.size
			if d.packet.MyTime != 0 {
				at[d.to.String()].send(func(b *wire.Builder) { b.YourTime(d.packet.MyTime) })
			}
		}
		return bytes
	}
	for _, c := range all {
		deliver(c.beacon())
	}
	if len(r.hub.listed) != clients {
		t.Fatalf("%d are listed", len(r.hub.listed))
	}
	sent := 0
	for i := range 10 * seconds {
		r.hub.mu.Lock()
		r.hub.dirty = true
		r.hub.mu.Unlock()
		if i%70 == 0 {
			for _, c := range all {
				deliver(c.beacon())
			}
		}
		r.now = r.now.Add(100 * time.Millisecond)
		r.hub.tick(r.now, r.m)
		sent += deliver(r.sent())
	}
	one := r.hub.cost
	if most := seconds*publishRate + 3*one; sent > most || sent < most/2 {
		t.Errorf("%d bytes in %d s, want at most %d; once to all is %d", sent, seconds, most, one)
	}
	late := r.client(5000, "198.51.100.1:1", wire.Extended)
	at[late.at.String()] = late
	deliver(late.beacon())
	r.hub.dirty = true
	r.now = r.now.Add(100 * time.Millisecond)
	r.hub.tick(r.now, r.m)
	if r.play(r.sent(), late); len(late.list) != clients {
		t.Errorf("who has come is told of %d", len(late.list))
	}
}
