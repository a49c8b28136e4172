package mesh

import (
	"net/netip"
	"testing"
	"time"

	"gateway/adapters/mesh/wire"
	"gateway/bridge"
	"gateway/bridge/bridgetest"
)

// lastStamp is that of the last probe to a peer.
func lastStamp(q *peer) uint64 { return q.window.probes[(q.window.sent-1)%windowSize].stamp }

// What a packet says is a peer's is heard of an address that has sent a time stamp back.
func TestOnlyWhoIsThereIsHeard(t *testing.T) {
	t.Parallel()
	n := newTestNode(t)
	m, now, q := newMail(), time.Unix(1_000_000, 0), n.peers[0]
	say := func(from netip.AddrPort, id wire.UUID, stamp uint64) bool {
		var b wire.Builder
		b.Client(wire.Extended, 0, id)
		if stamp != 0 {
			b.YourTime(stamp)
		}
		b.CC([]byte("Text"))
		n.receive(packetsOf(from, b.Packet()), now, m)
		heard := len(m.heard) > 0
		m.heard = nil
		return heard
	}
	at := q.entry.External
	if say(at, tim, 0) || say(at, tim, uint64(now.UnixNano())) {
		t.Error("a forged text is heard")
	}
	if !say(at, tim, lastStamp(q)) || !say(at, tim, 0) {
		t.Error("who has sent the time stamp back is not heard")
	}
	if say(addr("192.0.2.1:2000"), tim, 0) {
		t.Error("a neighbour is heard")
	}
	asked := q.window.sent
	if now = now.Add(alive * n.set.pace.probe); say(at, tim, 0) {
		t.Error("who was there once is heard for ever")
	}
	if q.window.sent != asked+1 || !say(at, tim, lastStamp(q)) {
		t.Error("it is not asked whether it is there")
	}
	// The original's server says no UUIDs.
	n.replace([]wire.Entry{{External: addr("192.0.2.7:1")}}, now, m)
	q = n.peers[0]
	if say(addr("192.0.2.7:1"), wire.UUID{9}, 0) || q.bound {
		t.Error("a UUID is believed of one packet")
	}
	if !say(addr("192.0.2.7:1"), tim, lastStamp(q)) || say(addr("192.0.2.7:1"), wire.UUID{9}, 0) || q.uuid != tim {
		t.Errorf("it is %v", q.uuid)
	}
	if !say(addr("192.0.2.7:1"), wire.UUID{9}, lastStamp(q)) || q.uuid != (wire.UUID{9}) {
		t.Error("another program at a peer's address is not another peer")
	}
}

// A stateHandler looks whether the node's lock is free.
type stateHandler struct {
	*bridgetest.Handler
	node *node
	held bool
}

func (h *stateHandler) State(up bool, err error) {
	if !h.node.lock.TryLock() {
		h.held = true
		return
	}
	h.node.lock.Unlock()
	h.Handler.State(up, err)
}

func TestTheBridgeIsToldBehindTheLock(t *testing.T) {
	t.Parallel()
	n := newTestNode(t)
	h := &stateHandler{Handler: bridgetest.NewHandler(t), node: n}
	n.bridge = h
	m := newMail()
	stand := func(err error) {
		n.lock.Lock()
		n.stand(err, m)
		n.lock.Unlock()
		n.post(m)
	}
	stand(nil)
	h.WaitState(true)
	stand(errSilent)
	if h.WaitState(false); h.held {
		t.Error("the node's lock is held")
	}
}

var _ bridge.Handler = (*stateHandler)(nil)
