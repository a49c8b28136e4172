package bulk

import "time"

// A State is one transfer at one moment.
type State struct {
	Name  string    `json:"name"`
	Size  uint64    `json:"size"`
	Bytes uint64    `json:"bytes"`          // so far
	To    string    `json:"to,omitempty"`   // UUID of who it is sent to
	From  []string  `json:"from,omitempty"` // UUIDs of who send it
	Rate  float64   `json:"rate"`           // bytes a second, since it began
	Began time.Time `json:"began"`
}

// States are the transfers that are under way, as of the last tick.
func (m *Mover) States() []State {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]State{}, m.states...)
}

// publish makes States tell of now.
func (m *Mover) publish(ticked bool) {
	if !ticked && len(m.order)+len(m.sendings) > 0 {
		return
	}
	var all []State
	now := time.Now()
	rate := func(n uint64, since time.Time) float64 { return float64(n) / max(now.Sub(since).Seconds(), 0.001) }
	for _, f := range m.order {
		s := State{Name: f.offer.Name, Size: f.offer.Size, Bytes: f.got(), Began: f.began, Rate: rate(f.got(), f.began)}
		for _, o := range f.sources {
			s.From = append(s.From, o.peer.String())
		}
		all = append(all, s)
	}
	for _, s := range m.sendings {
		n := min(uint64(s.count)*uint64(s.object.Offer.Block), s.object.Offer.Size)
		all = append(all, State{
			Name: s.object.Offer.Name, Size: s.object.Offer.Size, Bytes: n, To: s.to.String(), Began: s.began, Rate: rate(n, s.began),
		})
	}
	m.mu.Lock()
	m.states = all
	m.mu.Unlock()
}
