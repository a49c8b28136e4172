package mesh

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"

	"gateway/adapters/mesh/wire"
	"gateway/bridge"
	"gateway/bridge/datagram"

	"golang.org/x/time/rate"
)

// A node is one client of somebody's mesh. It does what the original's does.
type node struct {
	base
	noise rate.Sometimes
	asker *asker
	seen  chan struct{} // closed when the server has said where it sees us

	telling sync.Mutex // guards stood; the bridge is told with it held
	stood   error      // how we stood when that was told

	lock   sync.Mutex     // guards the rest
	server netip.AddrPort // zero until it is known
	link   link
	self   netip.AddrPort // where the server sees us
	nat    wire.NAT
	peers  []*peer                  // in the order of their coming
	listed map[netip.AddrPort]*peer // by where the server sees them
	from   map[netip.AddrPort]*peer // by where they send from
	byUUID map[wire.UUID]*peer
	byName map[string]*peer
	coming listing   // a list in parts
	told   time.Time // of the last report
	values []byte    // of what is being composed
}

func newNode(a *Adapter, h bridge.Handler, p *part) *node {
	n := &node{
		base:  base{set: a.set, log: a.log, metrics: a.metrics, bridge: h, part: p},
		noise: rate.Sometimes{First: 100, Interval: time.Second}, seen: make(chan struct{}),
		listed: map[netip.AddrPort]*peer{}, from: map[netip.AddrPort]*peer{}, byUUID: map[wire.UUID]*peer{}, byName: map[string]*peer{},
	}
	n.link.err, n.stood = errNotYet, errNotYet
	n.asker = newAsker(a.set.pace.stun, n.sendRaw)
	return n
}

func (n *node) open(context.Context) error {
	if err := n.bind(netip.AddrPortFrom(netip.IPv4Unspecified(), n.set.port)); err != nil {
		return err
	}
	// The same port, where it is free: else another will do, and where there is no
	// IPv6 none.
	if n.bind(netip.AddrPortFrom(netip.IPv6Unspecified(), n.bound[0].Port())) != nil {
		if err := n.bind(netip.AddrPortFrom(netip.IPv6Unspecified(), 0)); err != nil {
			n.log.Debug("no IPv6", "err", err)
		}
	}
	return nil
}

func (n *node) serve(ctx context.Context, fail context.CancelCauseFunc) {
	n.fail = fail
	for _, socket := range n.sockets {
		n.read(socket, func(packets []datagram.Packet, now time.Time, m *mail) { n.receive(packets, now, m) })
	}
	n.crew.Go(func() { n.runResolve(ctx) })
	if len(n.set.stun) > 0 {
		n.crew.Go(func() { n.runDiscover(ctx) })
	}
	if n.set.upnp {
		n.crew.Go(func() { n.runUPnP(ctx) })
	}
	n.runTick(ctx, n.tick)
}

// socket is the one for addresses like a; nil, if there is none.
func (n *node) socket(a netip.Addr) *datagram.Socket {
	for _, s := range n.sockets {
		if s.Addr().Addr().Is4() == a.Is4() {
			return s
		}
	}
	return nil
}

// sendRaw sends a packet that is not the mesh's.
func (n *node) sendRaw(packet []byte, to netip.AddrPort) {
	_ = n.with(func(m *mail) error {
		if s := n.socket(to.Addr()); s != nil {
			m.Compose(s, packet, to, netip.Addr{})
		}
		return nil
	})
}

// mailTo sends what was built to an address.
func (n *node) mailTo(to netip.AddrPort, m *mail) {
	if s := n.socket(to.Addr()); s != nil {
		m.Compose(s, m.build.Packet(), to, netip.Addr{})
	}
}

// receive takes packets.
func (n *node) receive(packets []datagram.Packet, now time.Time, m *mail) {
	n.lock.Lock()
	defer n.lock.Unlock()
	n.metrics.beacons.Add(float64(len(packets)))
	for i := range packets {
		n.take(&packets[i], now, m)
	}
}

func (n *node) take(in *datagram.Packet, now time.Time, m *mail) {
	p := &m.packet
	switch err := p.Read(in.Data); {
	case err != nil && n.asker.take(in.Data, in.From):
	case errors.Is(err, wire.ErrChecksum):
		n.metrics.drop(dropChecksum)
	case err != nil:
		n.metrics.drop(dropMalformed)
	case in.From == n.server:
		n.fromServer(p, now, m)
	default:
		if q := n.peerAt(in.From, p, now, m); q != nil {
			n.fromPeer(q, in.From, p, now, m)
			return
		}
		n.metrics.drop(dropStranger)
	}
}

