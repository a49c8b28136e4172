package relay

import (
	"math"
	"testing"
	"time"

	"gateway/bridge/media"
	"gateway/bridge/media/convert"
	"gateway/codec"
	"gateway/codec/sound"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

var (
	pcma = codec.Format{Kind: codec.Audio, Name: "pcma", Rate: 8000, Channels: 1}
	g722 = codec.Format{Kind: codec.Audio, Name: "g722", Rate: 8000, Channels: 1}
	l16  = codec.Format{Kind: codec.Audio, Name: "l16", Rate: 16000, Channels: 1}
)

// A tone is encoded packet by packet.
type tone struct {
	t       testing.TB
	encoder codec.Encoder
	kind    uint8
	clock   int
	n, sent int
}

func newTone(t testing.TB, f codec.Format, kind uint8) *tone {
	t.Helper()
	e, err := sound.NewEncoder(f, sound.Setting{})
	if err != nil {
		t.Fatal(err)
	}
	return &tone{t: t, encoder: e, kind: kind, clock: f.Rate}
}

func (s *tone) payload() []byte {
	s.t.Helper()
	pcm := make([]int16, s.encoder.Frame())
	for i := range pcm {
		pcm[i] = int16(8000 * math.Sin(2*math.Pi*440*float64(s.n)/float64(s.encoder.Rate())))
		s.n++
	}
	b, err := s.encoder.Encode(nil, pcm)
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

// packet is the next RTP packet.
func (s *tone) packet() []byte {
	s.t.Helper()
	p := rtp.Packet{Header: rtp.Header{
		Version: 2, PayloadType: s.kind, SequenceNumber: uint16(65500 + s.sent), SSRC: 0xabc,
		Timestamp: uint32(s.sent * s.clock / 50), Marker: s.sent == 0,
	}, Payload: s.payload()}
	s.sent++
	b, err := p.Marshal()
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

// loud decodes payloads and reports what is the part of 440 Hz in it, 0 to 1.
func loud(t testing.TB, f codec.Format, payloads [][]byte) float64 {
	t.Helper()
	d, err := sound.NewDecoder(f)
	if err != nil {
		t.Fatal(err)
	}
	var pcm []int16
	for _, p := range payloads {
		if pcm, err = d.Decode(pcm, p); err != nil {
			t.Fatal(err)
		}
	}
	pcm = pcm[len(pcm)/4:] // coders need a moment
	var re, im, all float64
	for i, s := range pcm {
		x := float64(s)
		re += x * math.Cos(2*math.Pi*440*float64(i)/float64(d.Rate()))
		im += x * math.Sin(2*math.Pi*440*float64(i)/float64(d.Rate()))
		all += x * x
	}
	return 2 * (re*re + im*im) / float64(len(pcm)) / all
}

// converted is a pair of ports whose peers share no sound.
func (w *world) converted(t testing.TB, f, g codec.Format) (a, b *party) {
	t.Helper()
	a, b = w.open(t, loopback4), w.open(t, loopback4)
	w.Set(a.port.ID, a.setting(media.Payload{Format: f, Type: 10}, media.Payload{Format: keys8, Type: 101}))
	w.Set(b.port.ID, b.setting(media.Payload{Format: g, Type: 20}, media.Payload{Format: keys48, Type: 121}))
	w.Join(a.port.ID, b.port.ID)
	w.Stats(b.port.ID)
	return a, b
}

// listen hears n RTP packets and checks that they are one stream.
func (p *party) listen(n int, kind uint8, step uint32) (payloads [][]byte) {
	p.t.Helper()
	var last rtp.Header
	for i := range n {
		var got rtp.Packet
		if err := got.Unmarshal(hear(p.t, p.rtp)); err != nil {
			p.t.Fatal(err)
		}
		h := got.Header
		if h.PayloadType != kind || h.Marker != (i == 0) ||
			i > 0 && (h.SSRC != last.SSRC || h.SequenceNumber != last.SequenceNumber+1 || h.Timestamp != last.Timestamp+step) {
			p.t.Fatalf("packet %d is %+v after %+v", i, h, last)
		}
		last = h
		payloads = append(payloads, got.Payload)
	}
	return payloads
}

func TestSoundIsTranscodedBothWays(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name         string
		f, g         codec.Format
		fStep, gStep uint32
	}{
		{"PCMU and PCMA", pcmu, pcma, 160, 160},
		{"PCMA and G.722", pcma, g722, 160, 160},
		{"G.722 and Opus", g722, opus, 160, 960},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, newNetwork(), Options{})
			a, b := w.converted(t, row.f, row.g)
			const n = 60
			for _, way := range []struct {
				from, to *party
				in, out  codec.Format
				inType   uint8
				outType  uint8
				step     uint32
			}{{a, b, row.f, row.g, 10, 20, row.gStep}, {b, a, row.g, row.f, 20, 10, row.fStep}} {
				voice := newTone(t, way.in, way.inType)
				var got [][]byte
				for range n {
					way.from.say(voice.packet())
				}
				got = way.to.listen(n-1, way.outType, way.step)
				if share := loud(t, way.out, got); share < 0.9 {
					t.Errorf("%v to %v: %.3f of it is the tone", way.in, way.out, share)
				}
				if s := way.from.taken(n); s.Crossing != media.CrossTranscoded || s.In.Packets != n {
					t.Errorf("%+v", s)
				}
			}
		})
	}
}

