package convert

import (
	"cmp"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"gateway/bridge/media"
	"gateway/codec"
	"gateway/codec/sound"
)

var (
	pcmu  = codec.Format{Kind: codec.Audio, Name: "pcmu", Rate: 8000, Channels: 1}
	pcma  = codec.Format{Kind: codec.Audio, Name: "pcma", Rate: 8000, Channels: 1}
	g722  = codec.Format{Kind: codec.Audio, Name: "g722", Rate: 8000, Channels: 1}
	opus  = codec.Format{Kind: codec.Audio, Name: "opus", Rate: 48000, Channels: 2}
	l16   = codec.Format{Kind: codec.Audio, Name: "l16", Rate: 16000, Channels: 1}
	noise = codec.Format{Kind: codec.Audio, Name: codec.ComfortNoise, Rate: 8000, Channels: 1}
	keys  = codec.Format{Kind: codec.Audio, Name: codec.TelephoneEvent, Rate: 8000, Channels: 1}
	other = codec.Format{Kind: codec.Audio, Name: "x-unknown", Rate: 8000, Channels: 1}
)

func payload(f codec.Format, kind uint8) media.Payload { return media.Payload{Format: f, Type: kind} }

func list(p ...media.Payload) []media.Payload { return p }

const (
	pitch  = 440.0
	call   = 30 * time.Minute
	skew   = 100e-6
	begins = time.Second // the clock is never 0
)

// A speaker encodes a tone without end.
type speaker struct {
	encoder codec.Encoder
	n       int
}

func newSpeaker(t testing.TB, f codec.Format, ptime time.Duration) *speaker {
	t.Helper()
	e, err := sound.NewEncoder(f, sound.Setting{Ptime: ptime})
	if err != nil {
		t.Fatal(err)
	}
	return &speaker{encoder: e}
}

// next is one frame more.
func (s *speaker) next() []byte {
	pcm := make([]int16, s.encoder.Frame())
	for i := range pcm {
		pcm[i] = int16(8000 * math.Sin(2*math.Pi*pitch*float64(s.n)/float64(s.encoder.Rate())))
		s.n++
	}
	b, err := s.encoder.Encode(nil, pcm)
	if err != nil {
		panic(err)
	}
	return b
}

// An arrival is something that comes to a stream.
type arrival struct {
	at   time.Duration
	do   func(s *Stream, now time.Duration)
	sent time.Duration // when its sound began, by the wall clock
}

// run lets all of it come, in its time, and the stream tick whenever it wants.
func run(s *Stream, now *time.Duration, all []arrival) {
	slices.SortStableFunc(all, func(a, b arrival) int { return cmp.Compare(a.at, b.at) })
	wait := time.Duration(0)
	for _, a := range all {
		for wait != 0 && wait <= a.at {
			*now = max(*now, wait)
			wait = s.Tick(*now)
		}
		*now = a.at
		a.do(s, a.at)
		wait = s.Tick(a.at)
	}
	for wait != 0 {
		*now = max(*now, wait)
		wait = s.Tick(*now)
	}
}

// listener decodes L16 and looks at its pitch second by second.
type listener struct {
	rate    int
	samples []int16
	pitches []float64
}

func (l *listener) hear(data []byte) {
	for ; len(data) >= 2; data = data[2:] {
		l.samples = append(l.samples, int16(binary.BigEndian.Uint16(data)))
	}
	for len(l.samples) >= l.rate {
		l.pitches = append(l.pitches, frequency(l.samples[:l.rate], l.rate))
		l.samples = append(l.samples[:0], l.samples[l.rate:]...)
	}
}

// frequency is that of a tone, by the ways between its first and last rising
// crossing of zero.
func frequency(pcm []int16, rate int) float64 {
	first, last, n := -1.0, 0.0, 0
	for i := 1; i < len(pcm); i++ {
		if pcm[i-1] < 0 && pcm[i] >= 0 {
			at := float64(i-1) + float64(-int(pcm[i-1]))/float64(int(pcm[i])-int(pcm[i-1]))
			if first < 0 {
				first = at
			} else {
				n++
			}
			last = at
		}
	}
	return float64(n) * float64(rate) / (last - first)
}

// packets is half an hour of a call over a bad network, whose sender's clock is fast.
func packets(t testing.TB, random *rand.Rand, f codec.Format) []arrival {
	voice := newSpeaker(t, f, 20*time.Millisecond)
	ticks := uint32(f.Rate / 50)
	var all []arrival
	for i := range int(call / (20 * time.Millisecond)) {
		p := Packet{Type: 1, Sequence: uint16(60000 + i), Timestamp: 1<<32 - 1000 + uint32(i)*ticks, SSRC: 7, Data: voice.next()}
		if random.Float64() < 0.01 {
			continue
		}
		sent := begins + time.Duration(float64(i)*20e6*(1-skew))
		at := sent + 20*time.Millisecond + time.Duration(random.Int64N(int64(8*time.Millisecond)))
		if random.Float64() < 0.01 {
			at += 25 * time.Millisecond // it is overtaken
		}
		all = append(all, arrival{at: at, sent: sent, do: func(s *Stream, now time.Duration) { s.Packet(p, now) }})
	}
	return all
}

