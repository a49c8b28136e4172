package xmpp

import (
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
	users  map[bridge.Name]map[string]bridge.Presence
	probed map[bridge.Name]bool
}

// note takes what a client shows, and says whether that makes a difference to
// what of says.
func (k *known) note(client bridge.Name, p bridge.Presence) bool {
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
				k.users = map[bridge.Name]map[string]bridge.Presence{}
			}
			devices = map[string]bridge.Presence{}
			k.users[user] = devices
		}
		if _, there := devices[client.Tail]; there || len(devices) < maxDevices {
			devices[client.Tail] = p
		}
	}
	return k.best(user) != before
}

// best is the most reachable of a user's clients. For callers that hold mu.
func (k *known) best(user bridge.Name) bridge.Presence {
	var best bridge.Presence
	for _, p := range k.users[user] {
		if p.State > best.State || p.State == best.State && p.Note > best.Note {
			best = p
		}
	}
	return best
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
