package bridge

// An Enrolment is the wish of somebody on one adapter to be registered at the peer
// of another, with credentials of their own.
type Enrolment struct {
	At       string // the adapter
	User     string // whom the peer knows by this, at Domain if names have one there
	Domain   string // "" if it was not said
	Login    string // for the credentials
	Password Secret
}

// An Enroller is an adapter at whose peer others can be registered.
type Enroller interface {
	// Enroll registers e at the peer, and keeps it registered until leave is
	// called. It returns at once. told hears nil when that is so and an *Error when
	// it is not, first what has come of it, then each change; it must not block. What
	// the peer has for that name comes, and what that name sends goes, as for a name
	// of the adapter's own. leave waits for nothing; nothing new is told behind it.
	Enroll(e Enrolment, told func(error)) (leave func())
	// EnrollsFor reports whether a domain is the adapter's own, or its peer's.
	EnrollsFor(domain string) bool
}

func (h *handler) Enroll(e Enrolment, told func(error)) (leave func()) {
	at, ok := h.b.adapters[e.At].(Enroller)
	if !ok {
		told(&Error{Op: "enroll", Cause: Unsupported, Reason: "nobody is registered there"})
		return func() {}
	}
	return at.Enroll(e, told)
}

func (h *handler) EnrollsFor(at, domain string) bool {
	a, ok := h.b.adapters[at].(Enroller)
	return ok && a.EnrollsFor(domain)
}
