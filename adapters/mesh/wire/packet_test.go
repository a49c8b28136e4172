package wire

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// seen are packets of the original's, checksums included: what was sent in a run of
// its server and two clients.
var seen = []struct {
	name, hex string
	build     func(b *Builder)
	want      func(t *testing.T, p *Packet)
}{
	{
		"an odd number of bytes", "01030307 fbf5", nil,
		func(t *testing.T, p *Packet) { want(t, p.Sequence, 7) },
	},
	{
		"an even number", "0103040007 f3fc", nil,
		func(t *testing.T, p *Packet) { want(t, p.Sequence, 7) },
	},
	{
		"a server's answer",
		"01 010302 030600000000 04122051bf06e60311f1a80402fc00000001 090a6b0228e4ace71400 14be",
		func(b *Builder) { b.Server(2, 0, clientOne); b.YourTime(0x6b0228e4ace71400) },
		func(t *testing.T, p *Packet) {
			want(t, p.ServerVersion, 2)
			want(t, p.UUID, clientOne)
			want(t, p.YourTime, 0x6b0228e4ace71400)
			want(t, p.Count, -1)
		},
	},
	{
		"a list with nobody in it",
		"01 010302 030600000001 04122051bf06e60311f1a80402fc00000001 080a6b0228e4af071800 42087f000001a68f 410300 6700",
		func(b *Builder) {
			b.Server(2, 1, clientOne)
			b.MyTime(0x6b0228e4af071800)
			b.YourAddress(addr("127.0.0.1:42639"))
			b.Count(0)
		},
		func(t *testing.T, p *Packet) {
			want(t, p.YourAddress, addr("127.0.0.1:42639"))
			want(t, p.Count, 0)
		},
	},
	{
		"a list",
		"01 010302 030600000003 041221b8a094e60311f1bda802fc00000001 080a6b0228e709e46000 42087f000001a7a3 40087f000001a68f 43087f000001a68f 410301 fb3e",
		func(b *Builder) {
			b.Server(2, 3, clientTwo)
			b.MyTime(0x6b0228e709e46000)
			b.YourAddress(addr("127.0.0.1:42915"))
			b.Entry(Entry{External: addr("127.0.0.1:42639"), Internal: addr("127.0.0.1:42639")})
			b.Count(1)
		},
		func(t *testing.T, p *Packet) {
			want(t, p.Count, 1)
			if !slices.Equal(p.List, []Entry{{External: addr("127.0.0.1:42639"), Internal: addr("127.0.0.1:42639")}}) {
				t.Errorf("listed are %+v", p.List)
			}
		},
	},
	{
		"a client to another",
		"01 020302 030600000000 04122051bf06e60311f1a80402fc00000001 080a6b0228e733cf2c00 76d2",
		func(b *Builder) { b.Client(2, 0, clientOne); b.MyTime(0x6b0228e733cf2c00) },
		func(t *testing.T, p *Packet) {
			want(t, p.ClientVersion, 2)
			want(t, p.MyTime, 0x6b0228e733cf2c00)
		},
	},
	{
		"and its answer",
		"01 020302 030600000000 041221b8a094e60311f1bda802fc00000001 090a6b0228e733cf2c00 7d39",
		func(b *Builder) { b.Client(2, 0, clientTwo); b.YourTime(0x6b0228e733cf2c00) },
		func(t *testing.T, p *Packet) { want(t, p.UUID, clientTwo) },
	},
}

var (
	clientOne, _ = ParseUUID("2051bf06-e603-11f1-a804-02fc00000001")
	clientTwo, _ = ParseUUID("21b8a094-e603-11f1-bda8-02fc00000001")
)

func addr(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

func want[T comparable](t *testing.T, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func fromHex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestWhatTheOriginalSendsIsReadAndWritten(t *testing.T) {
	t.Parallel()
	for _, row := range seen {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			data := fromHex(t, row.hex)
			var p Packet
			if err := p.Read(data); err != nil {
				t.Fatal(err)
			}
			want(t, p.Version, 1)
			row.want(t, &p)
			if row.build == nil {
				return
			}
			var b Builder
			row.build(&b)
			if got := b.Packet(); !bytes.Equal(got, data) {
				t.Errorf("written as\n%x, want\n%x", got, data)
			}
		})
	}
}

// The original's beacon to its server: META is told short here, so it gets a
// checksum of its own.
func TestABeaconIsReadAndWritten(t *testing.T) {
	t.Parallel()
	meta := `{"127.0.0.1-23456": {"stats": {"rcvd": 0, "rtt": 0, "ackd": 0, "sent": 0}, "sin": ["127.0.0.1", 23456], "name": "127.0.0.1", "ts": 1795303652.672724}}`
	build := func(b *Builder, end func()) []byte {
		b.Client(2, 6, clientOne)
		b.Local(addr("127.0.0.1:42639"))
		end()
		b.Meta([]byte(meta))
		return b.Packet()
	}
	var b Builder
	var p Packet
	data := build(&b, func() { b.MyTime(0x6b0228e4ace71400) })
	head := fromHex(t, "01 020302 030600000006 04122051bf06e60311f1a80402fc00000001 20087f000001a68f 080a6b0228e4ace71400 23")
	if !bytes.HasPrefix(data, head) || data[len(head)] != byte(len(meta)+2) {
		t.Errorf("written as %x", data)
	}
	if err := p.Read(data); err != nil || string(p.Meta) != meta || p.Local != addr("127.0.0.1:42639") || p.Shutdown {
		t.Errorf("read as %+v, %v", p, err)
	}
	data = build(&b, b.Shutdown)
	if !bytes.Contains(data, fromHex(t, "20087f000001a68f 2d0301 23")) {
		t.Errorf("written as %x", data)
	}
	if err := p.Read(data); err != nil || !p.Shutdown {
		t.Errorf("read as %+v, %v", p, err)
	}
}

