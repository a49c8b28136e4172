package bridgetest

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"gateway/bridge"
	"gateway/bridge/media"
	"gateway/bridge/media/mediatest"
	"gateway/codec"
)

// Phones is an Adapter whose parties can call each other and be called.
type Phones struct {
	*Adapter
	Plane *mediatest.Plane

	mu     sync.Mutex // guards what follows
	all    []*Phone
	onDial func(*Phone)
	dialed []*Phone
}

var _ bridge.Caller = (*Phones)(nil)

// NewPhones makes Phones whose network is there, and whose legs have their
// ports on plane.
func NewPhones(plane *mediatest.Plane) *Phones { return &Phones{Adapter: NewAdapter(), Plane: plane} }

// Run implements bridge.Adapter. With it all calls end.
func (a *Phones) Run(ctx context.Context, h bridge.Handler) error {
	err := a.Adapter.Run(ctx, h)
	a.mu.Lock()
	all := a.all
	a.mu.Unlock()
	for _, p := range all {
		p.End(bridge.Unavailable)
	}
	return err
}

// OnDial says what a phone does that is called; nil: nothing.
func (a *Phones) OnDial(f func(*Phone)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.onDial = f
}

// Dial implements bridge.Caller.
func (a *Phones) Dial(inv bridge.Invite, ev bridge.Events) bridge.Leg {
	p := a.phone(inv, ev)
	a.mu.Lock()
	a.dialed = append(a.dialed, p)
	f := a.onDial
	a.mu.Unlock()
	if f != nil {
		f(p)
	}
	return p
}

// Dialed lists the phones that were called, in order.
func (a *Phones) Dialed() []*Phone {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]*Phone(nil), a.dialed...)
}

// Call has a phone call somebody. inv needs From.Name, To.Name and Hops.
func (a *Phones) Call(inv bridge.Invite) (*Phone, error) {
	<-a.ready
	var p *Phone
	err := a.handler.Incoming(inv, func(ev bridge.Events) bridge.Leg {
		p = a.phone(inv, ev)
		return p
	})
	return p, err
}

// MayTranscode is what the bridge says of the calls of these phones.
func (a *Phones) MayTranscode(all ...*Phone) bool {
	<-a.ready
	var legs []string
	for _, p := range all {
		legs = append(legs, p.id)
	}
	return a.handler.MayTranscode(legs...)
}

func (a *Phones) phone(inv bridge.Invite, ev bridge.Events) *Phone {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := &Phone{Invite: inv, id: fmt.Sprint("leg", len(a.all)+1), plane: a.Plane, ev: ev, ports: map[string]media.PacketPort{}}
	a.all = append(a.all, p)
	return p
}

// A Phone is a leg that does what the test says, and notes what it is told.
type Phone struct {
	Invite bridge.Invite
	id     string
	plane  *mediatest.Plane
	ev     bridge.Events

	mu       sync.Mutex // guards what follows: the call and the test come in
	heard    []string
	ports    map[string]media.PacketPort
	stubborn bool
	over     bool
	react    func(command string)
}

var _ bridge.Leg = (*Phone)(nil)

// ID implements bridge.Leg.
func (p *Phone) ID() string { return p.id }

// Say has the phone's leg say something.
func (p *Phone) Say(ev bridge.Event) { p.ev.Post(ev) }

// Stubborn makes the phone pay no heed to a Hangup.
func (p *Phone) Stubborn() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stubborn = true
}

// React has f called for each command, as Heard gives it, before the phone
// does what it does itself.
func (p *Phone) React(f func(command string)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.react = f
}

// OpenMedia opens a port for a stream and says so; one that it had is closed.
func (p *Phone) OpenMedia(stream string) media.PacketPort {
	port, err := p.plane.Open(media.Open{}, func(ev media.Event) { p.mediaEvent(stream, ev) })
	if err != nil {
		p.End(bridge.Constrained)
		return media.PacketPort{}
	}
	p.mu.Lock()
	over, old := p.over, p.ports[stream]
	if !over {
		p.ports[stream] = port.ID
	}
	p.mu.Unlock()
	if over {
		p.plane.Close(port.ID)
		return media.PacketPort{}
	}
	p.Say(bridge.MediaReady{Stream: stream, Port: port.ID})
	p.plane.Close(old)
	return port.ID
}

func (p *Phone) mediaEvent(stream string, ev media.Event) {
	switch ev := ev.(type) {
	case media.Heard:
		p.Say(bridge.Heard{Stream: stream})
	case media.Silent:
		p.Say(bridge.Silent{Stream: stream})
	case media.Digit:
		if !ev.Forwarded {
			p.Say(bridge.Digit{Digit: ev.Digit, Duration: ev.Duration})
		}
	}
}

