package rtmp

import (
	"math"
	"os"
	"sync"
	"testing"
	"time"

	"gateway/adapters/rtmp/wire"
	"gateway/bridge/media"
	"gateway/bridge/media/child"
	"gateway/bridge/media/relay"
	"gateway/codec"
	coders "gateway/codec/sound"
)

// TestMain: this binary is a media process as well.
func TestMain(m *testing.M) {
	if child.Is(os.Args) {
		os.Exit(child.Main())
	}
	os.Exit(m.Run())
}

// A singer is a party with a tone of its own, and an ear.
type singer struct {
	pitch   float64
	encoder codec.Encoder
	at      int

	mu    sync.Mutex // guards what follows
	ear   codec.Decoder
	heard []int16
}

func newSinger(t *testing.T, pitch float64, ear codec.Format) *singer {
	t.Helper()
	e, err := coders.NewEncoder(pcmu, coders.Setting{})
	if err != nil {
		t.Fatal(err)
	}
	d, err := coders.NewDecoder(ear)
	if err != nil {
		t.Fatal(err)
	}
	return &singer{pitch: pitch, encoder: e, ear: d}
}

// sings is 20 ms more of its tone.
func (s *singer) sings() []byte {
	pcm := make([]int16, s.encoder.Frame())
	for i := range pcm {
		pcm[i] = int16(6000 * math.Sin(2*math.Pi*s.pitch*float64(s.at)/float64(s.encoder.Rate())))
		s.at++
	}
	b, err := s.encoder.Encode(nil, pcm)
	if err != nil {
		panic(err)
	}
	return b
}

func (s *singer) hear(data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard, _ = s.ear.Decode(s.heard, data) // what is wrong is not heard
}

// loudness is how much of a pitch there was in the last second; 0 before there was one.
func (s *singer) loudness(pitch float64) float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	rate := s.ear.Rate()
	if len(s.heard) < rate {
		return 0
	}
	var re, im float64
	for i, v := range s.heard[len(s.heard)-rate:] {
		a := 2 * math.Pi * pitch * float64(i) / float64(rate)
		re += float64(v) * math.Cos(a)
		im += float64(v) * math.Sin(a)
	}
	return 2 * math.Hypot(re, im) / float64(rate)
}

// sits opens a port of the other side of a call, and joins it to the call's, as the bridge does.
func (s *singer) sits(t *testing.T, plane media.Plane, at media.PacketPort) (feed func(ms int)) {
	t.Helper()
	p, err := plane.Open(media.Open{Frames: func(f media.Frame) { s.hear(f.Data) }}, func(media.Event) {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { plane.Close(p.ID) })
	one := []media.Payload{{Format: pcmu, Type: 0}}
	plane.Set(p.ID, media.Setting{Send: true, Receive: true, In: one, Out: one})
	plane.Join(p.ID, at)
	return func(ms int) { plane.Feed(p.ID, media.Frame{Type: 0, Time: uint32(8 * ms), Data: s.sings()}) }
}

// TestThreeHearEachOther: each of three tones is heard by the two others, and not by who sings it.
func TestThreeHearEachOther(t *testing.T) {
	t.Parallel()
	o := relay.Options{First: 40000, Last: 40010}
	t.Run("in this process", func(t *testing.T) {
		plane, err := relay.New(o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(plane.Shutdown)
		threeHearEachOther(t, plane)
	})
	t.Run("in a media process", func(t *testing.T) {
		plane, err := child.Start(o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(plane.Shutdown)
		threeHearEachOther(t, plane)
	})
}

func threeHearEachOther(t *testing.T, plane media.Plane) {
	t.Helper()
	r := runWith(t, nil, plane)
	c := r.switchPhone("alice", "secret")
	stream := c.publishes("local")
	c.plays("remote")
	c.say("register", "", "")
	ids, calls := r.twoCalls(c)
	// G.711 is what costs least: this shall go on in its time on a machine that is busy, too.
	s := r.a.house.Load().hub.there("alice")[0]
	s.mu.Lock()
	s.liking = taste{send: []codec.Format{pcmu}, hear: []codec.Format{pcmu}}
	s.mu.Unlock()
	c.say("three_way", ids[0], ids[1])

	alice, bob, carol := newSinger(t, 400, pcmu), newSinger(t, 700, pcmu), newSinger(t, 1100, pcmu)
	feeds := []func(int){
		func(ms int) { c.utter(stream, uint32(ms), append([]byte{wire.HeadMuLaw}, alice.sings()...)...) },
		bob.sits(t, plane, r.port(calls[0])), carol.sits(t, plane, r.port(calls[1])),
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	all := []*singer{alice, bob, carol}
	good := func() bool {
		for _, s := range all {
			own := s.loudness(s.pitch)
			for _, o := range all {
				if l := s.loudness(o.pitch); o != s && (l < 1500 || l < 5*own) {
					return false
				}
			}
		}
		return true
	}
	begin, made, looked := time.Now(), 0, 0
	for until := begin.Add(3 * patience); made == looked || made%25 > 0 || !good(); {
		looked = made
		if time.Now().After(until) {
			for i, s := range all {
				t.Errorf("party %d hears %.0f, %.0f and %.0f of the three", i, s.loudness(alice.pitch), s.loudness(bob.pitch), s.loudness(carol.pitch))
			}
			return
		}
		select {
		case m := <-c.sound:
			if len(m.Body) > 1 && m.Body[0] == wire.HeadMuLaw {
				alice.hear(m.Body[1:])
			}
		case <-tick.C:
			for due := int(time.Since(begin) / (20 * time.Millisecond)); made < due; made++ {
				for _, feed := range feeds {
					feed(20 * made)
				}
			}
		}
	}
}
