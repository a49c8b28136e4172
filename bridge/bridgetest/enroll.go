package bridgetest

import (
	"slices"

	"gateway/bridge"
)

// EnrollBy says, from now on, what comes of enrolments; nil: nobody can enroll.
func (h *Handler) EnrollBy(f func(bridge.Enrolment) error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.enroll = f
}

// Enroll implements bridge.Handler. What comes of it is told by another goroutine.
func (h *Handler) Enroll(e bridge.Enrolment, told func(error)) (leave func()) {
	h.mu.Lock()
	f := h.enroll
	h.mu.Unlock()
	if f == nil {
		told(&bridge.Error{Op: "enroll", Cause: bridge.Unsupported})
		return func() {}
	}
	go told(f(e))
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.left = append(h.left, e)
		h.notify()
	}
}

// EnrollsFor implements bridge.Handler: whoever enrolls does so at "peer.example".
func (h *Handler) EnrollsFor(_, domain string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.enroll != nil && domain == "peer.example"
}

// Left waits for the end of n enrolments and gives them in the order of that.
func (h *Handler) Left(n int) []bridge.Enrolment {
	h.t.Helper()
	var left []bridge.Enrolment
	h.wait("the end of enrolments", func() bool { left = slices.Clone(h.left); return len(left) >= n })
	return left
}
