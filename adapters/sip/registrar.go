package sip

import (
	"cmp"
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"gateway/adapters/sip/wire"

	gosip "github.com/emiago/sipgo/sip"
)

// Bounds on registrations.
const (
	minExpires     = 60 * time.Second
	maxExpires     = time.Hour
	defaultExpires = 10 * time.Minute
	maxContacts    = 5 // of one account; a new one pushes out the oldest
	maxContactURI  = 512
)

// A contact is where an account is reached for a while.
type contact struct {
	uri     string // the Request-URI
	flow    flow   // that leads to it
	source  flow   // that the REGISTER came by
	callID  string // of the REGISTER that set it last
	cseq    uint32
	expires time.Time
	since   uint64 // grows with every REGISTER
}

// A registrar knows where accounts are (RFC 3261 section 10.3), in memory only.
type registrar struct {
	mu       sync.Mutex // guards the rest: sockets write, senders read
	accounts map[string][]*contact
	sources  map[flow]int // how many contacts come from it or lead to it
	turn     uint64

	// tell hears of accounts that have come or gone altogether; nil: nobody does.
	tell    func(name string)
	touched map[string]bool // accounts that may have
	there   map[string]bool // accounts that were, by what was told
}

// wish is one Contact of a REGISTER, checked.
type wish struct {
	uri     string
	flow    flow
	expires time.Duration // 0: remove it
}

var (
	errOutOfOrder = errors.New("an older REGISTER than one before it")
	errTooBrief   = errors.New("an expiry below the least")
	errContact    = errors.New("a Contact that can't be one")
)

// register does what a REGISTER of an account, whose credentials have been
// checked, asks for, all of it or nothing.
func (r *registrar) register(name string, m *wire.Message, f flow, now time.Time) error {
	wishes, all, err := readContacts(m, f)
	if err != nil {
		return err
	}
	callID, cseq := m.Get("Call-ID"), m.Request.CSeq().SeqNo
	r.mu.Lock()
	defer r.release()
	r.expire(name, now)
	for _, c := range r.accounts[name] {
		touched := all || slices.ContainsFunc(wishes, func(w wish) bool { return w.uri == c.uri })
		if touched && c.callID == callID && c.cseq >= cseq {
			return errOutOfOrder
		}
	}
	if all {
		r.keep(name, func(*contact) bool { return false })
		return nil
	}
	for _, w := range wishes {
		r.keep(name, func(c *contact) bool { return c.uri != w.uri })
		if w.expires == 0 {
			continue
		}
		if have := r.accounts[name]; len(have) >= maxContacts {
			oldest := slices.MinFunc(have, func(a, b *contact) int { return cmp.Compare(a.since, b.since) })
			r.keep(name, func(c *contact) bool { return c != oldest })
		}
		r.turn++
		r.add(name, &contact{
			uri: w.uri, flow: w.flow, source: f, callID: callID, cseq: cseq, expires: now.Add(w.expires), since: r.turn,
		})
	}
	return nil
}

func (r *registrar) add(name string, c *contact) {
	if r.accounts == nil {
		r.accounts, r.sources = map[string][]*contact{}, map[flow]int{}
	}
	r.accounts[name] = append(r.accounts[name], c)
	r.touch(name)
	r.sources[c.source]++
	r.sources[c.flow]++
}

// keep forgets the contacts of name for which stay is false. The lock is held.
func (r *registrar) keep(name string, stay func(*contact) bool) {
	have, ok := r.accounts[name]
	if !ok {
		return
	}
	var kept []*contact
	for _, c := range have {
		if stay(c) {
			kept = append(kept, c)
			continue
		}
		for _, f := range []flow{c.source, c.flow} {
			if r.sources[f]--; r.sources[f] <= 0 {
				delete(r.sources, f)
			}
		}
	}
	if len(kept) == 0 {
		delete(r.accounts, name)
		r.touch(name)
		return
	}
	r.accounts[name] = kept
}

func (r *registrar) expire(name string, now time.Time) {
	r.keep(name, func(c *contact) bool { return now.Before(c.expires) })
}