// sum ends a packet.
func sum(b []byte) []byte {
	c := Checksum(b)
	return append(b, byte(c>>8), byte(c))
}

func TestWhatIsNoPacketIsRefused(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		data []byte
		want error
	}{
		{"nothing", nil, ErrShort},
		{"one byte", []byte{1}, ErrShort},
		{"no values", sum([]byte{1}), nil},
		{"another version", sum([]byte{9}), nil},
		{"a wrong checksum", []byte{1, 3, 3, 7, 0, 0}, ErrChecksum},
		{"a type that nobody knows", sum([]byte{1, 200, 4, 1, 2}), nil},
		{"a size of 0", sum([]byte{1, 3, 0}), ErrSize},
		{"a size of 1", sum([]byte{1, 3, 1}), ErrSize},
		{"a size beyond the end", sum([]byte{1, 3, 7, 0, 0}), ErrSize},
		{"half a head", sum([]byte{1, 3}), ErrSize},
		{"a number of three bytes", sum([]byte{1, 3, 5, 0, 0, 0}), ErrSize},
		{"a number of none", sum([]byte{1, 8, 2}), ErrSize},
		{"an address of five bytes", sum([]byte{1, 32, 7, 1, 2, 3, 4, 5}), ErrSize},
		{"a short UUID", sum([]byte{1, 4, 4, 1, 2}), ErrSize},
		{"META that is no JSON", sum([]byte{1, 35, 5, '{', '{', '{'}), nil},
		{"an internal address of nobody", sum([]byte{1, 67, 8, 127, 0, 0, 1, 0, 1}), nil},
		{"more than 1400 bytes", sum(bytes.Repeat([]byte{1}, MaxPacket)), ErrLong},
	} {
		var p Packet
		if err := p.Read(row.data); err != row.want {
			t.Errorf("%s: %v, want %v", row.name, err, row.want)
		}
	}
}

func TestIPv6AddressesKeepTheirValue(t *testing.T) {
	t.Parallel()
	var b Builder
	var p Packet
	six := addr("[2001:db8::1]:7")
	b.Client(Extended, 0, clientOne)
	b.Local(six)
	if err := p.Read(b.Packet()); err != nil || p.Local != six {
		t.Errorf("%v, %v", p.Local, err)
	}
}

// A list never goes beyond a packet, and its number is that of its entries.
func TestAListEndsWhereThePacketDoes(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		entry Entry
		want  int
	}{
		{"elsewhere", Entry{External: addr("192.0.2.1:1")}, 168},
		{"behind the same NAT", Entry{External: addr("192.0.2.1:1"), Internal: addr("10.0.0.1:1")}, 84},
		{"of IPv6", Entry{External: addr("[2001:db8::1]:1")}, 67},
	} {
		var b Builder
		b.Server(2, 1, clientOne)
		b.MyTime(1)
		b.YourAddress(addr("192.0.2.1:1"))
		n := 0
		for ; b.Entry(row.entry); n++ {
		}
		b.Count(n)
		data := b.Packet()
		var p Packet
		if err := p.Read(data); err != nil || p.Count != n || len(p.List) != n || n != row.want || len(data) > MaxPacket {
			t.Errorf("%s: %d of %d (want %d) in %d bytes: %v", row.name, len(p.List), p.Count, row.want, len(data), err)
		}
	}
}

func TestReadingAllocatesNothing(t *testing.T) {
	data := fromHex(t, seen[4].hex)
	var p Packet
	var b Builder
	if err := p.Read(data); err != nil {
		t.Fatal(err)
	}
	seen[4].build(&b)
	if n := testing.AllocsPerRun(100, func() {
		if p.Read(data) != nil {
			t.Error("not read")
		}
		seen[4].build(&b)
		b.Packet()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzPacket(f *testing.F) {
	for _, row := range seen {
		f.Add(fromHex(f, row.hex))
	}
	f.Add(sum([]byte{1, 200, 4, 1, 2}))
	f.Fuzz(func(t *testing.T, data []byte) {
		var p Packet
		if p.Read(data) != nil {
			if len(data) < 2 || len(data) > MaxPacket+1 {
				return
			}
			data = sum(slices.Clone(data[:len(data)-2])) // what a hostile sender would do
			if p.Read(data) != nil {
				return
			}
		}
		if len(data) > MaxPacket-100 {
			return // what it lacks may not have room
		}
		again := rebuilt(&p)
		var q Packet
		if err := q.Read(again); err != nil {
			t.Fatalf("%x of %x: %v", again, data, err)
		}
		if q.UUID != p.UUID || q.MyTime != p.MyTime || q.Local != p.Local || !bytes.Equal(q.Meta, p.Meta) || q.Shutdown != p.Shutdown || len(q.CC) != len(p.CC) {
			t.Errorf("%+v became %+v", p, q)
		}
	})
}

// rebuilt writes what was read.
func rebuilt(p *Packet) []byte {
	var b Builder
	b.Client(p.ClientVersion, p.Sequence, p.UUID)
	if p.MyTime != 0 {
		b.MyTime(p.MyTime)
	}
	b.Local(p.Local)
	if p.Shutdown {
		b.Shutdown()
	}
	if p.Meta != nil {
		b.Meta(p.Meta)
	}
	for _, v := range p.CC {
		b.CC(v)
	}
	return b.Packet()
}
