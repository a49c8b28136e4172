package mesh

import (
	"context"
	"net/netip"
	"time"
)

// patientForServer is how long STUN waits for the server of the mesh, which sees us
// too.
const patientForServer = 5 * time.Second

// runDiscover finds out how our NAT behaves, at the start and every five minutes, and
// has the server told.
func (n *node) runDiscover(ctx context.Context) {
	wait := time.NewTimer(patientForServer)
	select {
	case <-n.seen:
	case <-wait.C:
	case <-ctx.Done():
	}
	wait.Stop()
	again := time.NewTicker(n.set.pace.discover)
	defer again.Stop()
	for ctx.Err() == nil {
		n.discover(ctx)
		select {
		case <-ctx.Done():
		case <-again.C:
		}
	}
}

// discover does it once.
func (n *node) discover(ctx context.Context) {
	n.lock.Lock()
	four, self := !n.server.IsValid() || n.server.Addr().Is4(), n.self
	n.lock.Unlock()
	var servers []netip.AddrPort
	for _, hostPort := range n.set.stun {
		a, err := resolve(ctx, hostPort, four)
		if err != nil {
			n.log.Debug("a STUN server is not found", "server", hostPort, "err", err)
			continue
		}
		servers = append(servers, a)
	}
	if len(servers) == 0 {
		return
	}
	filters, err := filtering(ctx, servers, n.set.pace.stun)
	if err != nil {
		n.log.Debug("no word of our NAT", "err", err)
	}
	maps, at := n.asker.findMapping(ctx, servers, n.local(servers[0]), self)
	if ctx.Err() != nil {
		return
	}
	if !at.IsValid() {
		n.log.Warn("no STUN server answers", "servers", n.set.stun)
	}
	n.lock.Lock()
	defer n.lock.Unlock()
	news := n.nat.Mapping != maps || n.nat.Filtering != filters || n.nat.Seen != at
	n.nat.Mapping, n.nat.Filtering, n.nat.Seen = maps, filters, at
	if news {
		n.told = time.Time{} // at once
		n.log.Info("our NAT", "mapping", maps, "filtering", filters, "seen", at)
	}
}
