package relay

import (
	"testing"
	"time"

	"gateway/bridge/media"

	"github.com/pion/rtp"
)

// framed is a port whose peer has frames, joined to one with packets, in a Relay that runs. All that waits when something
// else is agreed on waits for its time.
func framed(t *testing.T) (w *world, port media.PacketPort, b *party, handed chan media.Frame) {
	t.Helper()
	first, last := portRange()
	r, err := New(Options{First: first, Last: last})
	if err != nil {
		t.Fatal(err)
	}
	w = &world{Relay: r}
	t.Cleanup(r.Shutdown)
	handed = make(chan media.Frame, 1000)
	p, err := w.Open(media.Open{Frames: func(f media.Frame) {
		f.Data = append([]byte(nil), f.Data...)
		handed <- f
	}}, func(media.Event) {})
	if err != nil {
		t.Fatal(err)
	}
	b = w.open(t, loopback4)
	w.Set(p.ID, media.Setting{Send: true, Receive: true,
		In: []media.Payload{{Format: l16, Type: 1}}, Out: []media.Payload{{Format: l16, Type: 2}}})
	w.Set(b.port.ID, b.setting(media.Payload{Format: pcmu, Type: 20}))
	w.Join(p.ID, b.port.ID)
	w.Stats(p.ID) // all of it is done
	return w, p.ID, b, handed
}

// TestWhatWaitsIsNotLost when a client sends something else from now on: what it said before is heard first.
func TestWhatWaitsIsNotLost(t *testing.T) {
	t.Parallel()
	w, port, b, _ := framed(t)
	const n = 10
	old, late := newTone(t, l16, 1), newTone(t, pcma, 3)
	for i := range n {
		w.Feed(port, media.Frame{Type: 1, Time: uint32(i * 320), Data: old.payload()})
	}
	w.Set(port, media.Setting{Send: true, Receive: true,
		In:  []media.Payload{{Format: l16, Type: 1}, {Format: pcma, Type: 3}},
		Out: []media.Payload{{Format: l16, Type: 2}}})
	w.Stats(port)
	for i := range n {
		w.Feed(port, media.Frame{Type: 3, Time: uint32((n + i) * 160), Data: late.payload()})
	}
	var payloads [][]byte
	var last rtp.Header
	for i := range 2*n - 2 { // each of the two may keep a part of a packet
		var got rtp.Packet
		if err := got.Unmarshal(hear(t, b.rtp)); err != nil {
			t.Fatal(err)
		}
		if h := got.Header; i > 0 && (h.SSRC != last.SSRC || h.SequenceNumber != last.SequenceNumber+1 || h.Timestamp-last.Timestamp < 160) {
			t.Fatalf("packet %d is %+v after %+v", i, h, last)
		}
		last = got.Header
		payloads = append(payloads, got.Payload)
	}
	for _, part := range [][][]byte{payloads[:n-2], payloads[n:]} {
		if share := loud(t, pcmu, part); share < 0.9 {
			t.Errorf("%.3f of it is the tone", share)
		}
	}
	if s := w.Close(port); s.In.Packets != 2*n || len(s.Dropped) > 0 {
		t.Errorf("%+v", s)
	}
}

// TestWhatHasComeIsNotLost when the payload types that come mean something else from now on.
func TestWhatHasComeIsNotLost(t *testing.T) {
	t.Parallel()
	w, port, b, handed := framed(t)
	const n = 10
	voice := newTone(t, pcmu, 20)
	for range n {
		b.say(voice.packet())
	}
	b.taken(n)
	s := b.setting(media.Payload{Format: pcmu, Type: 20})
	s.In = []media.Payload{{Format: pcma, Type: 20}, {Format: pcmu, Type: 21}}
	w.Set(b.port.ID, s)
	w.Stats(port)
	voice.kind = 21
	for range n {
		b.say(voice.packet())
	}
	var got [][]byte
	for len(got) < 2*n-1 {
		select {
		case f := <-handed:
			if f.Type != 2 {
				t.Errorf("handed as %d", f.Type)
			}
			got = append(got, f.Data)
		case <-time.After(patience):
			t.Fatalf("%d frames only", len(got))
		}
	}
	for _, part := range [][][]byte{got[:n-1], got[n+1:]} {
		if share := loud(t, l16, part); share < 0.9 {
			t.Errorf("%.3f of it is the tone", share)
		}
	}
}

// TestWhatWouldMeanSomethingElseIsCut: the peer takes what was made no more.
func TestWhatWouldMeanSomethingElseIsCut(t *testing.T) {
	t.Parallel()
	w, port, b, _ := framed(t)
	voice := newTone(t, l16, 1)
	for i := range 10 {
		w.Feed(port, media.Frame{Type: 1, Time: uint32(i * 320), Data: voice.payload()})
	}
	w.Set(b.port.ID, b.setting(media.Payload{Format: pcma, Type: 30}))
	w.Stats(port)
	for i := range 10 {
		w.Feed(port, media.Frame{Type: 1, Time: uint32((10 + i) * 320), Data: voice.payload()})
	}
	late := 0
	for late < 9 {
		var got rtp.Packet
		if err := got.Unmarshal(hear(t, b.rtp)); err != nil {
			t.Fatal(err)
		}
		switch {
		case got.PayloadType == 30:
			late++
		case late > 0:
			t.Fatal("what was agreed on before comes behind what is agreed on now")
		}
	}
}

// TestALineThatFadesIsCut with its call, and by the next that fades.
func TestALineThatFadesIsCut(t *testing.T) {
	t.Parallel()
	w, port, b, _ := framed(t)
	voice := newTone(t, l16, 1)
	in := []media.Payload{{Format: l16, Type: 1}}
	stamp := uint32(0)
	for i := range 20 {
		for range 5 {
			w.Feed(port, media.Frame{Type: 1, Time: stamp, Data: voice.payload()})
			stamp += 320
		}
		in = append(in, media.Payload{Format: pcma, Type: uint8(3 + i)})
		w.Set(port, media.Setting{Send: true, Receive: true, In: in, Out: []media.Payload{{Format: l16, Type: 2}}})
		w.Stats(port) // what is fed goes by the line of this setting from here on
	}
	hear(t, b.rtp)
	w.Part(port)
	s := w.Close(port)
	if s.In.Packets != 100 {
		t.Errorf("%+v", s)
	}
	w.Close(b.port.ID)
	until(t, "no line is left", func() bool {
		n := int32(0)
		for _, l := range w.loops {
			for _, k := range l.workers {
				n += k.lines.Load()
			}
		}
		return n == 0
	})
}
