package rtmp

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"gateway/adapters/rtmp/wire"
	"gateway/bridge"

	"golang.org/x/time/rate"
)

// A house is what lives from the beginning of one Run to its end.
type house struct {
	set     *settings
	env     bridge.Env
	log     *slog.Logger
	metrics *metrics
	bridge  bridge.Handler
	hub     *hub
	tries   *tries
	crew    crew
	stopped <-chan struct{} // closed when the end begins
	draws   atomic.Bool     // what is new is refused: the end is near
	doors   []net.Listener
	noise   rate.Sometimes // bounds what others make us log
}

func newHouse(a *Adapter, h bridge.Handler, stopped <-chan struct{}) *house {
	house := &house{
		set: a.set, env: a.env, log: a.log, metrics: a.metrics, bridge: h, stopped: stopped,
		tries: newTries(time.Now), noise: rate.Sometimes{First: 10, Interval: time.Second},
	}
	house.hub = newHub(house)
	return house
}

// open binds every door, or none.
func (h *house) open(ctx context.Context) error {
	for _, d := range h.set.doors {
		var lc net.ListenConfig
		ln, err := lc.Listen(ctx, "tcp", d.addr.String())
		if err != nil {
			h.closeDoors()
			return fmt.Errorf("listen on %v: %w", d.addr, err)
		}
		h.doors = append(h.doors, ln)
	}
	return nil
}

// serve starts everything; fail ends the Run.
func (h *house) serve(ctx context.Context, fail context.CancelCauseFunc) {
	for i, ln := range h.doors {
		if h.set.doors[i].secure {
			ln = tls.NewListener(ln, h.set.secure)
		}
		h.crew.start(func() {
			if err := wire.Serve(ctx, ln, h.set.limits, h.welcome); err != nil {
				fail(err)
			}
		})
	}
}

// close ends everything and waits for it.
func (h *house) close() {
	h.closeDoors()
	h.crew.wait()
}

func (h *house) closeDoors() {
	for _, ln := range h.doors {
		_ = ln.Close() // nothing is lost with it
	}
}

func (h *house) addrs() []netip.AddrPort {
	var all []netip.AddrPort
	for _, ln := range h.doors {
		if a, ok := ln.Addr().(*net.TCPAddr); ok {
			all = append(all, a.AddrPort())
		}
	}
	return all
}

// welcome serves a connection until its end.
func (h *house) welcome(ctx context.Context, c *wire.Conn) {
	from := addrOf(c.RemoteAddr())
	if !h.hub.enter(from) {
		h.metrics.refuse(refusedRoom)
		_ = c.Close() // it was never served
		return
	}
	defer h.hub.leave(from)
	s := newSession(h, c, from)
	stop := context.AfterFunc(ctx, func() { _ = c.Close() }) // nothing more is to be said
	defer stop()
	s.run()
}

func addrOf(a net.Addr) netip.Addr {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap().WithZone("")
	}
	return netip.Addr{}
}

// address is a name of this adapter's as the bridge knows it.
func (h *house) address(name string) bridge.Address {
	return bridge.Address{Adapter: h.env.Name, Name: h.set.naming.Text(bridge.Name{Main: name})}
}

// dial begins a call of the bridge's.
func (h *house) dial(inv bridge.Invite, ev bridge.Events) bridge.Leg {
	refuse := func(c bridge.Cause, err error) bridge.Leg {
		ev.Post(bridge.Ended{Cause: c, Err: err})
		return bridge.NoLeg(newID())
	}
	name, err := h.set.naming.Parse(inv.To.Name)
	if err != nil {
		return refuse(bridge.BadAddress, err)
	}
	if inv.Hops < 1 {
		return refuse(bridge.Looped, nil)
	}
	t, elsewhere := h.set.streams[name.Main]
	if isURL(name.Main) {
		if t, err = parseTarget(name.Main, false); err != nil {
			return refuse(bridge.BadAddress, err)
		}
		elsewhere = true
	}
	var l *leg
	if elsewhere {
		l = h.newRemote(inv, t).dialledBy(ev)
	} else if l, err = h.hub.ring(inv, name.Main, ev); err != nil {
		return refuse(asError(err).Cause, err)
	}
	if !l.start(l.dialled) {
		return refuse(bridge.Unavailable, errNotRunning)
	}
	return l
}
