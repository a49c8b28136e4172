package mesh

import "sync"

// A roster knows who is there, for those who ask what the lock of a hub must not be
// taken for.
type roster struct {
	mu    sync.Mutex      // guards there; nobody is called with it held
	there map[string]bool // names, and UUIDs in their text form
}

func newRoster() *roster { return &roster{there: map[string]bool{}} }

// set notes that a peer is there, or not.
func (r *roster) set(who Remote, there bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, name := range []string{who.UUID.String(), who.Name} {
		switch {
		case name == "":
		case there:
			r.there[name] = true
		default:
			delete(r.there, name)
		}
	}
}

func (r *roster) has(name string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.there[name]
}
