package osc

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	"gateway/bridge"
)

// runResolve looks the server up until there is one, and again when it is away.
func (m *member) runResolve(ctx context.Context) {
	host, port, err := net.SplitHostPort(m.set.join)
	if err != nil {
		m.fail(fmt.Errorf("join: %w", err))
		return
	}
	var pace bridge.Backoff
	for {
		addr, err := resolve(ctx, host, port)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			m.bridge.State(false, err)
		default:
			pace.Reset()
			m.mu.Lock()
			m.server = addr
			m.mu.Unlock()
			if !m.link.awaitLoss(ctx) {
				return
			}
		}
		if !pace.Wait(ctx) {
			return
		}
	}
}

// resolve finds a server's address.
func resolve(ctx context.Context, host, port string) (netip.AddrPort, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip4", host)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("look up the server: %w", err)
	}
	ap, err := netip.ParseAddrPort(net.JoinHostPort(addrs[0].Unmap().String(), port))
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("look up the server: %w", err)
	}
	return ap, nil
}