func TestWhatIsSharedPassesUntouched(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newNetwork(), Options{})
	a, b := w.converted(t, pcmu, pcma)
	w.Set(b.port.ID, b.setting(media.Payload{Format: pcma, Type: 20}, media.Payload{Format: pcmu, Type: 21}))
	packet := newTone(t, pcmu, 10).packet()
	a.say(packet)
	var got rtp.Packet
	if err := got.Unmarshal(hear(t, b.rtp)); err != nil || got.PayloadType != 21 || got.SSRC != 0xabc || got.SequenceNumber != 65500 {
		t.Errorf("%v, %v", got, err)
	}
	if s, _ := w.Stats(a.port.ID); s.Crossing != media.CrossUntouched {
		t.Errorf("%+v", s)
	}
}

func TestKeysCrossIntoAStreamOfOurs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newNetwork(), Options{})
	a, b := w.converted(t, pcmu, opus)
	voice := newTone(t, pcmu, 10)
	for range 5 {
		a.say(voice.packet())
	}
	sounds := b.listen(5, 20, 960)
	if len(sounds) != 5 {
		t.Fatal(len(sounds))
	}
	// Events of 8000 Hz become such of 48000 Hz.
	for i := range 4 {
		p := rtp.Packet{Header: rtp.Header{
			Version: 2, PayloadType: 101, SequenceNumber: uint16(65505 + i), SSRC: 0xabc, Timestamp: 800, Marker: i == 0,
		}, Payload: []byte{5, 10, 0, byte(160 * min(i+1, 1))}}
		if i == 3 {
			p.Payload[1] |= 0x80
		}
		raw, err := p.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		a.say(raw)
	}
	voice.sent += 4
	a.say(voice.packet())
	var first rtp.Header
	for i := range 5 {
		var got rtp.Packet
		if err := got.Unmarshal(hear(t, b.rtp)); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = got.Header
		}
		event := got.PayloadType == 121
		if got.SSRC != first.SSRC || got.SequenceNumber != first.SequenceNumber+uint16(i) || event != (i < 4) {
			t.Errorf("packet %d is %+v", i, got.Header)
		}
		if event && (got.Timestamp != first.Timestamp || got.Payload[0] != 5 || int(got.Payload[2])<<8|int(got.Payload[3]) != 960) {
			t.Errorf("event %d is %+v %x", i, got.Header, got.Payload)
		}
	}
	for { // beside what it says of who is heard
		if d, ok := a.event().(media.Digit); ok {
			if d.Digit != '5' || !d.Forwarded {
				t.Errorf("%+v", d)
			}
			break
		}
	}
}

