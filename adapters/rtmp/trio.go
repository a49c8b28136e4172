package rtmp

import (
	"encoding/binary"
	"errors"
	"sync"
	"time"

	"gateway/bridge/media"
	"gateway/bridge/media/mix"
	"gateway/codec"
)

// mixed is the sound that is mixed: linear, of the width of Flash's voice.
var mixed = codec.Format{Kind: codec.Audio, Name: nameL16, Rate: 16000, Channels: 1}

const (
	mixTime  = media.DefaultPtime // of a frame
	mixFrame = 16000 / 50         // samples in it
	mixKind  = payloadBase
	// mixBehind is how many frames are made up for when we come late.
	mixBehind = 5
)

// A trio is a client and the other sides of two of its calls, who hear each other: three_way. Both calls have
// linear sound to and from the mixer as long as it lasts, and so has the client, by a port of its own that is
// joined to the mixer's: the Plane does all else.
//
//	one call's port ◀──▶ ┌───────┐
//	                     │ mixer │ ◀──▶ port ◀─join─▶ own: the client's streams
//	the other's ◀──────▶ └───────┘
type trio struct {
	client *session
	calls  [2]*phone // the first is that in front
	own    *sound
	port   media.PacketPort // the mixer's end of own
	done   chan struct{}    // closed when it is over
	over   sync.Once

	mu    sync.Mutex // guards mixer
	mixer *mix.Mixer
}

// The parties of the mixer: the client, and behind it the calls.
const (
	trioClient = iota
	trioFirst
	trioParties = trioFirst + 2
)

// begin has the three hear each other. The error is why there is no port.
func (t *trio) begin() error {
	s := t.client
	plane := s.house.env.Media
	t.done, t.mixer = make(chan struct{}), mix.New(trioParties, mixFrame)
	t.own = newSound(s.house, s.taste(), func() {})
	call := callOf(t.calls[0].leg.inv)
	none := func(media.Event) {} // the calls' own ports say what becomes of them
	if err := t.own.open(call, none); err != nil {
		return err
	}
	port, err := plane.Open(media.Open{Call: call, Frames: func(f media.Frame) { t.put(trioClient, f) }}, none)
	if err != nil {
		t.own.close()
		return err
	}
	t.port = port.ID
	linear := []media.Payload{{Format: mixed, Type: mixKind}}
	plane.Set(t.port, media.Setting{Send: true, Receive: true, In: linear, Out: linear, Ptime: mixTime})
	t.own.agree([]codec.Format{mixed}, 0)
	plane.Join(t.own.port, t.port)
	if !s.house.crew.start(t.run) {
		t.close()
		return errNotRunning
	}
	return nil
}

// put takes what a party says. It is called by the Plane.
func (t *trio) put(party int, f media.Frame) {
	pcm := make([]int16, len(f.Data)/2)
	for i := range pcm {
		pcm[i] = int16(binary.BigEndian.Uint16(f.Data[2*i:]))
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mixer.Put(party, pcm)
}

// run mixes until the end. Nobody else is waited for.
func (t *trio) run() {
	defer t.close()
	tick := time.NewTicker(mixTime)
	defer tick.Stop()
	var frames [trioParties][]byte
	begin, made := time.Now(), 0
	for {
		select {
		case <-t.done:
			return
		case <-t.client.house.stopped:
			return
		case <-tick.C:
		}
		due := int(time.Since(begin) / mixTime)
		for made = max(made, due-mixBehind); made < due; made++ {
			t.mu.Lock()
			t.mixer.Next(func(party int, pcm []int16) {
				frames[party] = frames[party][:0]
				for _, s := range pcm {
					frames[party] = binary.BigEndian.AppendUint16(frames[party], uint16(s))
				}
			})
			t.mu.Unlock()
			t.give(frames, made)
		}
	}
}

// give hands frame n of what each hears to the Plane.
func (t *trio) give(frames [trioParties][]byte, n int) {
	t.client.house.env.Media.Feed(t.port, media.Frame{Type: mixKind, Time: uint32(n * mixFrame), Data: frames[trioClient]})
	for i, p := range t.calls {
		p.leg.sound.feed(t, pulse{ms: uint32(n) * uint32(mixTime/time.Millisecond), format: mixed, frames: [][]byte{frames[trioFirst+i]}})
	}
}

// end is for whoever has taken it from its client.
func (t *trio) end() { t.over.Do(func() { close(t.done) }) }

func (t *trio) close() {
	t.own.close()
	t.client.house.env.Media.Close(t.port)
}

var errOver = errors.New("a call is over")

// mixing reports whether the client has a trio.
func (s *session) mixing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.trio != nil
}

// talks reports whether the call has been taken, and is not over.
func (p *phone) talks() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stage == talking
}

// mixes has the client and the other sides of two of its calls hear each other; front is in front from now on. The
// error is why they don't.
func (s *session) mixes(front, other *phone) error {
	t := &trio{client: s, calls: [2]*phone{front, other}}
	if err := t.begin(); err != nil {
		return err
	}
	s.mu.Lock()
	s.trio = t
	s.mu.Unlock()
	if before := s.house.hub.front(s, front); before != nil {
		s.detach(before.leg.sound)
	}
	for _, p := range t.calls {
		if !p.talks() { // it ended before it could find the trio
			s.parts(p)
			return errOver
		}
	}
	s.detach(front.leg.sound)
	s.attach(t.own)
	for i, p := range t.calls {
		p.leg.sound.mix(func(f media.Frame) { t.put(trioFirst+i, f) })
		p.leg.box.put(func() {
			p.leg.transcodes()
			p.hold(false)
		})
	}
	return nil
}

// parts ends the client's trio, if it has one, of which gone is no call any more; nil: both are. The client speaks
// in the one that was in front, or is left; the other, if there is one, is held.
func (s *session) parts(gone *phone) {
	s.mu.Lock()
	t := s.trio
	if t == nil || gone != nil && gone != t.calls[0] && gone != t.calls[1] {
		s.mu.Unlock()
		return
	}
	s.trio = nil
	s.mu.Unlock()
	stays, held := t.calls[0], t.calls[1]
	if gone != nil {
		held = nil
		if stays == gone {
			stays = t.calls[1]
		}
	}
	t.end()
	s.detach(t.own)
	for _, p := range t.calls {
		p.leg.sound.mix(nil)
		p.leg.box.put(p.leg.transcodes)
	}
	s.house.hub.front(s, stays)
	s.attach(stays.leg.sound)
	if held != nil {
		held.leg.box.put(func() { held.hold(true) })
	}
}
