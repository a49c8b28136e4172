package peer

import (
	"errors"
	"math/rand/v2"
	"net"
)

// UDPPorts are ports that nobody has at any address of this machine. Programs
// that bind every address, as oscdump does, and the apps of an OSC member, which
// sit at 127.0.0.1, can't be told apart by the network of their lab.
type UDPPorts struct {
	Ports []int
	locks []net.Listener // hold the ports against others who look for some
}

// Where ports are looked for: below those that the kernel gives away, and above
// those of media.
const firstFreePort, lastFreePort = 30000, 32767

// FreeUDPPorts finds n of them.
func FreeUDPPorts(n int) (*UDPPorts, error) {
	p := &UDPPorts{}
	for range 10_000 {
		port := firstFreePort + rand.IntN(lastFreePort-firstFreePort+1)
		lock, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 255, 255, 254), Port: port})
		if err != nil {
			continue
		}
		c, err := net.ListenUDP("udp4", &net.UDPAddr{Port: port})
		if err != nil {
			lock.Close()
			continue
		}
		c.Close()
		p.Ports, p.locks = append(p.Ports, port), append(p.locks, lock)
		if len(p.Ports) == n {
			return p, nil
		}
	}
	p.Close()
	return nil, errors.New("no UDP port is free")
}

// Close lets others have the ports.
func (p *UDPPorts) Close() {
	for _, l := range p.locks {
		l.Close()
	}
}
