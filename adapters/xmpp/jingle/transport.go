package jingle

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"gateway/bridge/media"
)

// A Transport says how a side can be reached by ICE (XEP-0176 section 5), and
// by which certificate it is known (XEP-0320).
type Transport struct {
	Ufrag, Pwd string
	// Candidates are those that we can use: of UDP, with an address.
	Candidates []media.Candidate
	Prints     []media.Fingerprint // by strong hashes only
	Setup      string              // "active", "passive", "actpass"; "" if none was said
	// Raw: there is no ICE (XEP-0177). Only Candidates are said then, with one for each
	// component at most, and of them only where they are.
	Raw bool
}

func readTransport(e *Element) *Transport {
	t := &Transport{Ufrag: credential(e.Attr("ufrag"), 4), Pwd: credential(e.Attr("pwd"), 22)}
	for i := range e.Children {
		c := &e.Children[i]
		switch {
		case c.Name.Space == NSICE && c.Name.Local == "candidate":
			if cand, ok := readCandidate(c); ok && len(t.Candidates) < maxCandidates {
				t.Candidates = append(t.Candidates, cand)
			}
		case c.Name.Space == NSDTLS && c.Name.Local == "fingerprint":
			if f, ok := readFingerprint(c); ok && len(t.Prints) < maxPrints {
				t.Prints = append(t.Prints, f)
				if t.Setup == "" {
					t.Setup = strings.ToLower(c.Attr("setup"))
				}
			}
		}
	}
	return t
}

// credential is a ufrag or pwd, or "" for what can be none (RFC 8839 section
// 5.4). Not every client makes them of ice-chars only; none may have spaces.
func credential(s string, least int) string {
	if len(s) < least || len(s) > maxCred || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return ""
	}
	return s
}

// readCandidate reads one. What is not of UDP or has a name for an address
// (mDNS) is none of ours.
func readCandidate(e *Element) (media.Candidate, bool) {
	c := media.Candidate{Foundation: e.Attr("foundation"), Component: 1, Type: media.CandidateType(e.Attr("type"))}
	if p := e.Attr("protocol"); p != "" && !strings.EqualFold(p, "udp") {
		return c, false
	}
	if comp := e.Attr("component"); comp != "" {
		n, err := strconv.ParseUint(comp, 10, 8)
		if err != nil || n < 1 || n > 2 {
			return c, false
		}
		c.Component = int(n)
	}
	var ok bool
	if c.Address, ok = address(e.Attr("ip"), e.Attr("port")); !ok {
		return c, false
	}
	if prio, err := strconv.ParseUint(e.Attr("priority"), 10, 32); err == nil {
		c.Priority = uint32(prio)
	}
	switch c.Type {
	case media.Host, media.ServerReflexive, media.PeerReflexive, media.Relayed:
	case "":
		c.Type = media.Host
	default:
		return c, false
	}
	if !foundation(c.Foundation) {
		c.Foundation = "0"
	}
	c.Related, _ = address(e.Attr("rel-addr"), e.Attr("rel-port"))
	return c, true
}

func foundation(s string) bool {
	return s != "" && len(s) <= 32 && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r == '+' || r == '/')
	})
}

func address(ip, port string) (netip.AddrPort, bool) {
	a, err1 := netip.ParseAddr(ip)
	n, err2 := strconv.ParseUint(port, 10, 16)
	if err1 != nil || err2 != nil || n == 0 || a.Zone() != "" || a.IsUnspecified() || a.IsMulticast() || a.Is6() && a.IsLinkLocalUnicast() {
		// A link-local one means nothing without its link.
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(a.Unmap(), uint16(n)), true
}

// hashes are the strong ones with the length of their fingerprints in text.
var hashes = map[string]int{"sha-256": 32*3 - 1, "sha-384": 48*3 - 1, "sha-512": 64*3 - 1}

func readFingerprint(e *Element) (media.Fingerprint, bool) {
	f := media.Fingerprint{Hash: strings.ToLower(e.Attr("hash")), Value: strings.ToUpper(strings.TrimSpace(e.Text))}
	if hashes[f.Hash] == 0 || len(f.Value) != hashes[f.Hash] {
		return f, false
	}
	for i := range len(f.Value) {
		switch c := f.Value[i]; {
		case i%3 == 2 && c == ':', i%3 != 2 && (c >= '0' && c <= '9' || c >= 'A' && c <= 'F'):
		default:
			return f, false
		}
	}
	return f, true
}

func (t *Transport) element() Element {
	if t.Raw {
		return t.rawElement()
	}
	e := New(NSICE, "transport", "ufrag", t.Ufrag, "pwd", t.Pwd)
	for _, f := range t.Prints {
		print := New(NSDTLS, "fingerprint", "hash", f.Hash, "setup", t.Setup)
		print.Text = f.Value
		e = e.With(print)
	}
	for i, c := range t.Candidates {
		e = e.With(candidateElement(c, t.Ufrag, i))
	}
	return e
}

// candidateElement writes a candidate with all that any client looks for.
func candidateElement(c media.Candidate, ufrag string, i int) Element {
	var rel, relPort string
	if c.Related.IsValid() {
		rel, relPort = c.Related.Addr().String(), strconv.Itoa(int(c.Related.Port()))
	}
	addr := c.Address.Addr().String()
	id := "c" + strconv.Itoa(i) + "-" + c.Foundation + "-" + strconv.Itoa(int(c.Address.Port())) + "-" + ufrag
	return New(NSICE, "candidate", "component", strconv.Itoa(c.Component), "foundation", c.Foundation, "generation", "0",
		"id", nmtoken(id), "ip", addr, "network", "0", "port", strconv.Itoa(int(c.Address.Port())),
		"priority", strconv.FormatUint(uint64(c.Priority), 10), "protocol", "udp", "rel-addr", rel, "rel-port", relPort, "type", string(c.Type))
}

// nmtoken leaves out what an NCName can't have.
func nmtoken(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("+/", r) {
			return '_'
		}
		return r
	}, s)
}

// merge adds what a transport-info says to what is known of a side; false if it
// says nothing new. Another ufrag with a pwd begins a new run (XEP-0176 section
// 6): its candidates are all there are.
func (t *Transport) merge(more *Transport) bool {
	if more.Raw {
		return t.mergeRaw(more)
	}
	news := false
	fresh := t.Pwd == "" && (t.Ufrag == "" || t.Ufrag == more.Ufrag) // nothing is known but candidates
	switch {
	case more.Ufrag != "" && fresh:
		news = t.Ufrag != more.Ufrag || more.Pwd != ""
		t.Ufrag, t.Pwd = more.Ufrag, more.Pwd
	case more.Ufrag != "" && more.Pwd != "" && (more.Ufrag != t.Ufrag || more.Pwd != t.Pwd):
		t.Ufrag, t.Pwd, t.Candidates, news = more.Ufrag, more.Pwd, nil, true
	case more.Ufrag != "" && more.Ufrag != t.Ufrag:
		return false // of a run that is over, or not begun
	}
	for _, c := range more.Candidates {
		if len(t.Candidates) < maxCandidates && !slices.ContainsFunc(t.Candidates, func(o media.Candidate) bool {
			return o.Component == c.Component && o.Address == c.Address && o.Type == c.Type
		}) {
			t.Candidates = append(slices.Clone(t.Candidates), c)
			news = true
		}
	}
	return news
}
