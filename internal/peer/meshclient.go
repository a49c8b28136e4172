package peer

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// The original's times.
const (
	meshLook       = 50 * time.Millisecond
	meshBeacon     = 7 * time.Second        // a client's to its server
	meshPeerBeacon = 500 * time.Millisecond // and to its peers
	meshList       = 13 * time.Second       // a server's to its clients
	meshGone       = 30 * time.Second       // a client who was not heard
)

// MeshClientConfig is what a client of a mesh is told.
type MeshClientConfig struct {
	Conn   *net.UDPConn // Close closes it
	Server netip.AddrPort
	Local  netip.AddrPort // what it tells the server of itself
	// Name makes it one that knows texts: it says version 3, and that name in META.
	Name string
}

// A MeshClient plays ptpclient: the same words at the same times.
type MeshClient struct {
	cfg   MeshClientConfig
	uuid  [16]byte
	place *meshPlace

	mu       sync.Mutex // guards all below
	seq      uint32     // to the server
	beaconed time.Time
	asked    time.Time // the peers
	you      netip.AddrPort
	lists    int
	peers    map[netip.AddrPort]*MeshPeer
	bad      []error
	texts    []MeshText
	receipts map[uint32]string // what they say, by message
	ackd     int               // answers of the server's
}

// A MeshPeer is what a client knows of another.
type MeshPeer struct {
	Sent, Answered int
	RTT            time.Duration
	seq            uint32
}

// A MeshText is a text that has come whole.
type MeshText struct{ From, To, Text string }

// JoinMesh starts a client. Its first beacon is sent at once.
func JoinMesh(cfg MeshClientConfig) *MeshClient {
	c := &MeshClient{cfg: cfg, peers: map[netip.AddrPort]*MeshPeer{}, receipts: map[uint32]string{}}
	_, _ = rand.Read(c.uuid[:]) // never fails
	c.look(time.Now())
	c.place = openMesh(cfg.Conn, meshLook, c.look, c.take)
	return c
}

// Close ends the client as q does: with a word to the server.
func (c *MeshClient) Close() {
	c.mu.Lock()
	c.send(c.cfg.Server, append(c.head(c.seq), MeshAddr(MeshPTPAddr, c.cfg.Local), MeshUint(MeshShutdown, 1, 1), c.meta())...)
	c.mu.Unlock()
	c.Kill()
}

// Kill ends it without one.
func (c *MeshClient) Kill() { c.place.close() }

// look does what is due.
func (c *MeshClient) look(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.Sub(c.beaconed) > meshBeacon {
		c.beaconed = now
		c.send(c.cfg.Server, append(c.head(c.seq), MeshAddr(MeshPTPAddr, c.cfg.Local), meshNow(now), c.meta())...)
		c.seq++
	}
	if now.Sub(c.asked) > meshPeerBeacon {
		c.asked = now
		for at, p := range c.peers {
			c.send(at, append(c.head(p.seq), meshNow(now))...)
			p.seq++
			p.Sent++
		}
	}
}

// meshNow is a time stamp: seconds, and 32 bits of their fraction.
func meshNow(now time.Time) MeshTLV {
	return MeshUint(MeshMyTS, 8, uint64(now.Unix())<<32|uint64(now.Nanosecond())<<32/1e9)
}

// since is how long ago a time stamp was.
func meshSince(stamp uint64, now time.Time) time.Duration {
	return now.Sub(time.Unix(int64(stamp>>32), int64(stamp&(1<<32-1)*1e9>>32)))
}

func (c *MeshClient) head(seq uint32) []MeshTLV {
	version := uint64(2)
	if c.cfg.Name != "" {
		version = 3
	}
	return []MeshTLV{MeshUint(MeshClientVer, 1, version), MeshUint(MeshSequence, 4, uint64(seq)), {MeshUUID, c.uuid[:]}}
}

// meta is the client's table of servers.
func (c *MeshClient) meta() MeshTLV {
	at := c.cfg.Server
	name := ""
	if c.cfg.Name != "" {
		name = fmt.Sprintf(`, "peer": %q`, c.cfg.Name)
	}
	return MeshTLV{MeshMeta, fmt.Appendf(nil,
		`{"%s-%d": {"stats": {"rcvd": %d, "rtt": 0.0, "ackd": %d, "sent": %d}, "sin": ["%[1]s", %[2]d], "name": "%[1]s", "ts": %.3[6]f}%[7]s}`,
		at.Addr(), at.Port(), c.lists, c.ackd, c.seq, float64(time.Now().UnixMilli())/1e3, name)}
}

// send sends values. What can't be sent is lost, as on the way.
func (c *MeshClient) send(to netip.AddrPort, values ...MeshTLV) {
	_, _ = c.cfg.Conn.WriteToUDPAddrPort(MeshPacket(values...), to)
}

func (c *MeshClient) take(data []byte, from netip.AddrPort, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.peers[from]
	if p == nil && from != c.cfg.Server {
		return
	}
	values, err := ParseMesh(data)
	if err != nil {
		c.bad = append(c.bad, fmt.Errorf("from %s: %w", from, err))
		return
	}
	seq := &c.seq
	if p != nil {
		seq = &p.seq
	}
	if v, ok := meshFind(values, MeshMyTS); ok {
		c.send(from, append(c.head(*seq), MeshTLV{MeshYourTS, v.Value})...)
		*seq++
	}
	if v, ok := meshFind(values, MeshYourTS); ok {
		c.ackd++
		if p != nil {
			p.Answered++
			p.RTT = meshSince(v.Uint(), now)
		}
	}
	if p == nil {
		c.list(values)
	}
	if c.cfg.Name != "" {
		c.text(from, seq, values)
	}
}

// list takes a server's list: an internal address stands for the one before it.
func (c *MeshClient) list(values []MeshTLV) {
	if v, ok := meshFind(values, MeshYourAddr); ok {
		c.you = v.Addr()
	}
	count, ok := meshFind(values, MeshClientLen)
	if !ok {
		return
	}
	var list []netip.AddrPort
	for _, v := range values {
		switch {
		case v.Type == MeshListExt:
			list = append(list, v.Addr())
		case v.Type == MeshListInt && len(list) > 0:
			list[len(list)-1] = v.Addr()
		}
	}
	if int(count.Uint()) != len(list) {
		c.bad = append(c.bad, fmt.Errorf("a list of %d says %d", len(list), count.Uint()))
		return
	}
	c.lists++
	for at := range c.peers {
		if !slices.Contains(list, at) {
			delete(c.peers, at)
		}
	}
	for _, at := range list {
		if c.peers[at] == nil {
			c.peers[at] = &MeshPeer{}
		}
	}
}

// Peers is what it knows of each that the server lists.
func (c *MeshClient) Peers() map[netip.AddrPort]MeshPeer {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := map[netip.AddrPort]MeshPeer{}
	for at, p := range c.peers {
		all[at] = *p
	}
	return all
}

// Seen is where the server sees it; zero before it has said so.
func (c *MeshClient) Seen() netip.AddrPort {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.you
}

// Lists is how many lists have come.
func (c *MeshClient) Lists() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lists
}

// Bad is what came that would have ended the original, or was no packet.
func (c *MeshClient) Bad() []error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clip(c.bad)
}

// UUID is its own, in the form with dashes.
func (c *MeshClient) UUID() string {
	u := c.uuid
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

// number reads a big-endian u32.
func meshNumber(b []byte) uint32 { return binary.BigEndian.Uint32(b) }
