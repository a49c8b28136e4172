package peer

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"
)

// A datagram is an IPv4 packet with UDP in it.
type datagram struct {
	packet   []byte // from the IPv4 header on
	udp      int    // where the UDP header is
	from, to netip.AddrPort
}

func parseDatagram(packet []byte) (d datagram, ok bool) {
	const header, udpHeader = 20, 8
	if len(packet) < header || packet[0]>>4 != 4 || packet[9] != unix.IPPROTO_UDP {
		return d, false
	}
	size, total := int(packet[0]&15)*4, int(binary.BigEndian.Uint16(packet[2:]))
	fragment := binary.BigEndian.Uint16(packet[6:])&0x3fff != 0
	if fragment || size < header || total > len(packet) || size+udpHeader > total {
		return d, false
	}
	d = datagram{packet: packet[:total], udp: size}
	port := func(at int) uint16 { return binary.BigEndian.Uint16(packet[at:]) }
	d.from = netip.AddrPortFrom(netip.AddrFrom4([4]byte(packet[12:])), port(size))
	d.to = netip.AddrPortFrom(netip.AddrFrom4([4]byte(packet[16:])), port(size+2))
	return d, true
}

// rewrite puts from and to into the headers.
func (d *datagram) rewrite(from, to netip.AddrPort) {
	d.from, d.to = from, to
	a, b := from.Addr().As4(), to.Addr().As4()
	copy(d.packet[12:], a[:])
	copy(d.packet[16:], b[:])
	binary.BigEndian.PutUint16(d.packet[d.udp:], from.Port())
	binary.BigEndian.PutUint16(d.packet[d.udp+2:], to.Port())
	binary.BigEndian.PutUint16(d.packet[d.udp+6:], 0) // "no checksum"
	binary.BigEndian.PutUint16(d.packet[10:], 0)
	var sum uint32
	for i := 0; i < d.udp; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(d.packet[i:]))
	}
	sum = sum>>16 + sum&0xffff
	binary.BigEndian.PutUint16(d.packet[10:], ^uint16(sum>>16+sum))
}
