package sip

import (
	"time"

	"gateway/bridge"
)

// PresenceOf implements bridge.Presencer: an account is there while a phone of
// it is registered, everybody else while the peer answers.
func (a *Adapter) PresenceOf(who bridge.Address) bridge.Presence {
	e := a.engine.Load()
	if e == nil {
		return bridge.Presence{}
	}
	there := false
	if _, account := e.set.passwords[who.Name]; account {
		there = len(e.registrar.contacts(who.Name, time.Now())) > 0
	} else if e.peer != nil {
		there = e.peer.isUp()
	}
	if there {
		return bridge.Presence{State: bridge.Available}
	}
	return bridge.Presence{}
}

// touch notes that an account may have come or gone. The lock is held.
func (r *registrar) touch(name string) {
	if r.touched == nil {
		r.touched = map[string]bool{}
	}
	r.touched[name] = true
}

// release lets go of the lock, and tells whose presence is another now. A
// registration that is renewed is none.
func (r *registrar) release() {
	var news []string
	for name := range r.touched {
		there := len(r.accounts[name]) > 0
		if there == r.there[name] {
			continue
		}
		news = append(news, name)
		if r.there == nil {
			r.there = map[string]bool{}
		}
		r.there[name] = there
		if !there {
			delete(r.there, name)
		}
	}
	clear(r.touched)
	r.mu.Unlock()
	for _, name := range news {
		if r.tell != nil {
			r.tell(name)
		}
	}
}
