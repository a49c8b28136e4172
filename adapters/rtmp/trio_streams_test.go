package rtmp

import (
	"slices"
	"testing"

	"gateway/bridge"
	"gateway/bridge/bridgetest"
	"gateway/bridge/media"
	"gateway/bridge/media/mix"

	"github.com/prometheus/client_golang/prometheus"
)

// TestThreeWayAndOtherStreams: a client that begins its streams anew is heard, and hears each frame once.
func TestThreeWayAndOtherStreams(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	c := r.switchPhone("alice", "secret")
	said, heard := c.publishes("local"), c.plays("remote")
	ids, calls, own, _ := r.mixes(c)
	kind := func(port media.PacketPort) uint8 {
		set, _ := r.plane.Setting(port)
		return set.Out[0].Type
	}
	hears := func(port media.PacketPort, stream uint32, data byte) {
		t.Helper()
		r.plane.Give(port, media.Frame{Type: kind(port), Data: []byte{data}})
		if m := c.hears(); m.Stream != stream || m.Body[len(m.Body)-1] != data {
			t.Errorf("stream %d has % x, want %d with %x", m.Stream, m.Body, stream, data)
		}
	}
	hears(own, heard, 1)
	c.say("deleteStream", float64(heard))
	heard = c.plays("again")
	hears(own, heard, 2)
	c.say("deleteStream", float64(said))
	said = c.publishes("again")
	c.heardAt(r, said, own)
	calls[0].Leg.Hangup(bridge.Normal)
	c.told("onAttach", ids[1])
	c.told("onHangup", ids[0], "NORMAL_CLEARING")
	hears(r.port(calls[1]), heard, 3)
	hears(r.port(calls[1]), heard, 4)
}

// TestWhatThreeSayIsBounded, and what is too much is counted.
func TestWhatThreeSayIsBounded(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	c := r.switchPhone("alice", "secret")
	_, calls, _, mixer := r.mixes(c)
	port := r.port(calls[0])
	set, _ := r.plane.Setting(port)
	counts := prometheus.NewRegistry()
	counts.MustRegister(r.a.house.Load().metrics.dropped)
	drops := func() bool {
		all, err := counts.Gather()
		return err == nil && len(all) == 1 && len(all[0].GetMetric()) == 1 && all[0].GetMetric()[0].GetCounter().GetValue() > 0
	}
	r.eventually("sound is dropped", func() bool {
		r.plane.Give(port, media.Frame{Type: set.Out[0].Type, Data: make([]byte, 20*mixFrame)})
		return drops()
	})
	// What one says is fed to the two others.
	for _, at := range []media.PacketPort{mixer, r.port(calls[1])} {
		r.eventually("it is heard", func() bool {
			return slices.ContainsFunc(r.plane.Fed(at), func(f media.Frame) bool { return len(f.Data) == 2*mixFrame })
		})
	}
	if all := r.plane.Fed(port); len(all) > 0 {
		t.Errorf("who speaks alone is told %d frames", len(all))
	}
}

// TestAFrameOfThreeCostsNoMemory, once queues have grown to what is needed.
func TestAFrameOfThreeCostsNoMemory(t *testing.T) {
	trio := &trio{mixer: mix.New(trioParties, mixFrame)}
	f := media.Frame{Data: make([]byte, 2*mixFrame)}
	frame := func() {
		for party := range trioParties {
			trio.put(party, f)
		}
		trio.next()
	}
	for range 50 {
		frame()
	}
	if n := testing.AllocsPerRun(100, frame); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzThreeWay: whatever a client and the others do, in any order, all that was begun ends.
func FuzzThreeWay(f *testing.F) {
	f.Add([]byte{0, 1, 0x10, 0x21, 0x30})
	f.Add([]byte{0, 1, 2, 0x12, 0x24, 0x11, 0x25, 0x40, 0x16, 0x51})
	f.Add([]byte{0, 1, 0x11, 0x50, 0x11, 0x60, 0, 0x12, 0x31})
	f.Fuzz(func(t *testing.T, all []byte) {
		r := run(t, nil)
		r.h.TakeCalls(nil)
		c := r.switchPhone("alice", "secret")
		c.publishes("local")
		c.plays("remote")
		var ids []any
		id := func(n byte) any {
			for {
				select {
				case got := <-c.news:
					if got.Name == "onMakeCall" {
						ids = append(ids, got.Args[0])
					}
					continue
				default:
				}
				break
			}
			if len(ids) == 0 {
				return ""
			}
			return ids[int(n)%len(ids)]
		}
		made := 0
		for _, b := range all[:min(len(all), 40)] {
			n := b & 15
			switch b >> 4 {
			case 0:
				before := len(ids)
				if _ = c.say("makeCall", "bob", "", nil); made < 4 { // there is room
					r.takes(made)
					made++
				}
				r.eventually("the call is told", func() bool { id(0); return len(ids) > before })
			case 1:
				_, _ = c.Call(t.Context(), "three_way", id(n), id(n>>1)) // may be refused
			case 2:
				c.say("attach", id(n))
			case 3:
				c.say("hangup", id(n), "")
			case 4:
				c.say("attach", "")
			case 5:
				_, _ = c.Call(t.Context(), "join", id(n), id(n>>1)) // may be refused
			case 6:
				if made > 0 {
					r.h.Call(int(n) % made).Leg.Hangup(bridge.Normal)
				}
			}
		}
		_ = c.Close()
		for i := range made {
			bridgetest.Await[bridge.Ended](r.h.Call(i))
		}
	})
}
