package rtmp

import (
	"slices"
	"sync"
	"time"

	"gateway/adapters/rtmp/wire"
	"gateway/bridge/media"
	"gateway/codec"
)

// A sound joins the messages of sound of RTMP to a port of the Plane, both ways.
// What comes from the client and what goes to it run in goroutines of their own,
// under a lock each: the Plane may be waited for with the first, never with the
// second, for it calls with that.
type sound struct {
	plane   media.Plane
	metrics *metrics
	taste   taste
	port    media.PacketPort

	inLock sync.Mutex // guards what follows
	opened bool
	set    media.Setting
	agreed bool
	clock  clock
	from   any // whose sound comes

	outLock sync.Mutex // guards what follows
	out     codec.Format
	taps    []*tap
}

// payloadBase numbers the first format of a direction (RFC 3551 section 6).
const (
	payloadBase = 96
	maxPayloads = 16 // formats that one client may send
)

func newSound(h *house, t taste) *sound {
	return &sound{plane: h.env.Media, metrics: h.metrics, taste: t}
}

// open takes a port. heard is told what becomes of it.
func (s *sound) open(call string, heard func(media.Event)) error {
	port, err := s.plane.Open(media.Open{Call: call, Frames: s.play}, heard)
	if err != nil {
		return err
	}
	s.inLock.Lock()
	defer s.inLock.Unlock()
	s.port, s.opened = port.ID, true
	return nil
}

// agree puts into force that one of formats is used. packet is how much sound the
// client would like at a time; 0: the usual.
func (s *sound) agree(formats []codec.Format, packet time.Duration) {
	out := s.taste.heardAs(formats)
	s.inLock.Lock()
	defer s.inLock.Unlock()
	s.agreed = true
	s.set.Send, s.set.Receive, s.set.Ptime = true, true, packet
	s.set.Out = []media.Payload{{Format: out, Type: payloadBase}}
	s.plane.Set(s.port, s.set)
	s.outLock.Lock()
	defer s.outLock.Unlock()
	s.out = out
}

// hearing is the format in which the client hears.
func (s *sound) hearing() codec.Format {
	s.outLock.Lock()
	defer s.outLock.Unlock()
	return s.out
}

// A pulse is the frames of one message of sound.
type pulse struct {
	ms     uint32 // when they begin
	format codec.Format
	frames [][]byte
}

// feed takes sound of the client's. from tells its sources apart.
func (s *sound) feed(from any, p pulse) {
	s.inLock.Lock()
	defer s.inLock.Unlock()
	if s.from != from {
		s.from, s.clock = from, clock{}
	}
	if !s.opened || !s.agreed {
		return
	}
	kind, ok := s.number(p.format)
	if !ok {
		s.metrics.drop(dropFormat)
		return
	}
	for i, data := range p.frames {
		at, jumped := s.clock.stamp(p.ms, i == 0, p.format.Rate, samplesOf(p.format, data))
		s.plane.Feed(s.port, media.Frame{Type: kind, Time: at, Marker: jumped, Data: data})
	}
}

// number is the payload type of what the client sends; the Plane learns of a
// format when it comes.
func (s *sound) number(f codec.Format) (uint8, bool) {
	i := slices.IndexFunc(s.set.In, func(p media.Payload) bool { return p.Format == f })
	if i >= 0 {
		return s.set.In[i].Type, true
	}
	if len(s.set.In) == maxPayloads {
		return 0, false
	}
	kind := payloadBase + uint8(len(s.set.In))
	s.set.In = append(slices.Clone(s.set.In), media.Payload{Format: f, Type: kind})
	s.plane.Set(s.port, s.set)
	return kind, true
}

// close gives the port back, with the last counts.
func (s *sound) close() (media.PacketPort, media.Stats) {
	s.inLock.Lock()
	defer s.inLock.Unlock()
	if !s.opened {
		return media.PacketPort{}, media.Stats{}
	}
	s.opened = false
	return s.port, s.plane.Close(s.port)
}

// A writer takes messages for a client, and never waits.
type writer interface{ Write(m wire.Message) error }

// A tap is one stream by which a client hears.
type tap struct {
	to     writer
	stream uint32
	config string // of the format, as it has been sent
	time   playClock
}

// listen has a client hear by one of its streams, if it does not yet.
func (s *sound) listen(to writer, stream uint32) {
	s.outLock.Lock()
	defer s.outLock.Unlock()
	if slices.ContainsFunc(s.taps, func(t *tap) bool { return t.to == to && t.stream == stream }) {
		return
	}
	s.taps = append(s.taps, &tap{to: to, stream: stream})
}

// deafen ends that.
func (s *sound) deafen(to writer, stream uint32) {
	s.outLock.Lock()
	defer s.outLock.Unlock()
	s.taps = slices.DeleteFunc(s.taps, func(t *tap) bool { return t.to == to && t.stream == stream })
}

// play takes a frame of the Plane's for the client.
func (s *sound) play(f media.Frame) {
	s.outLock.Lock()
	defer s.outLock.Unlock()
	if len(s.taps) == 0 {
		return
	}
	body, config := writeTag(s.out, f.Data)
	if body == nil {
		s.metrics.drop(dropFormat)
		return
	}
	for _, t := range s.taps {
		at := t.time.stamp(f.Time, s.out.Rate)
		if config != nil && t.config != s.out.Params {
			t.config = s.out.Params
			_ = t.to.Write(wire.Message{Type: wire.TypeAudio, Stream: t.stream, Time: at, Body: config}) // fails as what follows
		}
		if err := t.to.Write(wire.Message{Type: wire.TypeAudio, Stream: t.stream, Time: at, Body: body}); err != nil {
			s.metrics.drop(dropGone)
		}
	}
}

// setTaste says which formats the client has after all, before anything is agreed
// on.
func (s *sound) setTaste(t taste) { s.taste = t }
