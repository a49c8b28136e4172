package datagram

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"testing"
)

func open(t testing.TB, addr string) *Socket {
	t.Helper()
	s, err := Open(netip.MustParseAddrPort(addr), false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestDatagramsArriveAsTheyWereSent(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, from, bind string }{
		{"at one address", "127.0.0.1:0", "127.0.0.1:0"}, {"at all addresses", "127.0.0.1:0", "0.0.0.0:0"},
		{"at one address of IPv6", "[::1]:0", "[::1]:0"}, {"at all of IPv6", "[::1]:0", "[::]:0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a, b := open(t, tt.from), open(t, tt.bind)
			to := netip.AddrPortFrom(a.Addr().Addr(), b.Addr().Port())
			w := NewWriter(4)
			const n = 10 // more than fit in one call
			for i := range n {
				w.Add(a, fmt.Append(nil, "number ", i), to, netip.Addr{})
			}
			w.Add(a, bytes.Repeat([]byte("x"), 100), to, netip.Addr{})
			w.Add(a, nil, to, netip.Addr{}) // an empty one goes nowhere
			if refused := w.Flush(); refused != 0 {
				t.Errorf("%d refused", refused)
			}
			r := b.NewReader(3, 64)
			for i := 0; i < n+1; {
				packets, err := r.Read()
				if err != nil {
					t.Fatal(err)
				}
				for _, p := range packets {
					want := fmt.Sprint("number ", i)
					if i == n {
						want = string(bytes.Repeat([]byte("x"), 65)) // cut
					}
					if string(p.Data) != want || p.From != a.Addr() || p.To != to.Addr() {
						t.Errorf("%q from %v to %v, want %q from %v", p.Data, p.From, p.To, want, a.Addr())
					}
					i++
				}
			}
		})
	}
}

func TestAnAnswerLeavesFromTheAddressThatWasAsked(t *testing.T) {
	t.Parallel()
	asker, server := open(t, "127.0.0.1:0"), open(t, "0.0.0.0:0")
	asked := netip.MustParseAddrPort(fmt.Sprint("127.0.0.9:", server.Addr().Port()))
	w := NewWriter(4)
	w.Add(asker, []byte("who?"), asked, netip.Addr{})
	w.Flush()
	packets, err := server.NewReader(1, 64).Read()
	if err != nil {
		t.Fatal(err)
	}
	w.Add(server, []byte("me"), packets[0].From, packets[0].To)
	w.Flush()
	if packets, err = asker.NewReader(1, 64).Read(); err != nil || packets[0].From != asked {
		t.Errorf("an answer from %v, want %v: %v", packets[0].From, asked, err)
	}
}

func TestAnAnswerOfIPv6LeavesFromTheAddressThatWasAsked(t *testing.T) {
	t.Parallel()
	asker, server := open(t, "[::1]:0"), open(t, "[::]:0")
	w := NewWriter(4)
	asked := netip.AddrPortFrom(asker.Addr().Addr(), server.Addr().Port())
	w.Add(asker, []byte("who?"), asked, netip.Addr{})
	w.Add(asker, []byte("not for this family"), netip.MustParseAddrPort("127.0.0.1:9"), netip.Addr{})
	w.Flush()
	packets, err := server.NewReader(1, 64).Read()
	if err != nil || packets[0].To != asked.Addr() {
		t.Fatalf("%+v, %v", packets, err)
	}
	w.Add(server, []byte("me"), packets[0].From, packets[0].To)
	w.Flush()
	if packets, err = asker.NewReader(1, 64).Read(); err != nil || packets[0].From != asked {
		t.Errorf("an answer from %v, want %v: %v", packets[0].From, asked, err)
	}
}

func TestWhatCanNotBeSentDoesNotHoldUpTheRest(t *testing.T) {
	t.Parallel()
	a, b := open(t, "127.0.0.1:0"), open(t, "127.0.0.1:0")
	w := NewWriter(8)
	w.Add(a, []byte("no"), netip.MustParseAddrPort("127.0.0.1:0"), netip.Addr{}) // there is no port 0
	w.Add(a, []byte("yes"), b.Addr(), netip.Addr{})
	if refused := w.Flush(); refused != 1 {
		t.Errorf("%d refused, want 1", refused)
	}
	if packets, err := b.NewReader(4, 64).Read(); err != nil || string(packets[0].Data) != "yes" {
		t.Errorf("%v, %v", packets, err)
	}
}

func TestClosingEndsReading(t *testing.T) {
	t.Parallel()
	s, from := open(t, "127.0.0.1:0"), open(t, "127.0.0.1:0")
	ended, read := make(chan error), make(chan struct{}, 1)
	go func() { ended <- s.NewReader(4, 64).Run(func([]Packet) { read <- struct{}{} }) }()
	w := NewWriter(1)
	w.Add(from, []byte("x"), s.Addr(), netip.Addr{})
	w.Flush()
	<-read
	s.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := s.NewReader(4, 64).Read(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("%v, want that it is closed", err)
	}
	w.Add(s, []byte("x"), s.Addr(), netip.Addr{})
	if refused := w.Flush(); refused != 1 {
		t.Errorf("%d refused, want 1", refused)
	}
}

// What comes while a batch is handed on, or between that and waiting, must not be
// forgotten: nothing else would wake who waits for it.
func TestServingMissesNothing(t *testing.T) {
	t.Parallel()
	const batch = 4
	from, to := open(t, "127.0.0.1:0"), open(t, "127.0.0.1:0")
	got, ended := make(chan byte, 8*batch), make(chan error)
	go func() {
		ended <- to.NewReader(batch, 64).Serve(func(packets []Packet) {
			for _, p := range packets {
				got <- p.Data[0]
			}
		})
	}()
	w := NewWriter(2 * batch)
	for round := range 2000 {
		n := 1 + round%(3*batch) // with batches that are full, and one that is just full
		for i := range n {
			w.Add(from, []byte{byte(i)}, to.Addr(), netip.Addr{})
			if round%2 == 0 {
				w.Flush()
			}
		}
		w.Flush()
		for i := range n {
			if b := <-got; b != byte(i) {
				t.Fatalf("round %d: %d, want %d", round, b, i)
			}
		}
	}
	to.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestWhoServesWithoutAPauseLetsOthersRun(t *testing.T) {
	t.Parallel()
	from, to := open(t, "127.0.0.1:0"), open(t, "127.0.0.1:0")
	w, ended, seen := NewWriter(1), make(chan error), make(chan struct{})
	send := func() {
		w.Add(from, []byte("x"), to.Addr(), netip.Addr{})
		w.Flush()
	}
	send()
	go func() {
		first := true
		ended <- to.NewReader(1, 64).Serve(func([]Packet) {
			if send(); first { // there is always one more
				first = false
				close(seen)
			}
		})
	}()
	<-seen
	to.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestHandingOnAllocatesNothing(t *testing.T) {
	in, out, far := open(t, "0.0.0.0:0"), open(t, "0.0.0.0:0"), open(t, "127.0.0.1:0")
	to := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), in.Addr().Port())
	source, w, r := NewWriter(8), NewWriter(8), in.NewReader(8, 64)
	payload := []byte("/hello\x00\x00,\x00\x00\x00")
	if n := testing.AllocsPerRun(100, func() {
		source.Add(far, payload, to, netip.Addr{})
		source.Flush()
		packets, err := r.Read()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range packets {
			w.Add(out, p.Data, far.Addr(), p.To)
		}
		w.Flush()
	}); n != 0 {
		t.Errorf("%v allocations for each packet", n)
	}
}
