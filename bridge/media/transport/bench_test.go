package transport

import (
	"testing"

	"gateway/bridge/media"
	"gateway/bridge/media/rtp"
)

func TestAPacketCostsNoMemory(t *testing.T) {
	allowed := 0.0
	if raced {
		allowed = 2 // the race detector has the library's pools forget
	}
	for _, s := range Suites() {
		sealer, opener := pair(t, s)
		p := packet(7, 0)
		b := room(p)
		sequence := uint16(0)
		var failed error
		n := testing.AllocsPerRun(1000, func() {
			sequence++
			copy(b, p)
			rtp.SetSequence(b, sequence)
			m, err := sealer.Seal(b, len(p), false)
			if err == nil {
				_, err = opener.Open(b[:m], false)
			}
			if err != nil {
				failed = err
			}
		})
		if n > allowed || failed != nil {
			t.Errorf("%s: %v allocations, %v", s, n, failed)
		}
	}
}

func BenchmarkSeal(b *testing.B) {
	for _, s := range Suites() {
		b.Run(string(s), func(b *testing.B) {
			sealer, _ := pair(b, s)
			p := packet(7, 0)
			buf := room(p)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				copy(buf, p)
				rtp.SetSequence(buf, uint16(i))
				if _, err := sealer.Seal(buf, len(p), false); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSealAndOpen(b *testing.B) {
	for _, s := range Suites() {
		b.Run(string(s), func(b *testing.B) {
			sealer, opener := pair(b, s)
			p := packet(7, 0)
			buf := room(p)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				copy(buf, p)
				rtp.SetSequence(buf, uint16(i))
				n, err := sealer.Seal(buf, len(p), false)
				if err == nil {
					_, err = opener.Open(buf[:n], false)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkHandshake(b *testing.B) {
	client, err := NewEndpoint(Config{})
	if err != nil {
		b.Fatal(err)
	}
	server, err := NewEndpoint(Config{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		var up, down lane
		outcomes := make(chan Outcome, 2)
		done := func(o Outcome) { outcomes <- o }
		s, err := server.Start(media.DTLS{Peer: []media.Fingerprint{client.Fingerprint()}}, down.send, done)
		if err != nil {
			b.Fatal(err)
		}
		up.to.Store(s)
		ready := make(chan struct{})
		c, err := client.Start(media.DTLS{Client: true, Peer: []media.Fingerprint{server.Fingerprint()}},
			func(datagram []byte) { <-ready; up.send(datagram) }, done)
		if err != nil {
			b.Fatal(err)
		}
		down.to.Store(c)
		close(ready)
		for range 2 {
			if o := <-outcomes; o.Err != nil {
				b.Fatal(o.Err)
			}
		}
		c.Close()
		s.Close()
	}
	client.Close()
	server.Close()
}
