package rtmp

import (
	"slices"
	"sync"
	"sync/atomic"
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

	changed func() // what the client sends is of another format than before

	inLock  sync.Mutex // guards what follows
	opened  bool
	set     media.Setting
	agreed  []codec.Format
	packet  time.Duration // as agreed
	mixes   bool          // a trio says what comes, and hears
	clock   clock
	from    any          // whose sound comes
	last    codec.Format // that came last
	numbers []codec.Format

	outLock sync.Mutex // guards what follows
	outs    []media.Payload
	taps    []*tap
	mixer   func(media.Frame) // takes what would be played; nil: there is none
}

// payloadBase numbers the first format of a direction (RFC 3551 section 6).
const (
	payloadBase = 96
	maxPayloads = 16 // formats that one client may send
)

func newSound(h *house, t taste, changed func()) *sound {
	return &sound{plane: h.env.Media, metrics: h.metrics, taste: t, changed: changed}
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
	s.inLock.Lock()
	defer s.inLock.Unlock()
	s.agreed, s.packet = formats, packet
	s.enforce()
}

// enforce has the Plane do what was agreed on. The caller holds inLock.
func (s *sound) enforce() {
	hears := []codec.Format{mixed}
	if !s.mixes {
		hears = s.hears(s.agreed)
	}
	s.set.Send, s.set.Receive, s.set.Ptime = true, true, s.packet
	s.set.Out = nil
	for _, f := range hears {
		if i, ok := s.outNumber(f); ok {
			s.set.Out = append(s.set.Out, media.Payload{Format: f, Type: i})
		}
	}
	s.outLock.Lock()
	s.outs = s.set.Out // before it is in force: nothing comes in it yet
	s.outLock.Unlock()
	s.plane.Set(s.port, s.set)
}

// hears are the formats in which the client hears what comes in one of formats.
func (s *sound) hears(formats []codec.Format) []codec.Format {
	one := s.taste.heardAs(formats)
	if one.Name == nameAAC && !one.Same(aacVoice) {
		return []codec.Format{one, aacVoice} // into which the rest is brought: one is as its sender made it
	}
	return []codec.Format{one}
}

// mix hands what would be heard to a trio, as linear sound, and takes what is fed from that only; nil: all is as it
// was.
func (s *sound) mix(to func(media.Frame)) {
	s.inLock.Lock()
	defer s.inLock.Unlock()
	s.mixes, s.from, s.last = to != nil, nil, codec.Format{}
	s.outLock.Lock()
	s.mixer = to
	s.outLock.Unlock()
	if s.opened && s.agreed != nil {
		s.enforce()
	}
}

// outNumber is the payload type of what the client hears: one for each format, for
// what is under way still is of one that was agreed on before.
func (s *sound) outNumber(f codec.Format) (uint8, bool) {
	i := slices.Index(s.numbers, f)
	if i < 0 {
		if len(s.numbers) == maxPayloads {
			return 0, false
		}
		i = len(s.numbers)
		s.numbers = append(s.numbers, f)
	}
	return payloadBase + uint8(i), true
}

// hearing is the format in which the client hears.
func (s *sound) hearing() codec.Format {
	s.outLock.Lock()
	defer s.outLock.Unlock()
	if len(s.outs) == 0 {
		return codec.Format{}
	}
	return s.outs[0].Format
}

// transcodes reports whether what the client sends, if it sends, or hears is none of
// the formats that were agreed on.
func (s *sound) transcodes(sends, hears bool) bool {
	s.inLock.Lock()
	defer s.inLock.Unlock()
	if s.agreed == nil {
		return false
	}
	said := s.last
	if said.Name == "" && len(s.taste.send) > 0 {
		said = s.taste.send[0] // which it is thought to send
	}
	return sends && said.Name != "" && !slices.ContainsFunc(s.agreed, said.Same) ||
		hears && len(s.set.Out) > 0 && !slices.ContainsFunc(s.agreed, s.set.Out[0].Format.Same)
}

// A pulse is the frames of one message of sound.
type pulse struct {
	ms     uint32        // when they begin
	waited time.Duration // how long it had been here
	format codec.Format
	frames [][]byte
}

// feed takes sound of the client's. from tells its sources apart.
func (s *sound) feed(from any, p pulse) {
	s.inLock.Lock()
	defer s.inLock.Unlock()
	if _, trio := from.(*trio); trio != s.mixes {
		return // it was under way when that changed
	}
	if s.from != from {
		s.from, s.clock = from, clock{}
	}
	if s.last != p.format {
		s.last = p.format
		s.changed()
	}
	if !s.opened || s.agreed == nil {
		return
	}
	kind, ok := s.number(p.format)
	if !ok {
		s.metrics.drop(dropFormat)
		return
	}
	for i, data := range p.frames {
		at, jumped := s.clock.stamp(p.ms, i == 0, p.format.Rate, samplesOf(p.format, data))
		s.plane.Feed(s.port, media.Frame{Type: kind, Time: at, Marker: jumped, Waited: p.waited, Data: data})
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
	hush   *atomic.Bool // it is not to be heard for now; nil: it always is
	config string       // of the format, as it has been sent
	time   playClock
}

// listen has a client hear by one of its streams, if it does not yet. hush may be nil.
func (s *sound) listen(to writer, stream uint32, hush *atomic.Bool) {
	s.outLock.Lock()
	defer s.outLock.Unlock()
	if slices.ContainsFunc(s.taps, func(t *tap) bool { return t.to == to && t.stream == stream }) {
		return
	}
	s.taps = append(s.taps, &tap{to: to, stream: stream, hush: hush})
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
	out, ok := s.formatOf(f.Type)
	switch {
	case !ok:
		return // it was under way when something else was agreed on
	case s.mixer != nil && out == mixed:
		s.mixer(f)
		return
	case len(s.taps) == 0:
		return
	}
	body, config := writeTag(out, f.Data)
	if body == nil {
		s.metrics.drop(dropFormat)
		return
	}
	for _, t := range s.taps {
		at := t.time.stamp(f.Time, out.Rate) // which goes on
		if t.hush != nil && t.hush.Load() {
			continue
		}
		if config != nil && t.config != out.Params {
			t.config = out.Params
			_ = t.to.Write(wire.Message{Type: wire.TypeAudio, Stream: t.stream, Time: at, Body: config}) // fails as what follows
		}
		if err := t.to.Write(wire.Message{Type: wire.TypeAudio, Stream: t.stream, Time: at, Body: body}); err != nil {
			s.metrics.drop(dropGone)
		}
	}
}

// formatOf is what a payload type stands for in what the client hears now.
func (s *sound) formatOf(kind uint8) (codec.Format, bool) {
	i := slices.IndexFunc(s.outs, func(p media.Payload) bool { return p.Type == kind })
	if i < 0 {
		return codec.Format{}, false
	}
	return s.outs[i].Format, true
}

// setTaste says which formats the client has after all, before anything is agreed
// on.
func (s *sound) setTaste(t taste) { s.taste = t }
