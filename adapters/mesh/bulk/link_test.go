package bulk

import (
	"bytes"
	"crypto/sha256"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"gateway/adapters/mesh/wire"
)

// A net is peers and the links between them, in the time of a synctest bubble.
type testNet struct {
	t     *testing.T
	mu    sync.Mutex
	rand  *rand.Rand
	peers map[wire.UUID]*testPeer

	rate    float64 // bytes a second that leave each peer; 0: any
	delay   time.Duration
	loss    float64
	reorder float64 // share of the packets that take up to a fifth longer
	room    time.Duration
}

type testPeer struct {
	net   *testNet
	id    wire.UUID
	mover *Mover
	free  time.Time // when the link out has sent what waits
	sent  int       // bytes
	gone  bool
}

const packetHead = 28 + 28 // of IP, UDP and the mesh

func newNet(t *testing.T) *testNet {
	return &testNet{t: t, rand: rand.New(rand.NewPCG(1, 2)), peers: map[wire.UUID]*testPeer{}, room: 100 * time.Millisecond}
}

// peer adds one, whose mover runs until the test ends or stop is called.
func (n *testNet) peer(id byte, o Options) (p *testPeer, stop func()) {
	p = &testPeer{net: n, id: wire.UUID{id}}
	o.Net = p
	p.mover = NewMover(o)
	n.mu.Lock()
	n.peers[p.id] = p
	n.mu.Unlock()
	ctx, cancel := withCancel(n.t)
	ended := make(chan struct{})
	go func() { p.mover.Run(ctx); close(ended) }()
	return p, func() {
		n.mu.Lock()
		p.gone = true
		n.mu.Unlock()
		cancel()
		<-ended
	}
}

// Send implements Net.
func (p *testPeer) Send(to wire.UUID, values ...[]byte) error {
	n := p.net
	n.mu.Lock()
	defer n.mu.Unlock()
	size := packetHead
	var copies [][]byte
	for _, v := range values {
		size += 2 + len(v)
		copies = append(copies, bytes.Clone(v))
	}
	now := time.Now()
	p.sent += size
	leave := now
	if n.rate > 0 {
		if p.free.Before(now) {
			p.free = now
		}
		if p.free.Sub(now) > n.room {
			return nil // the queue is full
		}
		p.free = p.free.Add(time.Duration(float64(size) / n.rate * float64(time.Second)))
		leave = p.free
	}
	if n.rand.Float64() < n.loss || p.gone {
		return nil
	}
	late := n.delay
	if n.rand.Float64() < n.reorder {
		late += time.Duration(n.rand.Float64() * float64(n.delay) / 5)
	}
	time.AfterFunc(leave.Add(late).Sub(now), func() {
		n.mu.Lock()
		q := n.peers[to]
		if q != nil && q.gone {
			q = nil
		}
		n.mu.Unlock()
		if q == nil {
			return
		}
		for _, v := range copies {
			q.mover.Take(p.id, 2*n.delay, v)
		}
	})
	return nil
}

// object makes one of so many bytes.
func object(name string, size int) (*Object, []byte) {
	data := make([]byte, size)
	rand.NewChaCha8([32]byte{byte(size)}).Read(data)
	return &Object{
		Offer: wire.Offer{Size: uint64(size), Block: 1024, Sum: sha256.Sum256(data), Name: name},
		Data:  bytes.NewReader(data),
	}, data
}
