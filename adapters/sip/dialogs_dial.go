package sip

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"sync/atomic"
	"time"

	"gateway/adapters/sip/dialog"
	"gateway/adapters/sip/wire"
	"gateway/bridge"
)

const placeOp = "find where to call"

// headRoom is about what the headers of an INVITE take.
const headRoom = 900

// A place is where a call can go: the peer, or one phone.
type place struct {
	uri, to string // Request-URI, and To
	route   string // value of Route, "" for none
	user    string // of our Contact, escaped
	from    string // the caller's URI there
	addrs   []netip.AddrPort
	phone   *path // nil: the peer
	cred    *credential
}

// remote is the address that the place is tried at first.
func (p *place) remote() netip.Addr {
	if p.phone != nil {
		return p.phone.remote.Addr()
	}
	return p.addrs[0].Addr()
}

// local is our address as that one is told of it: an IP address, IPv6 in
// brackets, or a host name.
func (e *engine) local(p *place) (string, error) {
	by := p.phone
	if by == nil {
		var err error
		if by, err = e.pathTo(e.set.network, p.addrs[0]); err != nil {
			return "", err
		}
	}
	return by.host, nil
}

// places are those of a name, the newest contact first; at least one. The error
// is a *bridge.Error.
func (e *engine) places(to, from bridge.Name) ([]place, error) {
	name := e.set.naming.Text(to)
	if _, account := e.set.passwords[name]; account {
		return e.phones(to, name, from)
	}
	if e.peer == nil {
		return nil, &bridge.Error{Op: placeOp, Cause: bridge.NotFound}
	}
	addrs := e.peer.addresses()
	if len(addrs) == 0 {
		return nil, &bridge.Error{Op: placeOp, Cause: bridge.NoRoute, Retry: true, Err: fmt.Errorf("find the peer: %w", e.peer.trouble())}
	}
	p := place{
		uri: e.set.peerURI(to, e.set.peer.hostport()), to: e.set.peerURI(to, e.set.peer.host), route: e.set.route, addrs: addrs,
		user: wire.EscapeUser(e.set.userOf(from)),
	}
	if l := e.lineNamed(e.set.naming.Text(from)); l != nil {
		p.user, p.cred = l.token, &credential{user: l.is.user, password: l.is.password}
	}
	host, err := e.local(&p)
	if err != nil {
		return nil, &bridge.Error{Op: placeOp, Cause: bridge.NoRoute, Retry: true, Err: err}
	}
	p.from = e.set.peerURI(from, cmp.Or(e.set.domain, host))
	return []place{p}, nil
}

// phones are the contacts of an account.
func (e *engine) phones(to bridge.Name, name string, from bridge.Name) ([]place, error) {
	var all []place
	for _, c := range distinct(e.registrar.contacts(name, time.Now())) {
		by, err := e.pathBy(c.flow, name)
		if err != nil {
			return nil, &bridge.Error{Op: placeOp, Cause: bridge.NoRoute, Retry: true, Err: err}
		}
		domain := cmp.Or(e.set.domain, by.host)
		all = append(all, place{
			uri: c.uri, to: e.set.uri(to, domain), phone: by, from: e.set.uri(from, domain), user: wire.EscapeUser(e.set.userOf(from)),
		})
	}
	if len(all) == 0 {
		return nil, &bridge.Error{Op: placeOp, Cause: bridge.Unavailable, Reason: "not registered", Retry: true}
	}
	return all, nil
}

// A dialing is a call to be placed.
type dialing struct {
	From    bridge.Party // whom places was told
	Private bool         // the header From says nothing of the caller (RFC 3323 section 4.1)
	Hops    int          // Max-Forwards
	Fields  []wire.Field
	SDP     []byte // the offer; nil for none
	post    func(dialog.Event)
}

// dial places a call to p. It returns at once; that nothing comes of it is an
// event. nil: there is no room for another call.
func (e *engine) dial(p place, o dialing) *dialog.Call {
	from := "<" + p.from + ">"
	if d := wire.Quote(o.From.Display); d != "" {
		from = `"` + d + `" ` + from
	}
	user := p.user
	if o.Private {
		from, user = `"Anonymous" <sip:anonymous@anonymous.invalid>`, "anonymous"
	}
	if p.cred != nil {
		user = p.user // nobody can tell who it is by that
	}
	inv := dialog.Invite{
		URI: p.uri, From: from, To: "<" + p.to + ">", User: user, Hops: o.Hops, Fields: o.Fields, SDP: o.SDP,
	}
	if p.route != "" {
		inv.Routes = []string{p.route}
	}
	if p.cred != nil {
		inv.Authorize = func(m *wire.Message, method, uri string) (wire.Field, bool, error) {
			return p.cred.answer(m, &outgoing{method: method, uri: uri})
		}
	}
	if p.phone != nil {
		c := e.dialogs.Dial(inv)
		if c != nil {
			c.Own(o.post)
			c.Try(p.phone, 0)
		}
		return c
	}
	t := &tour{e: e, addrs: p.addrs, long: headRoom+len(o.SDP) > maxUDP}
	inv.More = t.more
	c := e.dialogs.Dial(inv)
	if c != nil {
		c.Own(o.post)
		t.begin(c)
	}
	return c
}

// A tour tries the addresses of the peer one after the other (RFC 3263 section
// 4.3).
type tour struct {
	e     *engine
	addrs []netip.AddrPort
	long  bool         // the INVITE may be too long for a datagram
	next  atomic.Int32 // index of the next
}

// begin tries the first address: at once where that takes no waiting.
func (t *tour) begin(c *dialog.Call) {
	if t.e.set.network == "udp" && (!t.long || t.e.streams.asked(t.addrs[0], time.Now())) {
		t.next.Add(1)
		t.try(context.Background(), c, 0) // by UDP it does not wait
		return
	}
	if !t.more(c) {
		c.Abort(errNotRunning)
	}
}

// more tries the next address, if there is one.
func (t *tour) more(c *dialog.Call) bool {
	i := int(t.next.Add(1)) - 1
	return i < len(t.addrs) && t.e.spawn(func(ctx context.Context) {
		if t.long && t.e.set.network == "udp" {
			t.e.sound(ctx, t.addrs[i])
		}
		t.try(ctx, c, i)
	})
}

// try tries one address, and those behind it if it can't be reached.
func (t *tour) try(ctx context.Context, c *dialog.Call, i int) {
	p, err := t.connect(ctx, t.addrs[i])
	if err != nil {
		t.e.peer.suspect()
		if !t.more(c) {
			c.Abort(err)
		}
		return
	}
	within := time.Duration(0)
	if i < len(t.addrs)-1 {
		within = firstTry
	}
	c.Try(p, within)
}

func (t *tour) connect(ctx context.Context, a netip.AddrPort) (*path, error) {
	f, err := t.e.way(ctx, t.e.set.network, a)
	if err != nil {
		return nil, err
	}
	return t.e.pathBy(f, "")
}
