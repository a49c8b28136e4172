package dialog

import (
	"maps"
	"net/netip"
	"sync"
	"time"

	"gateway/adapters/sip/wire"
)

// maxCalls bounds the Calls of a Table, those that only linger among them.
const maxCalls = 65536

// Config is what the Calls of a Table have in common.
type Config struct {
	Agent string // value of User-Agent
	Allow string // value of Allow
	// Interval is the session interval that we ask for (RFC 4028); 0: half an
	// hour.
	Interval time.Duration
	// Panicked hears of a panic in a timer.
	Panicked func(p any)
}

// supported are the option tags that we know, as the value of Supported.
const (
	unreliably = "norefersub, replaces, timer"
	supported  = "100rel, " + unreliably
)

// Unsupported are those of the option tags that a request requires which we
// don't know (RFC 3261 section 8.2.2.3).
func Unsupported(m *wire.Message) []string {
	required := options(m, "Require")
	if len(required) == 0 {
		return nil
	}
	known := split(supported)
	var all []string
	for _, o := range required {
		if !has(known, o) {
			all = append(all, o)
		}
	}
	return all
}

// Supported is the header with the option tags that we know.
func Supported() wire.Field { return wire.Field{Name: "Supported", Value: supported} }

// A Table finds the Call that a message is for. Its methods may be called from
// any goroutine.
type Table struct {
	cfg   Config
	began time.Time
	clock clock

	mu      sync.Mutex // guards the rest; taken with a Call's lock held, never the other way round
	closed  bool
	calls   map[string]*Call // by our tag
	clients map[clientKey]*client
	merged  map[string]*Call       // incoming INVITEs, by what copies of one have in common
	sources map[netip.AddrPort]int // how many Calls were met there
}

// NewTable makes an empty Table.
func NewTable(cfg Config) *Table {
	if cfg.Interval == 0 {
		cfg.Interval = usualInterval
	}
	return &Table{
		cfg: cfg, began: time.Now(), calls: map[string]*Call{}, clients: map[clientKey]*client{}, merged: map[string]*Call{},
		sources: map[netip.AddrPort]int{},
	}
}

// Response hands a response to the transaction it is for; false if there is
// none.
func (t *Table) Response(m *wire.Message) bool {
	via := m.Response.Via()
	branch, _ := via.Params.Get("branch")
	t.mu.Lock()
	k := t.clients[clientKey{branch, string(m.Response.CSeq().MethodName)}]
	t.mu.Unlock()
	if k == nil {
		return false
	}
	k.c.mu.Lock()
	defer k.c.unlock()
	if !k.c.left {
		k.receive(m)
	}
	return true
}

// Inside is the Call that a request with a tag in To belongs to; nil if there
// is none.
func (t *Table) Inside(m *wire.Message) *Call {
	to, _ := m.Request.To().Params.Get("tag")
	from, _ := m.Request.From().Params.Get("tag")
	return t.Find(m.Get("Call-ID"), to, from)
}

// Find is the Call with a dialog of those names, local and remote as we see
// them; nil if there is none.
func (t *Table) Find(callID, local, remote string) *Call {
	t.mu.Lock()
	c := t.calls[local]
	t.mu.Unlock()
	if c == nil || c.callID != callID {
		return nil
	}
	c.mu.Lock()
	defer c.unlock()
	if c.find(remote) == nil {
		return nil
	}
	return c
}

// Looped says whether m is an INVITE of ours that has come back for whom it was
// sent to (RFC 3261 section 16.3, step 4). One that comes back for somebody else is a
// spiral, and none of ours.
func (t *Table) Looped(m *wire.Message) bool {
	tag, _ := m.Request.From().Params.Get("tag")
	t.mu.Lock()
	c := t.calls[tag]
	t.mu.Unlock()
	if c == nil || !c.out || c.callID != m.Get("Call-ID") {
		return false
	}
	c.mu.Lock()
	defer c.unlock()
	sent, err := wire.ParseURI(c.base.target)
	return err == nil && sent.User == m.Request.Recipient.User
}

// Knows says whether somebody at a is in a call with us.
func (t *Table) Knows(a netip.AddrPort) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sources[a] > 0
}

// Len is how many Calls there are, those that only linger among them.
func (t *Table) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.calls)
}

// Close ends every Call: each says BYE, or what its state demands, once, and
// nothing more. No Call is added after it.
func (t *Table) Close() {
	t.mu.Lock()
	t.closed = true
	all := make([]*Call, 0, len(t.calls))
	for _, c := range t.calls {
		all = append(all, c)
	}
	t.mu.Unlock()
	for _, c := range all {
		c.shut()
	}
}

// add takes a Call in; false if there is no room for it.
func (t *Table) add(c *Call) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || len(t.calls) >= maxCalls {
		return false
	}
	t.calls[c.tag] = c
	return true
}

// forget drops the transactions of a Call that ends in disorder.
func (t *Table) forget(c *Call) {
	t.mu.Lock()
	defer t.mu.Unlock()
	maps.DeleteFunc(t.clients, func(_ clientKey, k *client) bool { return k.c == c })
}

// remove forgets a Call.
func (t *Table) remove(c *Call) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.calls, c.tag)
	if c.merge != "" && t.merged[c.merge] == c {
		delete(t.merged, c.merge)
	}
	if c.met.IsValid() {
		if t.sources[c.met]--; t.sources[c.met] <= 0 {
			delete(t.sources, c.met)
		}
	}
}

// meet notes where the other end of a Call is.
func (t *Table) meet(c *Call, a netip.AddrPort) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c.met.IsValid() {
		if t.sources[c.met]--; t.sources[c.met] <= 0 {
			delete(t.sources, c.met)
		}
	}
	c.met = a
	t.sources[a]++
}

// merges says whether a copy of this INVITE has come another way already (RFC
// 3261 section 8.2.2.2), and else notes it as c's.
func (t *Table) merges(key string, c *Call) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.merged[key] != nil {
		return true
	}
	t.merged[key], c.merge = c, key
	return false
}

// A clientKey is what responses have in common with their request (RFC 3261 section
// 17.1.3).
type clientKey struct{ branch, method string }

func (k *client) key() clientKey { return clientKey{k.branch, k.r.method} }

func (t *Table) addClient(k *client) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clients[k.key()] = k
}

func (t *Table) removeClient(k *client) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.clients[k.key()] != k {
		return false
	}
	delete(t.clients, k.key())
	return true
}
