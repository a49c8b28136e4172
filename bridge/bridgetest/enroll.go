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
	go func() {
		told(f(e))
		h.mu.Lock()
		defer h.mu.Unlock()
		h.told = append(h.told, told)
		h.notify()
	}()
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.left = append(h.left, e)
		h.notify()
	}
}

// TellEnrolled tells what has become of enrolment n, after what came of it first; the
// first is 0.
func (h *Handler) TellEnrolled(n int, err error) {
	h.t.Helper()
	var told func(error)
	h.wait("an enrolment", func() bool {
		if n < len(h.told) {
			told = h.told[n]
		}
		return told != nil
	})
	told(err)
}

// Enrolments is how many there have been.
func (h *Handler) Enrolments() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.told)
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
