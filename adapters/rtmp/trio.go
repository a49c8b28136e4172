package rtmp

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"

	"gateway/bridge"
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
//
// It lasts until one of the calls ends. While the client speaks in a third call, or in none, both are held.
type trio struct {
	client *session
	calls  [2]*phone // the first stands in front for both
	own    *sound
	port   media.PacketPort // the mixer's end of own
	done   chan struct{}    // closed when it is over
	away   atomic.Bool      // the client does not speak in it

	given [trioParties][]byte // what each hears next
	spoke [trioParties]bool   // it was given something last time

	mu    sync.Mutex // guards what follows
	mixer *mix.Mixer
	pcm   []int16
}

// The parties of the mixer: the client, and behind it the calls.
const (
	trioClient = iota
	trioFirst
	trioParties = trioFirst + 2
)

// has reports whether a call is one of the trio's. A nil trio has none.
func (t *trio) has(p *phone) bool { return t != nil && (p == t.calls[0] || p == t.calls[1]) }

// begin makes the mixer. The error is why there is no port.
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
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pcm = t.pcm[:0]
	for b := f.Data; len(b) > 1; b = b[2:] {
		t.pcm = append(t.pcm, int16(binary.BigEndian.Uint16(b)))
	}
	if t.mixer.Put(party, t.pcm) > 0 {
		t.client.house.metrics.drop(dropMixed)
	}
}

// run mixes until the end. Nobody else is waited for.
func (t *trio) run() {
	defer t.close()
	tick := time.NewTicker(mixTime)
	defer tick.Stop()
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
			t.next()
			t.give(made)
		}
	}
}

// next mixes a frame. Who has nobody to hear is given none.
func (t *trio) next() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mixer.Next(func(party int, pcm []int16, spoken bool) {
		t.given[party] = t.given[party][:0]
		if !spoken || t.away.Load() {
			return
		}
		for _, s := range pcm {
			t.given[party] = binary.BigEndian.AppendUint16(t.given[party], uint16(s))
		}
	})
}

// give hands frame n of what each hears to the Plane.
func (t *trio) give(n int) {
	for party, data := range t.given {
		spoke := t.spoke[party]
		if t.spoke[party] = len(data) > 0; len(data) == 0 {
			continue
		}
		if party == trioClient {
			t.client.house.env.Media.Feed(t.port, media.Frame{Type: mixKind, Time: uint32(n * mixFrame), Marker: !spoke, Data: data})
			continue
		}
		ms := uint32(n) * uint32(mixTime/time.Millisecond)
		t.calls[party-trioFirst].leg.sound.feed(t, pulse{ms: ms, format: mixed, frames: [][]byte{data}})
	}
}

func (t *trio) close() {
	t.own.close()
	t.client.house.env.Media.Close(t.port)
}

// rest holds both calls. This and what follows is for callers that hold the client's turn.
func (t *trio) rest() {
	if t == nil || t.away.Swap(true) {
		return
	}
	t.client.detach(t.own)
	t.hold(true)
}

// goOn has the client speak in both, which is heard.
func (t *trio) goOn() {
	t.away.Store(false)
	t.client.attach(t.own)
	t.hold(false)
}

func (t *trio) hold(on bool) {
	for _, p := range t.calls {
		p.leg.box.put(func() { p.hold(on) })
	}
}

// mixes has the client and the other sides of two of its calls hear each other; one of the two stands in front. The
// error says why they don't.
func (s *session) mixes(one, other *phone) error {
	if !s.house.bridge.MayTranscode(one.leg.id, other.leg.id) {
		return &bridge.Error{Op: mixOp, Cause: bridge.Constrained, Reason: "too many calls are transcoded"}
	}
	s.turn.Lock()
	defer s.turn.Unlock()
	if s.trio != nil {
		return &bridge.Error{Op: mixOp, Cause: bridge.Busy, Reason: "three are talking already"}
	}
	t := &trio{client: s, calls: [2]*phone{one, other}}
	t.away.Store(true) // until it turns to them
	if err := t.begin(); err != nil {
		return &bridge.Error{Op: mixOp, Cause: bridge.Constrained, Err: err}
	}
	s.trio = t
	for i, p := range t.calls {
		p.leg.sound.mix(func(f media.Frame) { t.put(trioFirst+i, f) })
		p.leg.box.put(p.leg.transcodes)
	}
	for _, p := range t.calls {
		if !p.talks() { // and ended before it could find the trio
			s.parts(p)
			return &bridge.Error{Op: mixOp, Cause: bridge.NotFound, Reason: noTwoCalls}
		}
	}
	s.turns(one)
	return nil
}

const mixOp = "mix"

// talks reports whether the call has been taken, and is not over.
func (p *phone) talks() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stage == talking
}

// parts ends the client's trio if gone is one of its calls. The client speaks in the one that is left, or that stays
// held, if it has turned to another. For callers that hold turn.
func (s *session) parts(gone *phone) {
	t := s.trio
	if !t.has(gone) {
		return
	}
	s.trio = nil
	close(t.done)
	s.detach(t.own)
	for _, p := range t.calls {
		p.leg.sound.mix(nil)
		p.leg.box.put(p.leg.transcodes)
	}
	left := t.calls[0]
	if left == gone {
		left = t.calls[1]
	}
	if !t.away.Load() {
		s.house.hub.front(s, left)
		s.attach(left.leg.sound)
	}
}
