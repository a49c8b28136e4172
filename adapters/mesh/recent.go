package mesh

import (
	"encoding/json"
	"sync"
	"time"
)

// fresh is how long one Snapshot is shown to all who ask.
const fresh = time.Second

// A recent keeps the last Snapshot, which takes what all peers tell of each other, for
// whoever asks within a second: pages and scrapes are as many as their readers like.
type recent struct {
	take func() Snapshot
	now  func() time.Time

	mu   sync.Mutex // guards the rest; take is called with it held, once for all who wait
	at   time.Time
	last Snapshot
	body []byte // of last as JSON; nil until somebody wants it
}

func newRecent(take func() Snapshot) *recent { return &recent{take: take, now: time.Now} }

// snapshot gives one that is not to be changed.
func (r *recent) snapshot() Snapshot {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.get()
}

func (r *recent) get() Snapshot {
	if now := r.now(); r.last.At.IsZero() || now.Sub(r.at) >= fresh {
		r.at, r.last, r.body = now, r.take(), nil
	}
	return r.last
}

// json is the same as JSON.
func (r *recent) json() ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.get()
	if r.body != nil {
		return r.body, nil
	}
	body, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, err
	}
	r.body = append(body, '\n')
	return r.body, nil
}