func TestOurOwnKeysTakeThePlaceOfOurSound(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newNetwork(), Options{})
	a, b := w.converted(t, pcmu, opus)
	voice := newTone(t, pcmu, 10)
	a.say(voice.packet())
	b.listen(1, 20, 960)
	w.Digit(b.port.ID, '7', 60*time.Millisecond)
	events := 0
	for i := range 8 {
		w.ahead.Add(int64(20 * time.Millisecond))
		a.say(voice.packet())
		var got rtp.Packet
		if err := got.Unmarshal(hear(t, b.rtp)); err != nil {
			t.Fatal(err)
		}
		if got.PayloadType == 121 {
			events++
		} else if i == 0 {
			t.Error("the first packet is sound")
		}
	}
	if events != 5 { // 60 ms, and its end twice more
		t.Errorf("%d events", events)
	}
}

func TestReportsAreOurOwnWhereStreamsAre(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newNetwork(), Options{})
	a, b := w.converted(t, pcmu, pcma)
	voice := newTone(t, pcmu, 10)
	for range 10 {
		a.say(voice.packet())
	}
	b.listen(10, 20, 160)
	a.control(report(0xabc, 1))
	until(t, "the report is taken", func() bool {
		var mark bool
		w.ask(a.port.ID, func(_ *loop, g *leg) { mark = g.made.reporter.Knows() })
		return mark
	})
	w.pass(6 * time.Second)
	for _, row := range []struct {
		p      *party
		sender bool
	}{{a, false}, {b, true}} {
		all, err := rtcp.Unmarshal(hear(t, row.p.rtcp))
		if err != nil {
			t.Fatal(err)
		}
		switch r := all[0].(type) {
		case *rtcp.SenderReport:
			if !row.sender || r.PacketCount != 10 || r.OctetCount != 1600 {
				t.Errorf("%+v", r)
			}
		case *rtcp.ReceiverReport:
			if row.sender || len(r.Reports) != 1 || r.Reports[0].SSRC != 0xabc || r.Reports[0].LastSequenceNumber != 65509 ||
				r.Reports[0].LastSenderReport == 0 || r.Reports[0].Delay != 6<<16 {
				t.Errorf("%+v", r)
			}
		default:
			t.Errorf("%+v", r)
		}
		if _, ok := all[len(all)-1].(*rtcp.SourceDescription); !ok {
			t.Errorf("%+v", all)
		}
	}
	if other := pending(t, b.rtcp); other != nil {
		t.Errorf("%x", other)
	}
}

