package xmpp

import (
	"maps"
	"slices"
	"sync"

	"gateway/bridge"
)

// Bounds on what is remembered of who is there.
const (
	maxKnown   = 20_000
	maxDevices = 32 // of one user
)

// A known remembers what users' clients have shown of them in this session.
type known struct {
	mu     sync.Mutex // guards the rest: the reader writes, the bridge asks
	users  map[bridge.Name]map[string]device
	probed map[bridge.Name]bool
}

// A device is one client of a user.
type device struct {
	bridge.Presence
	caps capability
}

// note takes what a client shows, and says whether that makes a difference to
// what of says.
func (k *known) note(client bridge.Name, p bridge.Presence, c capability) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	user := bare(client)
	before := k.best(user)
	devices := k.users[user]
	switch {
	case p.State == bridge.Offline && client.Tail == "":
		delete(k.users, user) // the user's server speaks for all
	case p.State == bridge.Offline:
		delete(devices, client.Tail)
		if len(devices) == 0 {
			delete(k.users, user)
		}
	default:
		if devices == nil {
			if len(k.users) >= maxKnown {
				return false
			}
			if k.users == nil {
				k.users = map[bridge.Name]map[string]device{}
			}
			devices = map[string]device{}
			k.users[user] = devices
		}
		if _, there := devices[client.Tail]; there || len(devices) < maxDevices {
			devices[client.Tail] = device{p, c}
		}
	}
	return k.best(user) != before
}

// best is the most reachable of a user's clients. For callers that hold mu.
func (k *known) best(user bridge.Name) bridge.Presence {
	var best bridge.Presence
	for _, d := range k.users[user] {
		p := d.Presence
		if p.State > best.State || p.State == best.State && p.Note > best.Note {
			best = p
		}
	}
	return best
}

// devices are the clients of a user that are there, in the order of their names.
func (k *known) devices(user bridge.Name) []bridge.Name {
	k.mu.Lock()
	defer k.mu.Unlock()
	var all []bridge.Name
	for _, tail := range slices.Sorted(maps.Keys(k.users[user])) {
		if tail != "" {
			all = append(all, bridge.Name{Lead: user.Lead, Main: user.Main, Tail: tail})
		}
	}
	return all
}

// capability is what a client has said of what it can.
func (k *known) capability(client bridge.Name) capability {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.users[bare(client)][client.Tail].caps
}

// of says how reachable a user is.
func (k *known) of(user bridge.Name) bridge.Presence {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.best(user)
}

// first says, once in a session, that a user has not been asked yet.
func (k *known) first(user bridge.Name) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.probed[user] || len(k.probed) >= maxKnown {
		return false
	}
	if k.probed == nil {
		k.probed = map[bridge.Name]bool{}
	}
	k.probed[user] = true
	return true
}

// forget forgets a user, and says whether anything was known.
func (k *known) forget(user bridge.Name) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, was := k.users[user]
	delete(k.users, user)
	return was
}

// reset forgets everybody: with the session, the news of them has ended.
func (k *known) reset() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.users, k.probed = nil, nil
}
