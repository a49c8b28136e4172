package peer

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"
)

// A meshPlace is what a client and a server of the mesh live by: a socket that is
// read, and a clock that is looked at.
type meshPlace struct {
	conn   *net.UDPConn
	cancel context.CancelFunc
	ended  sync.WaitGroup
}

// openMesh begins to call take with what comes, and look every so often, until
// close.
func openMesh(conn *net.UDPConn, every time.Duration, look func(time.Time), take func([]byte, netip.AddrPort, time.Time)) *meshPlace {
	ctx, cancel := context.WithCancel(context.Background())
	p := &meshPlace{conn: conn, cancel: cancel}
	p.ended.Go(func() { p.read(take) })
	p.ended.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case now := <-tick.C:
				look(now)
			case <-ctx.Done():
				return
			}
		}
	})
	return p
}

func (p *meshPlace) read(take func([]byte, netip.AddrPort, time.Time)) {
	buf := make([]byte, 1401)
	for {
		n, from, err := p.conn.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			take(buf[:n], netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), time.Now())
		}
	}
}

// close closes the socket, and waits for what goes on.
func (p *meshPlace) close() {
	p.cancel()
	p.conn.Close()
	p.ended.Wait()
}
