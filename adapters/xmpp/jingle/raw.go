package jingle

import (
	"net/netip"
	"slices"
	"strconv"

	"gateway/bridge/media"
)

// readRaw reads a transport without ICE (XEP-0177): of each component the first
// address that we can use. Keys by DTLS are not for it.
func readRaw(e *Element) *Transport {
	t := &Transport{Raw: true}
	for i := range e.Children {
		c := &e.Children[i]
		if c.Name.Space != NSRaw || c.Name.Local != "candidate" {
			continue
		}
		if cand, ok := readCandidate(c); ok && !t.At(cand.Component).IsValid() {
			t.Candidates = append(t.Candidates, cand)
		}
	}
	return t
}

// At is where a component of a transport without ICE is; not valid if it is
// nowhere.
func (t *Transport) At(component int) netip.AddrPort {
	for _, c := range t.Candidates {
		if c.Component == component {
			return c.Address
		}
	}
	return netip.AddrPort{}
}

// mergeRaw is merge for a transport without ICE: an address takes the place of
// what was said before of its component (XEP-0177 section 5.3).
func (t *Transport) mergeRaw(more *Transport) bool {
	t.Raw = true
	news := false
	for _, c := range more.Candidates {
		if t.At(c.Component) == c.Address {
			continue
		}
		news = true
		t.Candidates = append(slices.DeleteFunc(slices.Clone(t.Candidates), func(o media.Candidate) bool {
			return o.Component == c.Component
		}), c)
	}
	return news
}

// rawTransport is our end of one.
func rawTransport(l Local, mux bool) *Transport {
	t := &Transport{Raw: true, Candidates: []media.Candidate{{Component: 1, Address: l.RTP}}}
	if !mux && l.RTCP.IsValid() {
		t.Candidates = append(t.Candidates, media.Candidate{Component: 2, Address: l.RTCP})
	}
	return t
}

func (t *Transport) rawElement() Element {
	e := New(NSRaw, "transport")
	for _, c := range t.Candidates {
		port := strconv.Itoa(int(c.Address.Port()))
		e = e.With(New(NSRaw, "candidate", "component", strconv.Itoa(c.Component), "generation", "0",
			"id", "c"+strconv.Itoa(c.Component)+"-"+port, "ip", c.Address.Addr().String(), "port", port))
	}
	return e
}

// Raw reports whether the peer is reached without ICE (XEP-0177), and At where then.
func (x *Exchange) Raw() bool { return x.raw }

// At is where a peer without ICE says that a component is; not valid until it has
// said so.
func (x *Exchange) At(component int) netip.AddrPort { return x.remote.At(component) }

// Moves are the addresses in a session-accept or transport-info at which a peer without
// ICE has not been until now. Nothing is taken of it: Reach and TakeAnswer do that.
func (x *Exchange) Moves(all []Content) (to []netip.AddrPort) {
	for _, c := range all {
		if !x.raw || !x.reached(&c) {
			continue
		}
		for _, o := range c.Transport.Candidates {
			if x.remote.At(o.Component) != o.Address {
				to = append(to, o.Address)
			}
		}
	}
	return to
}
