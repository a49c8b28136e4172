package relay

import (
	"bytes"
	"net/netip"
	"testing"

	"gateway/bridge/media"
)

func TestPacketsPassUntouchedButForTheirType(t *testing.T) {
	t.Parallel()
	forNetworks(t, func(t *testing.T, w *world) {
		a, b := w.pair(t)
		for i, row := range []struct {
			name string
			edit func([]byte) []byte
		}{
			{"plain", func(p []byte) []byte { return p }},
			{"with a marker", func(p []byte) []byte { p[1] |= 0x80; return p }},
			{"with padding", func(p []byte) []byte { p[0] |= 0x20; p[len(p)-1] = 4; return p }},
			{"with an extension", func(p []byte) []byte {
				p[0] |= 0x10
				return append(append(bytes.Clone(p[:12]), 0xbe, 0xde, 0, 1, 1, 2, 3, 4), p[12:]...)
			}},
			{"with sources", func(p []byte) []byte {
				p[0] |= 2
				return append(append(bytes.Clone(p[:12]), 1, 2, 3, 4, 5, 6, 7, 8), p[12:]...)
			}},
			{"empty", func(p []byte) []byte { return p[:12] }},
		} {
			sent := row.edit(packet(0, uint16(i)))
			a.say(sent)
			got := hear(t, b.rtp)
			want := bytes.Clone(sent)
			want[1] = want[1]&0x80 | 96
			if !bytes.Equal(got, want) {
				t.Errorf("%s: got %x, want %x", row.name, got, want)
			}
		}
		b.say(packet(96, 9))
		if got := hear(t, a.rtp); !bytes.Equal(got, packet(0, 9)) {
			t.Errorf("the other way: got %x", got)
		}
		b.control(report(0x1234, 0x1234))
		if got := hear(t, a.rtcp); !bytes.Equal(got, report(0x1234, 0x1234)) {
			t.Errorf("RTCP: got %x", got)
		}
	})
}

func TestFamiliesAndMultiplexingMix(t *testing.T) {
	t.Parallel()
	forNetworks(t, func(t *testing.T, w *world) {
		for _, row := range []struct {
			name   string
			locals [2]netip.Addr
			mux    [2]bool
		}{
			{"IPv6", [2]netip.Addr{loopback6, loopback6}, [2]bool{}},
			{"IPv4 and IPv6", [2]netip.Addr{loopback4, loopback6}, [2]bool{}},
			{"one of them multiplexed", [2]netip.Addr{loopback4, loopback6}, [2]bool{true, false}},
			{"both multiplexed", [2]netip.Addr{loopback4, loopback4}, [2]bool{true, true}},
		} {
			t.Run(row.name, func(t *testing.T) {
				var p [2]*party
				for i := range p {
					p[i] = w.open(t, row.locals[i])
					s := p[i].setting(media.Payload{Format: pcmu, Type: 0})
					s.Mux = row.mux[i]
					w.Set(p[i].port.ID, s)
				}
				w.Join(p[0].port.ID, p[1].port.ID)
				w.Stats(p[1].port.ID)
				for from := range p {
					to := p[1-from]
					for i := range uint16(6) { // it is locked and connected meanwhile
						p[from].say(packet(0, i))
						if got := hear(t, to.rtp); !bytes.Equal(got, packet(0, i)) {
							t.Fatalf("got %x", got)
						}
					}
					control := report(0x1234, 1)
					for range 3 {
						if row.mux[from] {
							p[from].say(control)
						} else {
							p[from].control(control)
						}
						ear := to.rtcp
						if row.mux[1-from] {
							ear = to.rtp
						}
						if got := hear(t, ear); !bytes.Equal(got, control) {
							t.Fatalf("RTCP: got %x", got)
						}
					}
				}
				for i := range p {
					w.Close(p[i].port.ID)
				}
			})
		}
	})
}
