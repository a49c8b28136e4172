package relay

import (
	"runtime"
	"testing"
	"time"

	"gateway/bridge/media"

	"golang.org/x/sys/unix"
)

// cpu is what this process has used.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// An end is a leg with ICE and DTLS.
type end struct {
	w      *world
	port   media.Port
	events chan media.Event
}

func newEnd(b *testing.B, w *world) *end {
	b.Helper()
	e := &end{w: w, events: make(chan media.Event, 100)}
	port, err := w.Open(media.Open{ICE: true}, func(ev media.Event) { e.events <- ev })
	if err != nil {
		b.Fatal(err)
	}
	e.port = port
	return e
}

func (e *end) meet(other *end, first, sealed bool) {
	pcm := []media.Payload{{Format: pcmu}}
	s := media.Setting{
		ICE: &other.port.ICE, Controlling: first, Mux: true, Send: true, Receive: true, In: pcm, Out: pcm,
	}
	if sealed {
		s.Security = &media.Security{DTLS: &media.DTLS{Client: first, Peer: []media.Fingerprint{other.w.Fingerprint()}}}
	}
	e.w.Set(e.port.ID, s)
}

func (e *end) await(b *testing.B, fits func(media.Event) bool) {
	b.Helper()
	for late := time.After(patience); ; {
		select {
		case ev := <-e.events:
			if fits(ev) {
				return
			}
		case <-late:
			b.Fatal("no such event came")
		}
	}
}

// Both ends are ours, so each costs half of what the process uses.
func benchmarkSetup(b *testing.B, sealed bool) {
	x, y := newICEWorld(b, newNetwork(), Options{}), newICEWorld(b, newNetwork(), Options{})
	done := isConnected
	if sealed {
		done = func(e media.Event) bool { _, ok := e.(media.Secured); return ok }
	}
	b.ReportAllocs()
	before := cpu(b)
	for b.Loop() {
		one, other := newEnd(b, x), newEnd(b, y)
		one.meet(other, true, sealed)
		other.meet(one, false, sealed)
		one.await(b, done)
		other.await(b, done)
		x.Close(one.port.ID)
		y.Close(other.port.ID)
	}
	b.ReportMetric(float64((cpu(b)-before).Microseconds())/1000/2/float64(b.N), "cpu-ms/end")
}

func BenchmarkSetupOfICE(b *testing.B) { benchmarkSetup(b, false) }

func BenchmarkSetupOfICEAndKeys(b *testing.B) { benchmarkSetup(b, true) }

// The peers are gone when it is measured; their ends are waited for by ours.
func BenchmarkIdleICELegs(b *testing.B) {
	w := newICEWorld(b, newNetwork(), Options{})
	used := func() (memory uint64, goroutines int) {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc + m.StackInuse, runtime.NumGoroutine()
	}
	warm := w.roam(b, manner{controlling: true})
	warm.meet()
	warm.agent.GracefulClose()
	before, running := used()
	n, e := 0, warm.endpoint()
	for b.Loop() {
		p := w.roam(b, manner{controlling: true})
		p.set(func(s *media.Setting) {
			s.Security = &media.Security{DTLS: &media.DTLS{Client: true, Peer: []media.Fingerprint{e.Fingerprint()}}}
		})
		p.meet()
		hands := p.shakeHands(e, media.DTLS{Peer: []media.Fingerprint{w.Fingerprint()}})
		if o := <-hands.outcome; o.Err != nil {
			b.Fatal(o.Err)
		}
		p.await(func(ev media.Event) bool { _, ok := ev.(media.Secured); return ok })
		st, _ := w.Stats(p.port.ID)
		p.agent.GracefulClose()    // so that ours hears nothing of the end
		socketAtPort(b, st.Remote) // nobody else gets the address
		hands.hands.Close()
		n++
	}
	after, now := used()
	b.ReportMetric(float64(after-before)/float64(n), "B/leg")
	b.ReportMetric(float64(now-running)/float64(n), "goroutines/leg")
}

// A sealed packet of a leg with ICE, from the shared socket to the other leg's.
func BenchmarkPacketsOfAnICELeg(b *testing.B) {
	w := newICEWorld(b, newNetwork(), Options{})
	p := w.roam(b, manner{controlling: true})
	q := w.open(b, loopback4)
	alice := newSealedPeer(b, media.SuiteCM80)
	p.set(func(s *media.Setting) {
		s.In, s.Out = []media.Payload{{Format: pcmu}}, []media.Payload{{Format: pcmu}}
		s.Security = alice.security()
	})
	w.Set(q.port.ID, q.setting(media.Payload{Format: pcmu}))
	w.Join(p.port.ID, q.port.ID)
	p.meet()
	from := w.loops[0].legs[0].sock[forRTP].to
	if !from.IsValid() {
		from = w.loops[0].legs[1].sock[forRTP].to
	}
	packets := make([][]byte, 256)
	sequence := uint16(0)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		for i := range packets {
			packets[i] = alice.seal(packet(0, sequence), false)
			sequence++
		}
		b.StartTimer()
		l := w.loops[0]
		l.ask(func() bool {
			for _, s := range l.shared {
				if s.which == forRTP {
					for _, one := range packets {
						l.common(s, copy(l.buf[:], one), from)
					}
				}
			}
			return true
		})()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(packets)), "ns/packet")
}