// peerAt is the peer who sends from an address. One behind a NAT that gives it
// another port for each of us comes from where nobody said: it is the one that
// the server sees at the same IP address, if it has not been met.
func (n *node) peerAt(from netip.AddrPort, p *wire.Packet, now time.Time, m *mail) *peer {
	if !p.HasUUID || p.ClientVersion == 0 || p.UUID == n.set.uuid { // one of ours may come back
		return nil
	}
	if q := n.from[from]; q != nil && q.is(p.UUID) {
		return q
	}
	// Two in networks that are alike have one internal address, and it may be a third
	// one's here.
	if q := n.byUUID[p.UUID]; q != nil && q.is(p.UUID) && q.way(from) != nil {
		return q
	}
	for _, q := range n.peers {
		if q.entry.External.Addr() != from.Addr() || !q.is(p.UUID) || q.uuid != (wire.UUID{}) && q.uuid != p.UUID {
			continue
		}
		if _, met := q.chosen(now, n.set.pace.probe); met {
			continue
		}
		n.unsee(q)
		q.ways[bySeen] = way{at: from}
		n.from[from] = q
		n.probe(q, now, m)
		return q
	}
	return nil
}

// unsee forgets where a peer came from.
func (n *node) unsee(q *peer) {
	if at := q.ways[bySeen].at; n.from[at] == q {
		delete(n.from, at)
	}
	q.ways[bySeen] = way{}
}

// fromPeer takes a packet of a peer's own. Anybody can write its UUID, and its address, on
// one: what it says is believed of an address from which a time stamp has come back of
// late, and another UUID of the packet that brings one.
func (n *node) fromPeer(q *peer, from netip.AddrPort, p *wire.Packet, now time.Time, m *mail) {
	if p.MyTime != 0 {
		n.peerHead(q, &m.build)
		m.build.YourTime(p.MyTime)
		n.mailTo(from, m)
	}
	w := q.way(from)
	if w == nil {
		return
	}
	answered := p.YourTime != 0 && q.window.answer(p.YourTime, now)
	if answered {
		w.heard = now
		n.metrics.rtt.Observe(q.window.srtt.Seconds())
	}
	if !w.open(now, n.set.pace.probe) || q.uuid != p.UUID && !answered {
		if len(p.CC) > 0 {
			n.metrics.drop(dropStranger)
			n.verify(q, w, now, m) // the peer says it again
		}
		return
	}
	n.identify(q, p)
	if answered {
		n.changed(q, now, m)
	}
	if q.bound && len(p.CC) > 0 {
		m.hear(q.remote(now, &n.set.pace), p.Meta, p.CC)
		if now.Sub(w.heard) > alive*n.set.pace.probe/2 {
			n.verify(q, w, now, m) // we may send by another way, and have this one closed
		}
	}
}

// verify probes one way.
func (n *node) verify(q *peer, w *way, now time.Time, m *mail) {
	if now.Sub(w.asked) < n.set.pace.probe {
		return
	}
	w.asked = now
	n.peerHead(q, &m.build)
	m.build.MyTime(q.window.ask(now))
	n.mailTo(w.at, m)
}

// identify notes who a peer is, by its own word.
func (n *node) identify(q *peer, p *wire.Packet) {
	if p.ClientVersion != 0 {
		q.version = p.ClientVersion
	}
	if p.HasUUID && p.ClientVersion != 0 {
		n.bindUUID(q, p.UUID)
	}
	if p.Meta == nil {
		return
	}
	if name, ok := wire.Field(p.Meta, wire.KeyPeer); ok && string(name) != q.name && wire.IsName(name) {
		n.bindName(q, string(name))
	}
}

// bindUUID gives a peer its UUID, unless another has it.
func (n *node) bindUUID(q *peer, id wire.UUID) {
	if q.uuid == id || id == (wire.UUID{}) || id == n.set.uuid {
		return
	}
	n.unbind(q)
	q.uuid = id
	if n.byUUID[id] == nil {
		n.byUUID[id] = q
		q.bound = true
		n.bindName(q, q.name)
	}
}

// bindName gives a peer its name, unless another has it.
func (n *node) bindName(q *peer, name string) {
	n.unname(q)
	q.name = name
	if _, taken := wire.ParseUUID(name); taken || name == n.set.self {
		return
	}
	if q.bound && name != "" && n.byName[name] == nil {
		n.byName[name] = q
		q.named = true
	}
}

func (n *node) unname(q *peer) {
	if q.named {
		n.part.roster.set(Remote{UUID: q.uuid, Name: q.name}, false)
		delete(n.byName, q.name)
		q.named = false
		q.path = wire.Unreached // it is told anew
	}
}