// TestHalfAnHourOfLossAndSkew: packets to frames, and packets to packets, with 1% loss,
// 1% overtaken, and a clock that is 100 ppm fast.
func TestHalfAnHourOfLossAndSkew(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		whole bool
		most  time.Duration // of the delay, from the end of a packet's sound until it goes on
	}{
		{"to frames", true, 80 * time.Millisecond},
		{"to packets", false, 80 * time.Millisecond},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(1, 2))
			ear := &listener{rate: 16000}
			var now, worst time.Duration
			next, jumps := int64(0), 0
			ways := Choose(list(payload(pcmu, 1)), list(payload(l16, 2)), row.whole)
			s := New(Config{Ways: ways, Whole: row.whole}, func(o Out) {
				if o.Type != 2 || o.Rate != 16000 {
					t.Fatalf("%+v", o)
				}
				if o.Time != next {
					jumps++
				}
				next = o.Time + int64(len(o.Data)/2)
				spoken := begins + time.Duration(float64(o.Time)/16000*1e9*(1-skew))
				worst = max(worst, now-spoken-20*time.Millisecond)
				ear.hear(o.Data)
			})
			run(s, &now, packets(t, random, pcmu))
			if worst > row.most {
				t.Errorf("delay of %v", worst)
			}
			if d := float64(next)/16000 - call.Seconds(); math.Abs(d) > 0.2 || jumps > 0 {
				t.Errorf("%v s too long, %d jumps", d, jumps)
			}
			off := 0
			for _, p := range ear.pitches {
				if math.Abs(p-pitch) > 2 {
					off++
				}
			}
			if off > len(ear.pitches)/50 || len(ear.pitches) < 1790 {
				t.Errorf("%d of %d seconds have another pitch", off, len(ear.pitches))
			}
			n := s.Counts()
			t.Logf("delay %v at most, %+v, %d s off", worst, n, off)
			if n.Concealed < 500 || n.Late > 100 || n.Malformed > 0 {
				t.Errorf("%+v", n)
			}
		})
	}
}

// TestHalfAnHourIsPaced: frames of any length, in bursts and with stamps in milliseconds, go
// out in even packets.
func TestHalfAnHourIsPaced(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		in, out codec.Format
		length  int // in samples
		rate    int
	}{
		{"G.711 of 128 ms, repacked", pcmu, pcmu, 1024, 8000},
		{"G.711 of 41 ms, transcoded", pcmu, pcma, 328, 8000},
		{"linear of 23 ms, transcoded", codec.Format{Kind: codec.Audio, Name: "l16", Rate: 44100, Channels: 1}, pcmu, 1024, 44100},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(3, 4))
			var now, last, worst, spread time.Duration
			var sizes = map[int]int{}
			next, jumps := int64(0), 0
			ways := Choose(list(payload(row.in, 1)), list(payload(row.out, 2)), true)
			s := New(Config{Ways: ways, Frames: true}, func(o Out) {
				if o.Time != next {
					jumps++
				}
				next = o.Time + int64(len(o.Data))
				sizes[len(o.Data)]++
				if last != 0 && now > begins+20*time.Second {
					spread = max(spread, (now - last - 20*time.Millisecond).Abs())
				}
				last = now
				spoken := begins + time.Duration(float64(o.Time)/8000*1e9*(1-skew))
				worst = max(worst, now-spoken)
			})
			length := time.Duration(row.length) * time.Second / time.Duration(row.rate)
			var all []arrival
			for i := range int(call / length) {
				begin := time.Duration(float64(i) * float64(length) * (1 - skew))
				stamp := uint32(begin.Milliseconds() * int64(row.rate) / 1000) // by the wall clock, rounded
				data := make([]byte, row.length)
				if row.rate == 44100 {
					data = make([]byte, 2*row.length)
				}
				at := begins + begin + length + time.Duration(random.Int64N(int64(10*time.Millisecond)))
				all = append(all, arrival{at: at, do: func(s *Stream, now time.Duration) {
					s.Frame(media.Frame{Type: 1, Time: stamp, Data: data}, now)
				}})
			}
			run(s, &now, all)
			if worst > length+70*time.Millisecond {
				t.Errorf("delay of %v", worst)
			}
			if spread > 12*time.Millisecond || jumps > 0 || len(sizes) != 1 {
				t.Errorf("%v from even, %d jumps, sizes %v", spread, jumps, sizes)
			}
			if d := float64(next)/8000 - call.Seconds(); math.Abs(d) > 0.3 {
				t.Errorf("%v s too long", d)
			}
			t.Logf("delay %v at most, %v from even, %+v", worst, spread, s.Counts())
		})
	}
}
