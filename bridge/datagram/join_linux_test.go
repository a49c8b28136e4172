package datagram

import (
	"bytes"
	"fmt"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

// take reads n datagrams, as texts.
func take(t *testing.T, s *Socket, n int) (all []string, from netip.AddrPort) {
	t.Helper()
	for r := s.NewReader(8, 2000); len(all) < n; {
		packets, err := r.Read()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range packets {
			all, from = append(all, string(p.Data)), p.From
		}
	}
	return all, from
}

// What is joined has to arrive as it would have alone: cut where it was, whole, in
// order, from the address that was asked for.
func TestJoinedDatagramsArriveAsTheyWereAdded(t *testing.T) {
	t.Parallel()
	run := func(sizes ...int) (all [][]byte) {
		for i, n := range sizes {
			all = append(all, bytes.Repeat([]byte{'a' + byte(i%26)}, n))
		}
		return all
	}
	many := run()
	for range 2*mostJoined + 3 {
		many = append(many, run(32)...)
	}
	gone := netip.MustParseAddr("203.0.113.9") // is not ours
	for _, tt := range []struct {
		name, bind string
		from       netip.Addr
		packets    [][]byte
		headers    int
	}{
		{"one size", "127.0.0.1:0", netip.Addr{}, run(32, 32, 32, 32), 1},
		{"a shorter last one", "127.0.0.1:0", netip.Addr{}, run(32, 32, 20), 1},
		{"nothing behind a shorter one", "127.0.0.1:0", netip.Addr{}, run(32, 20, 20, 4), 2},
		{"a longer one", "127.0.0.1:0", netip.Addr{}, run(32, 36, 36), 2},
		{"too long to be joined", "127.0.0.1:0", netip.Addr{}, run(joinable+1, joinable+1, joinable, joinable), 3},
		{"more than the system takes", "127.0.0.1:0", netip.Addr{}, many, 3},
		{"from one of many addresses", "0.0.0.0:0", netip.MustParseAddr("127.0.0.9"), run(8, 8, 8), 1},
		{"from an address that is gone", "0.0.0.0:0", gone, run(8, 8, 8), 1},
		{"alone, from an address that is gone", "0.0.0.0:0", gone, run(8), 1},
		{"by IPv6", "[::1]:0", netip.Addr{}, run(100, 100, 100), 1},
		{"by IPv6, from one of many addresses", "[::]:0", netip.IPv6Loopback(), run(100, 100, 8), 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := open(t, tt.bind)
			bind := "127.0.0.1:0"
			if a.six {
				bind = "[::1]:0"
			}
			b := open(t, bind)
			w := NewWriter(len(tt.packets))
			for _, p := range tt.packets {
				w.Add(a, p, b.Addr(), tt.from)
			}
			if w.n != tt.headers {
				t.Errorf("%d headers, want %d", w.n, tt.headers)
			}
			if refused := w.Flush(); refused != 0 {
				t.Errorf("%d refused", refused)
			}
			got, from := take(t, b, len(tt.packets))
			for i, p := range tt.packets {
				if got[i] != string(p) {
					t.Errorf("datagram %d is %q, want %q", i, got[i], p)
				}
			}
			if tt.from.IsValid() && tt.from != gone && from.Addr() != tt.from {
				t.Errorf("from %v, want %v", from, tt.from)
			}
		})
	}
}

func TestOnlyWhatGoesToOnePlaceIsJoined(t *testing.T) {
	t.Parallel()
	a, b, c := open(t, "127.0.0.1:0"), open(t, "127.0.0.1:0"), open(t, "127.0.0.1:0")
	w := NewWriter(16)
	for i := range 3 {
		w.Add(a, fmt.Append(nil, "to b ", i), b.Addr(), netip.Addr{})
		w.Add(a, fmt.Append(nil, "to c ", i), c.Addr(), netip.Addr{})
		w.Add(a, fmt.Append(nil, "to c ", i), c.Addr(), netip.Addr{})
	}
	w.Flush()
	if got, _ := take(t, b, 3); fmt.Sprint(got) != "[to b 0 to b 1 to b 2]" {
		t.Error(got)
	}
	if got, _ := take(t, c, 6); fmt.Sprint(got) != "[to c 0 to c 0 to c 1 to c 1 to c 2 to c 2]" {
		t.Error(got)
	}
}

func TestARunThatIsRefusedIsCounted(t *testing.T) {
	t.Parallel()
	a, b := open(t, "127.0.0.1:0"), open(t, "127.0.0.1:0")
	w := NewWriter(16)
	for range 3 {
		w.Add(a, []byte("none"), netip.MustParseAddrPort("127.0.0.1:0"), netip.Addr{}) // there is no port 0
	}
	w.Add(a, []byte("this"), b.Addr(), netip.Addr{})
	if refused := w.Flush(); refused != 3 {
		t.Errorf("%d refused, want 3", refused)
	}
	if got, _ := take(t, b, 1); got[0] != "this" {
		t.Error(got)
	}
	a.Close()
	for range 3 {
		w.Add(a, []byte("none"), b.Addr(), netip.Addr{})
	}
	if refused := w.Flush(); refused != 3 {
		t.Errorf("%d refused, want 3", refused)
	}
}

// EIO is what a card says that can't make checksums.
func TestWhereTheSystemCanNotJoinEachGoesAlone(t *testing.T) {
	t.Parallel()
	a, b := open(t, "127.0.0.1:0"), open(t, "127.0.0.1:0")
	w := NewWriter(16)
	add := func() {
		for i := range 3 {
			w.Add(a, fmt.Append(nil, i), b.Addr(), netip.Addr{})
		}
	}
	add()
	w.errno = unix.EIO
	w.part(0)
	w.first = w.n
	if refused := w.Flush(); refused != 0 {
		t.Errorf("%d refused", refused)
	}
	add()
	if w.n != 3 {
		t.Errorf("%d headers, want one for each", w.n)
	}
	w.Flush()
	if got, _ := take(t, b, 6); fmt.Sprint(got) != "[0 1 2 0 1 2]" {
		t.Error(got)
	}
}

func TestJoiningAllocatesNothing(t *testing.T) {
	a, b := open(t, "127.0.0.1:0"), open(t, "127.0.0.1:0")
	w, r, payload := NewWriter(8), b.NewReader(8, 64), []byte("/hello\x00\x00,\x00\x00\x00")
	if n := testing.AllocsPerRun(100, func() {
		for range 5 {
			w.Add(a, payload, b.Addr(), netip.Addr{})
		}
		w.Flush()
		for got := 0; got < 5; {
			packets, err := r.Read()
			if err != nil {
				t.Fatal(err)
			}
			got += len(packets)
		}
	}); n != 0 {
		t.Errorf("%v allocations for each run", n)
	}
}
