package relay

import (
	"encoding/binary"
	"slices"
	"sync"
	"testing"
	"time"

	"gateway/bridge/media"
	"gateway/bridge/media/convert"
	"gateway/codec"
)

// BenchmarkConvert is what one 20 ms packet costs to carry on, by the pair of formats.
func BenchmarkConvert(b *testing.B) {
	for _, row := range []struct{ in, out codec.Format }{
		{pcmu, pcma}, {pcmu, g722}, {pcmu, opus}, {opus, pcmu}, {g722, opus}, {opus, g722},
	} {
		b.Run(row.in.Name+" to "+row.out.Name, func(b *testing.B) {
			ways := convert.Choose([]media.Payload{{Format: row.in, Type: 1}}, []media.Payload{{Format: row.out, Type: 2}}, false)
			n := 0
			s := convert.New(convert.Config{Ways: ways}, func(convert.Out) { n++ })
			voice := newTone(b, row.in, 1)
			var payloads [][]byte
			for range 50 {
				payloads = append(payloads, voice.payload())
			}
			now := startAt
			sequence := uint16(0)
			for b.Loop() {
				s.Packet(convert.Packet{
					Type: 1, Sequence: sequence, Timestamp: uint32(sequence) * uint32(row.in.Rate/50), SSRC: 1, Data: payloads[int(sequence)%len(payloads)],
				}, now)
				s.Tick(now)
				sequence++
				now += 20 * time.Millisecond
			}
			if n == 0 {
				b.Fatal("nothing came out")
			}
			// A minute of a call is 3000 packets each way.
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)*3000/1e6, "ms/min")
		})
	}
}

// BenchmarkConvertDelay is how much later than it came the sound of one of a hundred streams
// goes on: the time from a packet's sending until its sound is received in the other format.
func BenchmarkConvertDelay(b *testing.B) {
	const streams = 100
	first, last := portRanges(8)
	r, err := New(Options{First: first, Last: last})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(r.Shutdown)
	w := &world{Relay: r}
	type pair struct{ a, b *party }
	var pairs []pair
	for range streams {
		one, two := w.converted(b, pcmu, pcma)
		pairs = append(pairs, pair{one, two})
	}
	var mu sync.Mutex // guards delays
	var delays []time.Duration
	rounds := 0
	for b.Loop() {
		rounds++
		var wg sync.WaitGroup
		for i, p := range pairs {
			wg.Go(func() {
				<-time.After(time.Duration(i) * 20 * time.Millisecond / streams) // as packets of many calls are spread
				raw := packet(10, uint16(rounds))
				binary.BigEndian.PutUint32(raw[4:], uint32(rounds*160))
				sent := time.Now()
				p.a.say(raw)
				hear(b, p.b.rtp)
				mu.Lock()
				delays = append(delays, time.Since(sent))
				mu.Unlock()
			})
		}
		wg.Wait()
	}
	slices.Sort(delays)
	b.ReportMetric(float64(delays[len(delays)/2].Microseconds()), "µs-p50")
	b.ReportMetric(float64(delays[len(delays)*99/100].Microseconds()), "µs-p99")
}