// TestFramesCross: what is fed leaves as packets, what comes as packets is handed out.
func TestFramesCross(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name     string
		in, out  codec.Format // what the port without sockets has, and what the other has
		length   int          // of a fed frame, in samples
		crossing media.Crossing
	}{
		{"repacked", pcmu, pcmu, 1024, media.CrossRepacked},
		{"transcoded", l16, pcmu, 1024, media.CrossTranscoded},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			first, last := portRange()
			r, err := New(Options{First: first, Last: last, Loops: 2})
			if err != nil {
				t.Fatal(err)
			}
			w := &world{Relay: r}
			t.Cleanup(r.Shutdown)
			handed := make(chan media.Frame, 1000)
			port, err := w.Open(media.Open{Frames: func(f media.Frame) {
				f.Data = append([]byte(nil), f.Data...)
				handed <- f
			}}, func(media.Event) {})
			if err != nil {
				t.Fatal(err)
			}
			b := w.open(t, loopback4)
			w.Set(port.ID, media.Setting{Send: true, Receive: true,
				In: []media.Payload{{Format: row.in, Type: 1}}, Out: []media.Payload{{Format: row.in, Type: 2}}})
			w.Set(b.port.ID, b.setting(media.Payload{Format: row.out, Type: 20}))
			w.Join(port.ID, b.port.ID)
			w.Stats(port.ID) // all of it is done

			voice := newTone(t, row.in, 1)
			var fed []byte
			width := 1
			if row.in.Name == "l16" {
				width = 2
			}
			const frames = 8
			for len(fed) < frames*row.length*width {
				fed = append(fed, voice.payload()...)
			}
			for i := range frames {
				data := fed[i*row.length*width:][:row.length*width]
				w.Feed(port.ID, media.Frame{Type: 1, Time: uint32(i * row.length), Data: data})
			}
			n := frames * row.length * 50 / row.in.Rate
			if share := loud(t, row.out, b.listen(n-1, 20, 160)); share < 0.9 {
				t.Errorf("%.3f of it is the tone", share)
			}

			voice = newTone(t, row.out, 20)
			for range 40 {
				b.say(voice.packet())
			}
			var got [][]byte
			var stamp uint32
			for len(got) < 39 {
				select {
				case f := <-handed:
					if step := uint32(row.in.Rate / 50); f.Type != 2 || len(got) > 0 && f.Time != stamp+step {
						t.Fatalf("%d at %d after %d", f.Type, f.Time, stamp)
					}
					stamp = f.Time
					got = append(got, f.Data)
				case <-time.After(patience):
					t.Fatalf("%d frames only", len(got))
				}
			}
			if share := loud(t, row.in, got); share < 0.9 {
				t.Errorf("%.3f of it is the tone", share)
			}
			w.Part(b.port.ID) // how it crossed is known all the same
			s := w.Close(port.ID)
			if s.Crossing != row.crossing || s.In.Packets != frames || s.Out.Packets < 39 || len(s.Dropped) > 0 {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestAFloodOfFramesIsBounded(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name         string
		size         int
		heard        uint64 // with the clock standing still
		ceiling      uint64
		allMalformed bool
	}{
		{"of the longest", media.MaxFrame, 15, 1985, true}, // each counts for 65
		{"of short ones", 160, 1000, 1000, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, newNetwork(), Options{})
			port, err := w.Open(media.Open{Frames: func(media.Frame) {}}, func(media.Event) {})
			if err != nil {
				t.Fatal(err)
			}
			b := w.open(t, loopback4)
			w.Set(port.ID, media.Setting{Send: true, Receive: true, In: []media.Payload{{Format: pcmu, Type: 1}}})
			w.Set(b.port.ID, b.setting(media.Payload{Format: pcmu, Type: 0}))
			w.Join(port.ID, b.port.ID)
			w.Stats(port.ID)
			data := make([]byte, row.size)
			for i := range 2000 {
				w.Feed(port.ID, media.Frame{Type: 1, Time: uint32(i * len(data)), Data: data})
			}
			s := w.Close(port.ID)
			if s.Dropped[media.DropCeiling] != row.ceiling || s.In.Packets != row.heard || row.allMalformed && s.Out.Packets > 0 {
				t.Errorf("%+v", s)
			}
		})
	}
}

// TestALineGivesTurnsToOthers: who is fed faster than it is converted does not keep the worker.
func TestALineGivesTurnsToOthers(t *testing.T) {
	t.Parallel()
	w := &worker{clock: func() time.Duration { return startAt }, wake: make(chan struct{}, 1)}
	f := &line{worker: w}
	f.open.Store(true)
	one := letter{came: startAt, fed: true, packet: convert.Packet{Type: 1}}
	carried := 0
	f.stream = convert.New(convert.Config{
		Ways:   convert.Choose([]media.Payload{{Format: pcmu, Type: 1}}, []media.Payload{{Format: pcmu, Type: 2}}, true),
		Frames: true, Whole: true,
	}, func(convert.Out) {
		if carried++; carried < 1000 { // another comes meanwhile
			one.time += 160
			f.put(one, make([]byte, 160))
		}
	})
	f.put(one, make([]byte, 160))
	w.now = startAt
	f.read()
	w.mu.Lock()
	defer w.mu.Unlock()
	if carried > maxLetters || len(w.ready) != 2 { // by put, and anew
		t.Errorf("%d in one turn, %d wait", carried, len(w.ready))
	}
}

func TestPacketsAreAsLongAsThePeerLikesThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newNetwork(), Options{})
	a, b := w.converted(t, pcmu, pcma)
	likes := b.setting(media.Payload{Format: pcma, Type: 20})
	likes.Ptime = 40 * time.Millisecond
	w.Set(b.port.ID, likes)
	w.Stats(b.port.ID)
	voice := newTone(t, pcmu, 10)
	for range 8 {
		a.say(voice.packet())
	}
	for _, p := range b.listen(4, 20, 320) {
		if len(p) != 320 {
			t.Errorf("%d bytes", len(p))
		}
	}
}
