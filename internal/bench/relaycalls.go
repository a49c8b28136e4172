package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"gateway/bridge/media"
	"gateway/bridge/media/child"
	"gateway/bridge/media/relay"
	"gateway/codec"
)

// A carrier relays calls.
type carrier interface {
	// begin sets up a call between two parties and returns the ports that they
	// shall send to.
	begin(id int, a, b netip.AddrPort) (facingA, facingB uint16, err error)
	end(id int) error
	pid() int
	close()
}

// ours is the media process of the gateway.
type ours struct {
	plane *child.Plane
	calls map[int][2]media.PacketPort
	id    int
}

// The ports of the relays: below those that the system gives out by itself.
const (
	ourPorts    = 10000
	theirPorts  = 20000
	manyPorts   = 8000
	controlPort = 32223
)

func newOurs() (*ours, error) {
	return startOurs(relay.Options{First: ourPorts, Last: ourPorts + manyPorts, Dead: time.Minute})
}

func startOurs(options relay.Options) (*ours, error) {
	plane, err := child.Start(options)
	if err != nil {
		return nil, err
	}
	o := &ours{plane: plane, calls: map[int][2]media.PacketPort{}}
	us := os.Getpid()
	pids, err := processes(func(p process) bool { return p.parent == us && started(p.id, child.Argument) })
	if err == nil && len(pids) != 1 {
		err = fmt.Errorf("%d media processes run, not one", len(pids))
	}
	if err != nil {
		plane.Shutdown()
		return nil, err
	}
	o.id = pids[0]
	return o, nil
}

func (o *ours) begin(id int, a, b netip.AddrPort) (facingA, facingB uint16, err error) {
	pcmu := []media.Payload{{Format: codec.Format{Kind: codec.Audio, Name: "pcmu", Rate: 8000, Channels: 1}}}
	var ports [2]media.Port
	for i, peer := range []netip.AddrPort{a, b} {
		if ports[i], err = o.plane.Open(media.Open{Local: peer.Addr()}, func(media.Event) {}); err != nil {
			return 0, 0, err
		}
		o.plane.Set(ports[i].ID, media.Setting{
			RTP: peer, RTCP: netip.AddrPortFrom(peer.Addr(), peer.Port()+1),
			Learn: peer.Addr(), Send: true, Receive: true, In: pcmu, Out: pcmu,
		})
	}
	o.plane.Join(ports[0].ID, ports[1].ID)
	o.calls[id] = [2]media.PacketPort{ports[0].ID, ports[1].ID}
	return ports[0].RTP.Port(), ports[1].RTP.Port(), nil
}

func (o *ours) end(id int) error {
	for _, p := range o.calls[id] {
		if s := o.plane.Close(p); s.In.Packets == 0 {
			return errors.New("a call of ours had no packets")
		}
	}
	delete(o.calls, id)
	return nil
}

func (o *ours) pid() int { return o.id }

func (o *ours) close() { o.plane.Shutdown() }
