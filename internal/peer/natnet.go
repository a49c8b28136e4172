package peer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// An Internet is hosts in network namespaces of their own, some of them behind
// NATs. Each has one cable, which ends with us: we carry its UDP over IPv4 to
// whom it is for, through the NATs, and nothing else. The kernel forwards
// nothing and needs to know nothing but namespaces and veth.
type Internet struct {
	core *namespace // where the cables end

	mu     sync.RWMutex // guards hosts and closed
	hosts  []*NetHost
	closed bool
	reads  sync.WaitGroup
}

// A NetHost is one computer of an Internet.
type NetHost struct {
	Addr  netip.Addr
	Other netip.Addr // a second one, if it has that
	NAT   *NAT       // nil: its address is a public one

	net   *Internet
	ns    *namespace
	cable *os.File // a packet socket: Ethernet frames
}

// Frames are of one size at both ends of a cable, and all hosts have one
// Ethernet address.
const (
	netMTU      = 9000
	etherHeader = 14
	hostEther   = "\x02\x00\x00\x00\x00\x01"
	ourEther    = "\x02\x00\x00\x00\x00\x02"
	hostEtherIP = "02:00:00:00:00:01" // as ip(8) has it
)

// NewInternet makes an empty one. It fails where there may be no namespaces.
func NewInternet() (*Internet, error) {
	core, err := newNamespace()
	if err != nil {
		return nil, err
	}
	return &Internet{core: core}, nil
}

// Close ends what was started at the hosts, and the hosts.
func (n *Internet) Close() {
	n.mu.Lock()
	n.closed = true
	hosts := n.hosts
	n.mu.Unlock()
	for _, h := range hosts {
		h.cable.Close()
	}
	n.reads.Wait()
	for _, h := range hosts {
		h.ns.close()
	}
	n.core.close()
}

// Host connects a computer with the address addr: in the private network of nat,
// or, if that is nil, in the world.
func (n *Internet) Host(ctx context.Context, addr string, nat *NAT) (*NetHost, error) {
	a, err := netip.ParseAddr(addr)
	if err != nil {
		return nil, fmt.Errorf("host: %w", err)
	}
	h := &NetHost{Addr: a, NAT: nat, net: n}
	if h.ns, err = newNamespace(); err != nil {
		return nil, err
	}
	if err := n.plug(ctx, h); err != nil {
		h.ns.close()
		return nil, fmt.Errorf("host %s: %w", addr, err)
	}
	n.reads.Go(h.carry)
	return h, nil
}

// plug lays the host's cable.
func (n *Internet) plug(ctx context.Context, h *NetHost) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return net.ErrClosed
	}
	name := fmt.Sprintf("host%d", len(n.hosts))
	err := n.core.ip(ctx,
		fmt.Sprintf("link add %s mtu %d type veth peer name eth0 mtu %d address %s netns %s", name, netMTU, netMTU, hostEtherIP, h.ns.path),
		"link set "+name+" up")
	if err == nil {
		// A cable has packets of the network's size only: what the host gives to
		// its card as one to be cut must be cut before it comes to us.
		err = h.ns.ip(ctx, "link set lo up", "link set eth0 gso_max_segs 1", "link set eth0 arp off up",
			fmt.Sprintf("addr add %s/24 brd + dev eth0", h.Addr), fmt.Sprintf("route add default dev eth0 src %s", h.Addr))
	}
	if err == nil {
		err = n.core.within(func() error { return untilRunning(ctx, name) })
	}
	if err == nil {
		err = n.core.within(func() error { h.cable, err = packetSocket(name); return err })
	}
	if err == nil {
		n.hosts = append(n.hosts, h)
	}
	return err
}

// untilRunning waits until an interface takes packets. Our end of a cable was up before the other, so it becomes so
// when the system comes to it (linkwatch): what is sent before is lost.
func untilRunning(ctx context.Context, name string) error {
	return Poll(ctx, func(context.Context) bool {
		i, err := net.InterfaceByName(name)
		return err == nil && i.Flags&net.FlagRunning != 0
	})
}