func (n *node) unbind(q *peer) {
	n.unname(q)
	if q.bound {
		n.part.roster.set(Remote{UUID: q.uuid}, false)
		delete(n.byUUID, q.uuid)
		q.bound = false
		q.path = wire.Unreached
	}
}

// changed tells the bridge when a peer can be reached, or can't any more.
func (n *node) changed(q *peer, now time.Time, m *mail) {
	path := q.pathNow(now, &n.set.pace)
	if path == q.path || !q.bound {
		return
	}
	was := q.path
	q.path = path
	who := q.remote(now, &n.set.pace)
	n.noise.Do(func() { n.log.Info("path to a peer", "uuid", q.uuid, "name", q.name, "path", path) })
	if (was == wire.Unreached) == (path == wire.Unreached) {
		return
	}
	n.part.roster.set(who, path != wire.Unreached)
	m.tell(who, path != wire.Unreached)
}

// tick does what time brings.
func (n *node) tick(now time.Time, m *mail) {
	n.lock.Lock()
	defer n.lock.Unlock()
	n.beacon(now, m)
	// Many peers are asked more seldom, so that we send no more than some hundred
	// packets a second.
	every := n.set.pace.probe * time.Duration(1+len(n.peers)/100)
	for _, q := range n.peers {
		if now.Sub(q.asked) >= every {
			n.probe(q, now, m)
		}
		n.beg(q, now, m)
		n.changed(q, now, m)
	}
	n.report(now, m)
	n.metrics.peers.Set(float64(len(n.peers)))
}

// peerHead begins a packet to a peer.
func (n *node) peerHead(q *peer, b *wire.Builder) {
	b.Client(ourVersion, q.sequence, n.set.uuid)
	q.sequence++
}

// introduce is how many probes to a peer say our name.
const introduce = 20

// probe sends a peer a time stamp: by the way that is open, or by all.
func (n *node) probe(q *peer, now time.Time, m *mail) {
	q.asked = now
	n.peerHead(q, &m.build)
	m.build.MyTime(q.window.ask(now))
	if q.version >= wire.Extended && q.sequence%introduce < 2 {
		m.build.Meta(wire.AppendNames(n.values[:0], [2]string{wire.KeyPeer, n.set.self}))
	}
	packet := m.build.Packet()
	best, open := q.chosen(now, n.set.pace.probe)
	for i := range q.ways {
		at := q.ways[i].at
		// Even so the better ones are tried now and then.
		if !at.IsValid() || open && i != best && (i > best || q.sequence%introduce != 0) || i > 0 && at == q.ways[i-1].at {
			continue
		}
		if s := n.socket(at.Addr()); s != nil {
			m.Compose(s, packet, at, netip.Addr{})
		}
	}
}

// find implements carrier.
func (n *node) find(name string) (Remote, error) {
	n.lock.Lock()
	defer n.lock.Unlock()
	if name == n.link.name && name != "" {
		return n.link.remote(), nil
	}
	q := n.byName[name]
	if id, ok := wire.ParseUUID(name); ok {
		q = n.byUUID[id]
	}
	if q == nil {
		return Remote{}, errAway
	}
	return q.remote(time.Now(), &n.set.pace), nil
}

// send implements carrier.
func (n *node) send(to wire.UUID, meta []byte, values ...[]byte) error {
	return n.with(func(m *mail) error {
		n.lock.Lock()
		defer n.lock.Unlock()
		return n.carry(to, meta, values, time.Now(), m)
	})
}

func (n *node) carry(to wire.UUID, meta []byte, values [][]byte, now time.Time, m *mail) error {
	if to == (wire.UUID{}) {
		if n.link.err != nil {
			return &bridge.Error{Op: "send", Cause: bridge.Unavailable, Retry: true, Err: n.link.err}
		}
		m.values(n.serverHead, func(*wire.Builder) { n.mailTo(n.server, m) }, 0, meta, values)
		return nil
	}
	q := n.byUUID[to]
	switch {
	case q == nil:
		return errAway
	case q.version < wire.Extended:
		return errNoTexts
	}
	head := func(b *wire.Builder) { n.peerHead(q, b) }
	if w, ok := q.chosen(now, n.set.pace.probe); ok {
		m.values(head, func(*wire.Builder) { n.mailTo(q.ways[w].at, m) }, 0, meta, values)
		return nil
	}
	if q.pathNow(now, &n.set.pace) == wire.Relayed {
		m.values(head, func(*wire.Builder) { n.hand(q, m) }, wire.ForwardSpace, meta, values)
		return nil
	}
	return errAway
}

func (n *node) close() {
	_ = n.with(func(m *mail) error {
		n.lock.Lock()
		defer n.lock.Unlock()
		n.bye(m)
		return nil
	})
	n.closeSockets()
	n.crew.Wait()
}
