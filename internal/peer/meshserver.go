package peer

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// A MeshServer plays ptpserver: the same words at the same times. Like that it is
// deaf for ever after a packet that it can't read.
type MeshServer struct {
	conn  *net.UDPConn
	place *meshPlace

	mu      sync.Mutex // guards all below
	seq     uint32
	told    time.Time
	clients map[netip.AddrPort]*meshClient
	deaf    error
	packets int
}

type meshClient struct {
	uuid  []byte
	inner netip.AddrPort
	heard time.Time
	meta  string
	acks  int
}

// ServeMesh starts a server at the socket. Close closes it.
func ServeMesh(conn *net.UDPConn) *MeshServer {
	s := &MeshServer{conn: conn, told: time.Now(), clients: map[netip.AddrPort]*meshClient{}}
	s.place = openMesh(conn, time.Second, s.look, s.take)
	return s
}

// Close ends the server.
func (s *MeshServer) Close() { s.place.close() }

// look does what is due. Of one who expires nobody is told at once.
func (s *MeshServer) look(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.told) > meshList {
		s.told = now
		s.publish(now)
	}
	for at, c := range s.clients {
		if now.Sub(c.heard) > meshGone {
			delete(s.clients, at)
		}
	}
}

func (s *MeshServer) take(data []byte, from netip.AddrPort, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.packets++
	if s.deaf != nil {
		return
	}
	values, err := ParseMesh(data)
	if err != nil {
		s.deaf = fmt.Errorf("from %s: %w", from, err)
		return
	}
	c := s.clients[from]
	news := c == nil
	if news {
		c = &meshClient{}
		s.clients[from] = c
	}
	c.heard = now
	for _, v := range values {
		switch v.Type {
		case MeshUUID:
			c.uuid = v.Value
		case MeshPTPAddr:
			c.inner = v.Addr()
		case MeshMeta:
			c.meta = string(v.Value)
		case MeshYourTS:
			c.acks++
		case MeshMyTS:
			s.send(from, append(s.head(c), MeshTLV{MeshYourTS, v.Value})...)
		case MeshShutdown:
			delete(s.clients, from)
			news = true
		}
	}
	if c.uuid == nil || !c.inner.IsValid() {
		s.deaf = fmt.Errorf("from %s: no UUID, or no address", from)
		return
	}
	if news {
		s.publish(now)
	}
}

func (s *MeshServer) head(c *meshClient) []MeshTLV {
	s.seq++
	return []MeshTLV{MeshUint(MeshServerVer, 1, 2), MeshUint(MeshSequence, 4, uint64(s.seq-1)), {MeshUUID, c.uuid}}
}

// publish tells everybody of the others; mu is held.
func (s *MeshServer) publish(now time.Time) {
	for at, c := range s.clients {
		values := append(s.head(c), meshNow(now), MeshAddr(MeshYourAddr, at))
		n := 0
		for other, o := range s.clients {
			if other == at {
				continue
			}
			n++
			values = append(values, MeshAddr(MeshListExt, other))
			if other.Addr() == at.Addr() {
				values = append(values, MeshAddr(MeshListInt, o.inner))
			}
		}
		s.send(at, append(values, MeshUint(MeshClientLen, 1, uint64(n)))...)
	}
}

// send sends values. What does not fit is not sent, and what is lost, lost.
func (s *MeshServer) send(to netip.AddrPort, values ...MeshTLV) {
	if p := MeshPacket(values...); len(p) <= 1400 {
		_, _ = s.conn.WriteToUDPAddrPort(p, to)
	}
}

// Clients is where those come from who are there, and how many time stamps each has
// sent back.
func (s *MeshServer) Clients() map[netip.AddrPort]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[netip.AddrPort]int{}
	for at, c := range s.clients {
		all[at] = c.acks
	}
	return all
}

// Metas is the META of all who are there.
func (s *MeshServer) Metas() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, c := range s.clients {
		all = append(all, c.meta)
	}
	slices.Sort(all)
	return all
}

// Deaf is the packet that ended it; nil, if it hears.
func (s *MeshServer) Deaf() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.deaf
}