// packetSocket takes and gives the IPv4 frames of an interface.
func packetSocket(name string) (*os.File, error) {
	i, err := net.InterfaceByName(name)
	if err != nil {
		return nil, err
	}
	const protocol = unix.ETH_P_IP>>8 | unix.ETH_P_IP&0xff<<8 // in network order
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, protocol)
	if err != nil {
		return nil, fmt.Errorf("packet socket: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: protocol, Ifindex: i.Index}); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("packet socket: %w", err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// carry takes what the host sends to whom it is for, until the cable is out.
func (h *NetHost) carry() {
	frame := make([]byte, etherHeader+netMTU)
	for {
		n, err := h.cable.Read(frame)
		if errors.Is(err, os.ErrClosed) || n == 0 {
			return
		}
		if d, ok := parseDatagram(frame[min(n, etherHeader):n]); err == nil && ok {
			h.net.route(h, d)
		}
	}
}

// route carries d from the host at: from its network outwards, until there is somebody
// whom it is for.
func (n *Internet) route(at *NetHost, d datagram) {
	in := at.NAT                                  // the network that d is in; nil: the world
	if in != nil && d.to.Addr().As4()[3] == 255 { // 255.255.255.255, or the network's own
		n.broadcast(at, d)
		return
	}
	for {
		if to := n.host(d.to.Addr(), in); to != nil {
			if in == nil || !in.Isolated {
				to.deliver(&d, d.from, d.to)
			}
			return
		}
		if nat := n.natAt(d.to.Addr(), in); nat != nil {
			n.inward(nat, d)
			return
		}
		if in == nil || d.to.Addr() == in.Public && !in.Hairpin {
			return
		}
		d.from, in = in.Out(d.from, d.to), in.Outer
	}
}

// inward carries d through nat, and through those inside.
func (n *Internet) inward(nat *NAT, d datagram) {
	inside, ok := nat.In(d.from, d.to.Port())
	if !ok {
		return
	}
	d.to = inside
	if to := n.host(inside.Addr(), nat); to != nil {
		to.deliver(&d, d.from, inside)
	} else if inner := n.natAt(inside.Addr(), nat); inner != nil {
		n.inward(inner, d)
	}
}

// broadcast carries d to everybody else behind the same NAT.
func (n *Internet) broadcast(at *NetHost, d datagram) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	for _, h := range n.hosts {
		if h != at && h.NAT == at.NAT && !h.NAT.Isolated {
			h.deliver(&d, d.from, d.to)
		}
	}
}

// deliver gives d to the host. What does not fit is lost.
func (h *NetHost) deliver(d *datagram, from, to netip.AddrPort) {
	d.rewrite(from, to)
	frame := append([]byte(hostEther+ourEther+"\x08\x00"), d.packet...)
	_, _ = h.cable.Write(frame) // a cable that is out loses it too
}

// host is who has the address inside nat, or, if that is nil, in the world.
func (n *Internet) host(a netip.Addr, nat *NAT) *NetHost {
	n.mu.RLock()
	defer n.mu.RUnlock()
	for _, h := range n.hosts {
		if h.NAT == nat && (h.Addr == a || h.Other == a) {
			return h
		}
	}
	return nil
}

// natAt is the NAT with the public address a in a network: that inside another, or,
// if that is nil, the world.
func (n *Internet) natAt(a netip.Addr, in *NAT) *NAT {
	n.mu.RLock()
	defer n.mu.RUnlock()
	for _, h := range n.hosts {
		for nat := h.NAT; nat != nil; nat = nat.Outer {
			if nat.Public == a && nat.Outer == in {
				return nat
			}
		}
	}
	return nil
}

// AddAddress gives the host a second address.
func (h *NetHost) AddAddress(ctx context.Context, addr string) error {
	a, err := netip.ParseAddr(addr)
	if err != nil {
		return fmt.Errorf("host: %w", err)
	}
	h.net.mu.Lock()
	h.Other = a
	h.net.mu.Unlock()
	if err := h.ns.ip(ctx, fmt.Sprintf("addr add %s/24 brd + dev eth0", a)); err != nil {
		return fmt.Errorf("host %s: %w", addr, err)
	}
	return nil
}

// start starts a program at the host.
func (h *NetHost) start(ctx context.Context, p *Program) error {
	return h.ns.within(func() error { return p.Start(ctx) })
}

// ListenUDP opens a socket at the host: at its own address, or at local, which
// may be 127.0.0.1 there. Port 0 is any.
func (h *NetHost) ListenUDP(local netip.AddrPort) (*net.UDPConn, error) {
	var c *net.UDPConn
	err := h.ns.within(func() (err error) {
		c, err = net.ListenUDP("udp4", net.UDPAddrFromAddrPort(local))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("host %s: %w", h.Addr, err)
	}
	return c, nil
}

// Get asks an HTTP server at the host itself.
func (h *NetHost) Get(ctx context.Context, url string) (int, string, error) {
	transport := &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, addr string) (c net.Conn, err error) {
			err = h.ns.within(func() error {
				c, err = new(net.Dialer).DialContext(ctx, network, addr)
				return err
			})
			return c, err
		},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, "", fmt.Errorf("get %s: %w", url, err)
	}
	res, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return 0, "", fmt.Errorf("get %s: %w", url, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<24))
	if err != nil {
		return 0, "", fmt.Errorf("get %s: %w", url, err)
	}
	return res.StatusCode, string(body), nil
}

// StartGateway runs the gateway at the host, as StartPlainGateway does in a lab.
func (h *NetHost) StartGateway(ctx context.Context, lab *Lab, binary, name, mapping string, adapters ...string) (*Program, error) {
	p, err := plainGateway(lab, binary, name, mapping, adapters)
	if err != nil {
		return nil, err
	}
	return p, h.start(ctx, p)
}
