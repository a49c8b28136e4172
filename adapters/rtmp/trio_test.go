package rtmp

import (
	"math"
	"sync"
	"testing"
	"time"

	"gateway/adapters/rtmp/wire"
	"gateway/bridge"
	"gateway/bridge/bridgetest"
	"gateway/bridge/media"
	"gateway/bridge/media/relay"
	"gateway/codec"
	coders "gateway/codec/sound"
)

// twoCalls has a client of mod_rtmp call bob and then carol, who take it.
func (r *rig) twoCalls(c *client) (ids [2]any, calls [2]*bridgetest.Call) {
	r.t.Helper()
	r.h.TakeCalls(nil)
	c.told("onLogin")
	for i, name := range []string{"bob", "carol"} {
		c.say("makeCall", name, "", nil)
		ids[i] = c.told("onMakeCall")[0]
		calls[i] = r.takes(i)
		c.told("callState", ids[i], stateActive)
		c.told("onAttach", ids[i])
	}
	r.offers(calls[0], 1, bridge.SendOnly)
	agrees(calls[0], 2, bridge.ReceiveOnly)
	return ids, calls
}

// TestACallOfAClientThatIsGoneEnds, whether it could be called or not.
func TestACallOfAClientThatIsGoneEnds(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	c := r.switchPhone("alice", "secret")
	_, calls := r.twoCalls(c)
	_ = c.Close()
	for _, call := range calls {
		bridgetest.Await[bridge.Ended](call)
	}
}

// TestThreeWayEnds: what is left is a call as before, in which the client speaks.
func TestThreeWayEnds(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(c *client, ids [2]any, calls [2]*bridgetest.Call) (left int){
		"by the second": func(_ *client, _ [2]any, calls [2]*bridgetest.Call) int {
			calls[1].Leg.Hangup(bridge.Normal)
			return 0
		},
		"by the first": func(_ *client, _ [2]any, calls [2]*bridgetest.Call) int {
			calls[0].Leg.Hangup(bridge.Normal)
			return 1
		},
		"by the client, which turns to the second": func(c *client, ids [2]any, _ [2]*bridgetest.Call) int {
			c.say("attach", ids[1])
			return 1
		},
		"by the client, which hangs up the first": func(c *client, ids [2]any, _ [2]*bridgetest.Call) int {
			c.say("hangup", ids[0], "")
			return 1
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := run(t, nil)
			c := r.switchPhone("alice", "secret")
			stream := c.publishes("local")
			ids, calls := r.twoCalls(c)
			c.say("three_way", ids[0], ids[1])
			if n := r.plane.Count(); n != 4 {
				t.Errorf("%d ports are open", n)
			}
			if _, err := c.Call(t.Context(), "three_way", ids[0], ids[1]); err == nil {
				t.Error("three talk twice")
			}
			for _, call := range calls {
				if set, _ := r.plane.Setting(r.port(call)); len(set.Out) != 1 || set.Out[0].Format != mixed {
					t.Errorf("a call is heard as %v", set.Out)
				}
			}
			left := r.port(calls[end(c, ids, calls)])
			r.eventually("the mixer is closed", func() bool { return r.plane.Count() <= 2 })
			r.eventually("the client is heard in what is left", func() bool {
				c.utter(stream, 0, 0x82, 1, 2, 3)
				for _, f := range r.plane.Fed(left) {
					if string(f.Data) == "\x01\x02\x03" {
						return true
					}
				}
				return false
			})
			if set, _ := r.plane.Setting(left); len(set.Out) != 1 || set.Out[0].Format == mixed {
				t.Errorf("what is left is heard as %v", set.Out)
			}
		})
	}
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
	plane, err := relay.New(relay.Options{First: 40000, Last: 40010})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(plane.Shutdown)
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
	begin, made := time.Now(), 0
	for until := begin.Add(3 * patience); !good(); {
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
