package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/ipv4"

	"gateway/internal/peer"
)

// What the members of the group that is played to have in common.
const (
	oscPort      = 22242
	oscServerAt  = 2  // the host of the lab with the group's server
	oscEndsAt    = 20 // the host of the first member
	oscGroup     = "bench"
	oscPassword  = "bench-pw"
	oscBatch     = 64
	oscBuffer    = 8 << 20 // bytes that a member's socket holds, so that what is lost is not lost there
	oscPingEvery = 5 * time.Second
)

// oscMark is the traffic: 32 bytes, with the number of the load and that of the
// message.
func oscMark(load, n int) []byte {
	return peer.OSCMessage{Address: "/bench/mark", Args: []any{int32(load), int32(n), int32(0)}}.Packet()
}

// marked are the load of a message of oscMark, and its number.
func marked(packet []byte) (load, n int, ok bool) {
	if len(packet) != 32 || !bytes.HasPrefix(packet, []byte("/bench/mark\x00,iii")) {
		return 0, 0, false
	}
	return int(binary.BigEndian.Uint32(packet[20:])), int(binary.BigEndian.Uint32(packet[24:])), true
}

// An oscCrowd is members who listen.
type oscCrowd struct {
	server *peer.OSCServer
	conns  []*net.UDPConn
	load   atomic.Int64 // whose messages count
	got    []atomic.Int64
	cancel context.CancelFunc
	ended  sync.WaitGroup

	start time.Time
	sent  [fanMost]atomic.Int64 // when message n of the load was, in nanoseconds since start
	mu    sync.Mutex            // guards took
	took  []time.Duration       // from there to a member
}

// newOSCCrowd starts a server and n members at it who listen.
func newOSCCrowd(lab *peer.Lab, n int) (c *oscCrowd, err error) {
	ctx, cancel := context.WithCancel(context.Background())
	c = &oscCrowd{got: make([]atomic.Int64, n), cancel: cancel, start: time.Now()}
	defer func() {
		if err != nil {
			c.close()
		}
	}()
	conn, err := peer.ListenOSC(lab.At(oscServerAt, oscPort))
	if err != nil {
		return nil, err
	}
	c.server = peer.ServeOSC(conn)
	for i := range n {
		conn, err := peer.ListenOSC(lab.At(oscEndsAt+i, oscPort))
		if err != nil {
			return nil, err
		}
		c.conns = append(c.conns, conn)
		if err := holdMuch(conn); err != nil {
			return nil, err
		}
		c.ended.Go(func() { c.count(i) })
		c.ended.Go(func() { c.live(ctx, i) })
	}
	return c, nil
}

func (c *oscCrowd) close() {
	c.cancel()
	for _, conn := range c.conns {
		conn.Close()
	}
	c.ended.Wait()
	if c.server != nil {
		c.server.Close()
	}
}

// count counts the messages of the load that reach member i.
func (c *oscCrowd) count(i int) {
	conn := ipv4.NewPacketConn(c.conns[i])
	batch := make([]ipv4.Message, oscBatch)
	for j := range batch {
		batch[j].Buffers = [][]byte{make([]byte, 2048)}
	}
	for {
		n, err := conn.ReadBatch(batch, 0)
		if err != nil {
			return // closed
		}
		mine, load, now := int64(0), c.load.Load(), time.Since(c.start)
		c.mu.Lock()
		for _, m := range batch[:n] {
			if l, n, ok := marked(m.Buffers[0][:m.N]); ok && int64(l) == load && n < fanMost {
				mine++
				c.took = append(c.took, now-time.Duration(c.sent[n].Load()))
			}
		}
		c.mu.Unlock()
		c.got[i].Add(mine)
	}
}

// live has member i say that it is there, to the server and to whoever plays.
func (c *oscCrowd) live(ctx context.Context, i int) {
	name := fmt.Sprintf("end%d", i)
	at := netip.MustParseAddrPort(c.conns[i].LocalAddr().String())
	ping := peer.OSCBundle(peer.OSCMessage{Address: "/groupclient/ping", Args: []any{name}})
	alive := oscAlive(oscGroup, name, at)
	tick := time.NewTicker(oscPingEvery / 50)
	defer tick.Stop()
	for n := 0; ; n++ {
		// What can't be sent is missed by whoever waits for it.
		if n%50 == 0 {
			_, _ = c.conns[i].WriteToUDPAddrPort(alive, c.server.Addr())
		}
		for _, u := range c.server.Users() {
			if u.Name == oscPlayer && (n%50 == 0 || n < 50) {
				_, _ = c.conns[i].WriteToUDPAddrPort(ping, u.Public)
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// oscAlive is a member's word to the server, and its question who is there.
func oscAlive(group, name string, at netip.AddrPort) []byte {
	return peer.OSCBundle(peer.OSCAlive(name, "pw", at, [2]string{group, oscPassword}), peer.OSCWho(group, oscPassword))
}

// total is how many messages have reached all members together.
func (c *oscCrowd) total() int {
	sum := 0
	for i := range c.got {
		sum += int(c.got[i].Load())
	}
	return sum
}

// begin starts to count the messages of a load.
func (c *oscCrowd) begin(load int) {
	c.load.Store(int64(load))
	for i := range c.got {
		c.got[i].Store(0)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.took = nil
}

// sends notes when message n of the load is sent.
func (c *oscCrowd) sends(n int) { c.sent[n].Store(int64(time.Since(c.start))) }

// times is how long what has arrived took.
func (c *oscCrowd) times() []time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.took)
}

// all says whether every member has got something.
func (c *oscCrowd) all() bool {
	for i := range c.got {
		if c.got[i].Load() == 0 {
			return false
		}
	}
	return true
}
