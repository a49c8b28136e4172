package sip

import (
	"fmt"
	"net/netip"
	"strings"

	"gateway/adapters/sip/wire"
)

// A listener is one entry of Config.Listen.
type listener struct {
	network string // "udp", "tcp", "tls", "ws" or "wss"
	addr    netip.AddrPort
}

func parseListener(s string) (listener, error) {
	network, addr, ok := strings.Cut(s, ":")
	switch network {
	case networkUDP, networkTCP, networkTLS, networkWS, networkWSS:
	default:
		ok = false
	}
	if !ok {
		return listener{}, fmt.Errorf(`want "udp:ADDRESS:PORT", or tcp, tls, ws or wss, got %q`, s)
	}
	ap, err := netip.ParseAddrPort(addr)
	if err != nil {
		return listener{}, fmt.Errorf("want an IP address and a port behind %s:, got %q", network, addr)
	}
	return listener{network: network, addr: netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())}, nil
}

// A target is where the peer or the proxy is, as the mapping file says.
type target struct {
	host    string // name, or IP address (IPv6 in brackets)
	port    uint16 // 0: not said
	network string // "udp", "tcp", "tls"; "": not said
	loose   bool   // ;lr
	sips    bool   // every URI that leads there is to be one of sips:
}

func parseTarget(s string) (target, error) {
	uri, err := wire.ParseURI(s)
	if err != nil || uri.Scheme != "sip" && uri.Scheme != "sips" {
		return target{}, fmt.Errorf(`want a URI as in "sip:10.0.0.5:5060", got %q`, s)
	}
	host, ok := foldHost(uri.Host)
	if !ok || uri.User != "" || uri.Password != "" || len(uri.Headers) > 0 {
		return target{}, fmt.Errorf("want a host, perhaps a port and a transport, got %q", s)
	}
	t := target{host: host, port: uint16(uri.Port), sips: uri.Scheme == "sips"}
	for _, p := range uri.UriParams {
		switch strings.ToLower(p.K) {
		case "transport":
			t.network = strings.ToLower(p.V)
		case "lr":
			t.loose = true
		default:
			return target{}, fmt.Errorf("the parameter %q means nothing here", p.K)
		}
	}
	if t.sips {
		return t.byTLS()
	}
	switch t.network {
	case "", networkUDP, networkTCP, networkTLS:
		return t, nil
	case networkWS, networkWSS:
		return target{}, fmt.Errorf("transport=%s is for those who come to us: want udp, tcp or tls", t.network)
	}
	return target{}, fmt.Errorf("transport %q is not known: want udp, tcp or tls", t.network)
}

// byTLS is a target of sips:, whose transport says by what TLS goes (RFC 5630
// section 3.1.4).
func (t target) byTLS() (target, error) {
	switch t.network {
	case "", networkTCP, networkTLS:
		t.network = networkTLS
		return t, nil
	}
	return target{}, fmt.Errorf("a sips: URI does not go by transport=%s", t.network)
}

// hostport is the target as it stands in a URI.
func (t target) hostport() string {
	if t.port == 0 {
		return t.host
	}
	return fmt.Sprintf("%s:%d", t.host, t.port)
}

func (t target) scheme() string {
	if t.sips {
		return "sips"
	}
	return "sip"
}

func parseNetwork(s string) (netip.Prefix, error) {
	if p, err := netip.ParsePrefix(s); err == nil {
		if p.Addr().Is4In6() {
			return p, fmt.Errorf("write %q as IPv4", s)
		}
		return p.Masked(), nil
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return netip.Prefix{}, fmt.Errorf(`want a network as in "10.0.0.0/24", got %q`, s)
	}
	a = a.Unmap()
	return netip.PrefixFrom(a, a.BitLen()), nil
}
