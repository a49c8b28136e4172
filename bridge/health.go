package bridge

import (
	"errors"
	"slices"
	"sync"
	"time"
)

// Health is one adapter's state.
type Health struct {
	Adapter string    `json:"adapter"`
	Up      bool      `json:"up"`
	Since   time.Time `json:"since"`
	Error   string    `json:"error,omitempty"` // why it is not up, or what is wrong all the same
}

var errStarting = errors.New("starting")

// health knows the state of every adapter.
type health struct {
	mu  sync.Mutex // guards all: adapters write, the web page and the metrics read
	all []Health
}

func newHealth(adapters []string) *health {
	h := &health{}
	for _, a := range adapters {
		h.all = append(h.all, Health{Adapter: a, Since: time.Now(), Error: errStarting.Error()})
	}
	return h
}

// set notes a state and reports whether it is another than before.
func (h *health) set(adapter string, up bool, err error) bool {
	text := ""
	if err != nil {
		text = err.Error()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	i := slices.IndexFunc(h.all, func(s Health) bool { return s.Adapter == adapter })
	if i < 0 || h.all[i].Up == up && h.all[i].Error == text {
		return false
	}
	if h.all[i].Up != up {
		h.all[i].Since = time.Now()
	}
	h.all[i].Up, h.all[i].Error = up, text
	return true
}

func (h *health) list() []Health {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.all)
}