// contacts are those of an account, the newest first.
func (r *registrar) contacts(name string, now time.Time) []contact {
	r.mu.Lock()
	defer r.release()
	r.expire(name, now)
	var all []contact
	for _, c := range r.accounts[name] {
		all = append(all, *c)
	}
	slices.SortFunc(all, func(a, b contact) int { return cmp.Compare(b.since, a.since) })
	return all
}

// knows says whether an account that is registered is at the other end of f.
func (r *registrar) knows(f flow) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sources[f] > 0
}

// lost forgets the contacts behind a connection that has ended.
func (r *registrar) lost(c carrier) {
	r.prune(func(k *contact) bool { return k.flow.carrier != c })
}

// sweep forgets what has expired.
func (r *registrar) sweep(now time.Time) {
	r.prune(func(c *contact) bool { return now.Before(c.expires) })
}

func (r *registrar) prune(stay func(*contact) bool) {
	r.mu.Lock()
	defer r.release()
	for name := range r.accounts {
		r.keep(name, stay)
	}
}

// readContacts checks what a REGISTER asks for. all: every contact is to go.
func readContacts(m *wire.Message, f flow) (wishes []wish, all bool, err error) {
	standard := defaultExpires
	if v := m.Get("Expires"); v != "" {
		if standard, err = seconds(v); err != nil {
			return nil, false, err
		}
	}
	for _, h := range m.Request.GetHeaders("Contact") {
		c, ok := h.(*gosip.ContactHeader)
		if !ok {
			return nil, false, errContact
		}
		if c.Address.Wildcard {
			all = true
			continue
		}
		w, err := readContact(c, f, standard)
		if err != nil {
			return nil, false, err
		}
		wishes = append(wishes, w)
	}
	switch {
	case all && (len(wishes) > 0 || m.Get("Expires") == "" || standard != 0):
		return nil, false, errContact // RFC 3261 section 10.3, step 6
	case len(wishes) > maxContacts:
		return nil, false, errContact
	}
	return wishes, all, nil
}

func readContact(c *gosip.ContactHeader, f flow, standard time.Duration) (wish, error) {
	w := wish{expires: standard}
	for _, p := range c.Params {
		if strings.EqualFold(p.K, "expires") {
			d, err := seconds(p.V)
			if err != nil {
				return w, err
			}
			w.expires = d
		}
	}
	if w.expires > 0 && w.expires < minExpires {
		return w, errTooBrief
	}
	w.expires = min(w.expires, maxExpires)
	uri := *c.Address.Clone()
	uri.Headers = nil // RFC 3261 section 19.1.1: not in a contact
	w.uri = uri.String()
	if again, err := wire.ParseURI(w.uri); err != nil || !f.takes(again.Scheme) || len(w.uri) > maxContactURI {
		return w, errContact
	}
	w.flow = reach(f, uri)
	return w, nil
}

// reach is the way to a contact: the connection it was registered by; by UDP
// the source of the REGISTER, for a phone behind a NAT knows a useless address
// of its own; unless it names another port of that same host. No contact
// leads to a host that has not sent the REGISTER itself.
func reach(f flow, uri gosip.Uri) flow {
	a, err := netip.ParseAddr(strings.Trim(uri.Host, "[]"))
	if f.reliable() || err != nil || a.Unmap() != f.remote.Addr().WithZone("") {
		return f
	}
	port := uint16(uri.Port)
	if port == 0 {
		port = defaultPort
	}
	f.remote = netip.AddrPortFrom(f.remote.Addr(), port)
	return f
}

// seconds reads delta-seconds (RFC 3261 section 25.1). What is too large is
// as good as the largest.
func seconds(v string) (time.Duration, error) {
	if v == "" || strings.Trim(v, "0123456789") != "" {
		return 0, errContact
	}
	n, err := strconv.ParseUint(v, 10, 32)
	if err != nil {
		n = 1<<32 - 1
	}
	return time.Duration(n) * time.Second, nil
}