// Port is that of a stream.
func (p *Phone) Port(stream string) media.PacketPort {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ports[stream]
}

// End ends the leg, once.
func (p *Phone) End(c bridge.Cause) { p.end(bridge.Ended{Cause: c}) }

// Forward is End of a phone that would have the call go to one of those names.
func (p *Phone) Forward(names ...string) { p.end(bridge.Ended{Cause: bridge.Moved, Instead: names}) }

func (p *Phone) end(ev bridge.Ended) {
	p.mu.Lock()
	if p.over {
		p.mu.Unlock()
		return
	}
	p.over = true
	ports := p.ports
	p.ports = nil
	p.mu.Unlock()
	for stream, port := range ports {
		p.Say(bridge.MediaLost{Stream: stream, Port: port, Stats: p.plane.Close(port)})
	}
	p.Say(ev)
}

// Heard lists the commands that the leg was given: "ring", "ring early",
// "accept", "offer 1 audio sendrecv pcmu/8000", "answer 1 …", "refuse 2
// conflict", "digit 5", "transfer ID done", "hangup normal".
func (p *Phone) Heard() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.heard...)
}

func (p *Phone) hear(format string, args ...any) {
	command := fmt.Sprintf(format, args...)
	p.mu.Lock()
	if !p.over {
		p.heard = append(p.heard, command)
	}
	react := p.react
	p.mu.Unlock()
	if react != nil {
		react(command)
	}
}

// Ring implements bridge.Leg.
func (p *Phone) Ring(early bool) {
	if early {
		p.hear("ring early")
		return
	}
	p.hear("ring")
}

// Accept implements bridge.Leg.
func (p *Phone) Accept() { p.hear("accept") }

// Offer implements bridge.Leg.
func (p *Phone) Offer(o bridge.Offer) { p.hear("offer %d %s", o.Seq, Words(o.Desc)) }

// Answer implements bridge.Leg.
func (p *Phone) Answer(seq uint32, d bridge.Description) { p.hear("answer %d %s", seq, Words(d)) }

// Refuse implements bridge.Leg.
func (p *Phone) Refuse(seq uint32, c bridge.Cause) { p.hear("refuse %d %v", seq, c) }

// Digit implements bridge.Leg.
func (p *Phone) Digit(r rune, _ time.Duration) { p.hear("digit %c", r) }

// Transfer implements bridge.Leg.
func (p *Phone) Transfer(id string, c bridge.Cause) {
	if c == 0 {
		p.hear("transfer %s done", id)
		return
	}
	p.hear("transfer %s %v", id, c)
}

// Hangup implements bridge.Leg.
func (p *Phone) Hangup(c bridge.Cause) {
	p.hear("hangup %v", c)
	p.mu.Lock()
	stubborn := p.stubborn
	p.mu.Unlock()
	if !stubborn {
		p.End(c)
	}
}

// Sound is a Description of one stream, "0", that goes both ways.
func Sound(names ...string) bridge.Description { return Stream("0", bridge.SendReceive, names...) }

// Stream is a Description of one stream of sound. Names are as in "pcmu" or
// "opus/48000/2".
func Stream(id string, dir bridge.Dir, names ...string) bridge.Description {
	s := bridge.Stream{ID: id, Kind: codec.Audio, Dir: dir}
	for _, name := range names {
		f := codec.Format{Kind: codec.Audio, Name: name, Rate: 8000, Channels: 1}
		if base, rate, ok := strings.Cut(name, "/"); ok {
			f.Name = base
			rate, channels, _ := strings.Cut(rate, "/")
			f.Rate, _ = strconv.Atoi(rate)
			if channels != "" {
				f.Channels, _ = strconv.Atoi(channels)
			}
		}
		s.Formats = append(s.Formats, f)
	}
	return bridge.Description{s}
}

// Words puts a Description on one line: "0 sendrecv pcmu/8000 pcma/8000, 1
// refused".
func Words(d bridge.Description) string {
	var streams []string
	for _, s := range d {
		if len(s.Formats) == 0 {
			streams = append(streams, s.ID+" refused")
			continue
		}
		words := []string{s.ID, s.Dir.String()}
		for _, f := range s.Formats {
			words = append(words, f.String())
		}
		streams = append(streams, strings.Join(words, " "))
	}
	return strings.Join(streams, ", ")
}
