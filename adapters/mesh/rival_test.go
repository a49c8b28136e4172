package mesh

import (
	"fmt"
	"testing"
	"time"

	"gateway/adapters/mesh/wire"
)

// The original's program answers with whatever UUID it was asked by.
func TestAnotherProgramAtAPortIsAnotherClient(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		was, is uint8
		within  time.Duration
	}{{original, original, quiet}, {wire.Extended, original, quiet}, {original, wire.Extended, 0}, {wire.Extended, wire.Extended, 0}} {
		r := newRig(t, nil)
		a, b := r.client(1, "192.0.2.1:1000", row.was), r.client(2, "198.51.100.1:1000", wire.Extended)
		r.join(a, b)
		again := r.client(3, "192.0.2.1:1000", row.is)
		again.echoes = row.is == original
		for range row.within / time.Second {
			r.play(again.beacon(), again, b)
			r.pass(time.Second, again, b)
		}
		if row.within == 0 {
			r.play(again.beacon(), again, b)
			r.pass(time.Second, again, b)
		}
		if len(b.list) != 1 || b.list[0].Identity.UUID != again.uuid || len(r.hub.listed) != 2 || r.hub.byUUID[a.uuid] != nil {
			t.Errorf("of %+v b is told %+v", row, b.list)
		}
		if r.play(again.beacon(), again, b); !again.sees(b) {
			t.Errorf("of %+v: who has come is told %+v", row, again.list)
		}
	}
}

// Whoever forges packets from a client's address is told nothing, and changes nothing.
func TestForgedPacketsPutNobodyOut(t *testing.T) {
	t.Parallel()
	for _, version := range []uint8{original, wire.Extended} {
		r := newRig(t, nil)
		a, b := r.client(1, "192.0.2.1:1000", version), r.client(2, "198.51.100.1:1000", wire.Extended)
		a.name, a.echoes = "lab-3", version == original
		r.join(a, b)
		forged := r.client(9, "192.0.2.1:1000", version)
		for i := range 60 {
			if i%7 == 0 {
				r.play(a.beacon(), a, b)
				r.play(b.beacon(), a, b)
			}
			out := forged.beacon()
			out = append(out, forged.send(func(w *wire.Builder) { w.YourTime(uint64(r.now.UnixNano())) })...)
			if len(out) > 1 || len(out) == 1 && out[0].size > 60 {
				t.Errorf("%d packets for two forged ones", len(out))
			}
			r.play(out, a, b)
			r.play(forged.send(func(w *wire.Builder) { w.Shutdown() }), a, b)
			r.play(a.send(func(w *wire.Builder) { w.Shutdown() }), a, b) // who knows its UUID
			r.pass(time.Second, a, b)
			if c := r.hub.clients[a.at]; c == nil || c.uuid != a.uuid || !c.bound || !a.sees(b) || !b.sees(a) {
				t.Fatalf("version %d: after %d s it is %+v", version, i, c)
			}
		}
		if who, err := r.hub.find("lab-3"); version == wire.Extended && (err != nil || who.UUID != a.uuid) {
			t.Errorf("%+v, %v", who, err)
		}
	}
}

// Who says another UUID with each packet takes the room of one.
func TestOneAddressIsOneClientWhateverItSays(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	out := 0
	for i := range 1000 {
		for _, d := range r.client(i, "192.0.2.1:1000", original).beacon() {
			if d.packet.MyTime != 0 {
				out++
			}
		}
	}
	r.client(5000, "192.0.2.1:1000", original).send(func(w *wire.Builder) { w.Shutdown() })
	if out != 1 || len(r.hub.unlisted) != 1 || len(r.hub.clients) != 1 {
		t.Errorf("%d lists, %d clients, %d of them wait", out, len(r.hub.clients), len(r.hub.unlisted))
	}
}

// Forged addresses of one host keep nobody out who is there.
func TestForgedAddressesOfAHostKeepNobodyOut(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	for i := range 1000 {
		r.client(10+i, fmt.Sprintf("192.0.2.1:%d", 2000+i), original).beacon()
	}
	a, b := r.client(1, "192.0.2.1:1000", original), r.client(2, "198.51.100.1:1000", original)
	if r.join(a, b); !a.sees(b) || !b.sees(a) {
		t.Error("a client behind the same NAT is not listed")
	}
	if n := len(r.hub.unlisted); n > r.hub.set.perHost {
		t.Errorf("%d forged ones are remembered, want at most %d", n, r.hub.set.perHost)
	}
}
