// Package mediatest has a media.Plane that carries nothing: tests look at what
// it was told, and say what happens to its ports.
package mediatest

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"gateway/bridge/media"
)

// Plane is a media.Plane without sockets. Its zero value is ready.
type Plane struct {
	mu    sync.Mutex // guards what follows
	last  uint32
	ports map[media.PacketPort]*port
	full  bool
}

var _ media.Plane = (*Plane)(nil)

// A port is what the Plane knows of one of its ports.
type port struct {
	open    media.Open
	events  func(media.Event)
	setting media.Setting
	sets    int
	peer    media.PacketPort
	digits  []rune
	fed     []media.Frame
	stats   media.Stats
}

// Open implements media.Plane. The addresses it gives are not bound.
func (p *Plane) Open(o media.Open, events func(media.Event)) (media.Port, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.full {
		return media.Port{}, media.ErrNoPorts
	}
	if p.ports == nil {
		p.ports = map[media.PacketPort]*port{}
	}
	p.last++
	id := media.PacketPort{Loop: 0, Slot: p.last, Generation: 1, Frames: o.Frames != nil}
	p.ports[id] = &port{open: o, events: events}
	rtp := uint16(20000 + 2*(p.last%20000))
	if o.Frames != nil {
		return media.Port{ID: id}, nil
	}
	if o.ICE {
		return media.Port{ID: id, ICE: description(p.last, o.Separate)}, nil
	}
	local := o.Local
	if !local.IsValid() {
		local = netip.IPv4Unspecified()
	}
	return media.Port{ID: id, RTP: netip.AddrPortFrom(local, rtp), RTCP: netip.AddrPortFrom(local, rtp+1)}, nil
}

// description is what the Plane says for ICE of the port with that number: one
// candidate for each component.
func description(number uint32, separate bool) media.ICE {
	d := media.ICE{Ufrag: fmt.Sprintf("uf%02d", number), Pwd: fmt.Sprintf("password-of-port-%06d", number), Complete: true}
	for component := 1; component == 1 || separate && component == 2; component++ {
		d.Candidates = append(d.Candidates, media.Candidate{
			Foundation: "1", Component: component, Priority: 126<<24 | 0xffff<<8 | uint32(256-component), Type: media.Host,
			Address: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, 1}), uint16(20000+component-1)),
		})
	}
	return d
}

// Set implements media.Plane.
func (p *Plane) Set(id media.PacketPort, s media.Setting) {
	p.with(id, func(o *port) { o.setting, o.sets = s, o.sets+1 })
}

// Join implements media.Plane.
func (p *Plane) Join(a, b media.PacketPort) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ports[a] == nil || p.ports[b] == nil {
		return
	}
	p.part(a)
	p.part(b)
	p.ports[a].peer, p.ports[b].peer = b, a
}

// Part implements media.Plane.
func (p *Plane) Part(id media.PacketPort) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.part(id)
}

// part is for callers that hold mu.
func (p *Plane) part(id media.PacketPort) {
	o := p.ports[id]
	if o == nil {
		return
	}
	if peer := p.ports[o.peer]; peer != nil {
		peer.peer = media.PacketPort{}
	}
	o.peer = media.PacketPort{}
}

// Feed implements media.Plane. Of the frames of a port the last maxFed are kept.
func (p *Plane) Feed(id media.PacketPort, f media.Frame) {
	f.Data = slices.Clone(f.Data)
	p.with(id, func(o *port) {
		if o.open.Frames == nil {
			return
		}
		if len(o.fed) == maxFed {
			o.fed = slices.Delete(o.fed, 0, 1)
		}
		o.fed = append(o.fed, f)
		o.stats.In.Packets++
		o.stats.In.Octets += uint64(len(f.Data))
	})
}

// maxFed is how many frames of a port are remembered.
const maxFed = 1000

// Digit implements media.Plane.
func (p *Plane) Digit(id media.PacketPort, digit rune, _ time.Duration) {
	p.with(id, func(o *port) { o.digits = append(o.digits, digit) })
}

// Stats implements media.Plane.
func (p *Plane) Stats(id media.PacketPort) (s media.Stats, ok bool) {
	p.with(id, func(o *port) { s, ok = o.stats, true })
	return s, ok
}

// Close implements media.Plane.
func (p *Plane) Close(id media.PacketPort) (s media.Stats) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if o := p.ports[id]; o != nil {
		s = o.stats
		p.part(id)
		delete(p.ports, id)
	}
	return s
}

// Fingerprint implements media.Plane.
func (p *Plane) Fingerprint() media.Fingerprint {
	return media.Fingerprint{Hash: "sha-256", Value: "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:" +
		"00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF"}
}

func (p *Plane) with(id media.PacketPort, f func(*port)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if o := p.ports[id]; o != nil {
		f(o)
	}
}

// Tell has the plane tell of a port what a network would make it tell.
func (p *Plane) Tell(id media.PacketPort, ev media.Event) {
	var events func(media.Event)
	p.with(id, func(o *port) { events = o.events })
	if events != nil {
		events(ev)
	}
}

// Give has the plane hand a frame to the peer of a port, as the network on the
// other side would make it. It does nothing where the port was not opened with Frames.
func (p *Plane) Give(id media.PacketPort, f media.Frame) {
	var frames func(media.Frame)
	p.with(id, func(o *port) {
		if frames = o.open.Frames; frames != nil {
			o.stats.Out.Packets++
			o.stats.Out.Octets += uint64(len(f.Data))
		}
	})
	if frames != nil {
		frames(f)
	}
}

// Fed are the frames that a port's peer has sent, the last maxFed of them.
func (p *Plane) Fed(id media.PacketPort) (list []media.Frame) {
	p.with(id, func(o *port) { list = slices.Clone(o.fed) })
	return list
}

// SetStats says what the counts of a port are.
func (p *Plane) SetStats(id media.PacketPort, s media.Stats) {
	p.with(id, func(o *port) { o.stats = s })
}

// SetFull makes Open fail, or work again.
func (p *Plane) SetFull(full bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.full = full
}

// Count implements media.Plane.
func (p *Plane) Count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.ports)
}

// Ports lists those that are open, in the order of their opening.
func (p *Plane) Ports() []media.PacketPort {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []media.PacketPort
	for slot := uint32(1); slot <= p.last; slot++ {
		for _, frames := range [...]bool{false, true} {
			id := media.PacketPort{Slot: slot, Generation: 1, Frames: frames}
			if p.ports[id] != nil {
				list = append(list, id)
			}
		}
	}
	return list
}

// Setting is what a port was told last, and how often it was told something.
func (p *Plane) Setting(id media.PacketPort) (s media.Setting, times int) {
	p.with(id, func(o *port) { s, times = o.setting, o.sets })
	return s, times
}

// Asked is what a port was opened with.
func (p *Plane) Asked(id media.PacketPort) (o media.Open) {
	p.with(id, func(at *port) { o = at.open })
	return o
}

// Joined is the port that a port is joined to; the zero one for none.
func (p *Plane) Joined(id media.PacketPort) (peer media.PacketPort) {
	p.with(id, func(o *port) { peer = o.peer })
	return peer
}

// Digits are those that a port was told to send.
func (p *Plane) Digits(id media.PacketPort) (digits string) {
	p.with(id, func(o *port) { digits = string(o.digits) })
	return digits
}
