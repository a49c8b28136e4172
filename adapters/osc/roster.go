package osc

import (
	"sync"

	"gateway/bridge"
)

// A roster knows who is in which group, for those who ask what the hub's lock
// must not be taken for.
type roster struct {
	naming bridge.Naming
	bridge bridge.Handler

	mu     sync.Mutex                 // guards the rest; nobody is called with it held
	groups map[string]map[string]bool // members by group
}

func newRoster(naming bridge.Naming, h bridge.Handler) *roster {
	return &roster{naming: naming, bridge: h, groups: map[string]map[string]bool{}}
}

// joined notes a member of a group, and tells the bridge.
func (r *roster) joined(user, group string) {
	if !isName(user) || !isName(group) {
		return // nobody can be called that
	}
	r.mu.Lock()
	members := r.groups[group]
	first := len(members) == 0
	if first {
		members = map[string]bool{}
		r.groups[group] = members
	}
	news := !members[user]
	members[user] = true
	r.mu.Unlock()
	r.changed(user, group, news, first)
}

// left notes that a member of a group is gone, and tells the bridge.
func (r *roster) left(user, group string) {
	r.mu.Lock()
	members := r.groups[group]
	news := members[user]
	delete(members, user)
	last := len(members) == 0
	if last {
		delete(r.groups, group)
	}
	r.mu.Unlock()
	r.changed(user, group, news, last)
}

// changed tells the bridge of a member, and of the group where that was the first
// or the last.
func (r *roster) changed(user, group string, member, all bool) {
	if member {
		r.bridge.Changed(bridge.Address{Name: r.naming.Text(bridge.Name{Lead: user, Main: group})})
	}
	if member && all {
		r.bridge.Changed(bridge.Address{Name: r.naming.Text(bridge.Name{Main: group})})
	}
}

// there reports whether a member is in a group, or without one whether anybody
// is.
func (r *roster) there(n bridge.Name) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n.Lead == "" {
		return len(r.groups[n.Main]) > 0
	}
	return r.groups[n.Main][n.Lead]
}
