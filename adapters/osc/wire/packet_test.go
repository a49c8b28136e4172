package wire

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/hypebeast/go-osc/osc"
)

// unhex reads hexadecimal with spaces and line ends in it.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	p, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// every has an argument of every type.
const every = `/all ,ifsbhtdScrmTFNI[s] 1 0.5 two 0a0b0c 4 0000000000000001 2.5 sym 97 01020304 90407f00 true false nil x`

func packetOf(t testing.TB, line string) []byte {
	t.Helper()
	p, err := ParseLine(line)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return p
}

// bundleOf wraps packets in a bundle.
func bundleOf(elements ...[]byte) []byte {
	p := append(append([]byte(nil), bundleMark...), immediately...)
	for _, e := range elements {
		p = append(p, byte(len(e)>>24), byte(len(e)>>16), byte(len(e)>>8), byte(len(e)))
		p = append(p, e...)
	}
	return p
}

func TestPacketsAreJudgedByTheirStructure(t *testing.T) {
	t.Parallel()
	deep := packetOf(t, "/a 1")
	for range maxDepth {
		deep = bundleOf(deep)
	}
	for _, tt := range []struct {
		name   string
		packet string
		want   error
	}{
		{"an empty packet", "", errAddress},
		{"three bytes", "abc", errSize},
		{"no address", "abcd", errAddress},
		{"an address alone", "/a\x00\x00", errTags},
		{"an address without an end", "/abc", errString},
		{"no arguments", "/a\x00\x00,\x00\x00\x00", nil},
		{"arguments without tags", "/a\x00\x00\x00\x00\x00\x01", errTags},
		{"an unknown tag", "/a\x00\x00,q\x00\x00", errTag},
		{"tags without an end", "/a\x00\x00,iii", errString},
		{"an int that is cut off", "/a\x00\x00,ii\x00\x00\x00\x00\x01", errShort},
		{"a string without an end", "/a\x00\x00,s\x00\x00abcd", errString},
		{"a string with something behind its end", "/a\x00\x00,s\x00\x00a\x00b\x00", errString},
		{"a blob longer than the packet", "/a\x00\x00,b\x00\x00\xff\xff\xff\xff", errShort},
		{"a blob that lacks padding", "/a\x00\x00,b\x00\x00\x00\x00\x00\x05abcd", errShort},
		{"an array that does not end", "/a\x00\x00,[\x00\x00", errArray},
		{"an array that does not begin", "/a\x00\x00,][\x00", errArray},
		{"something behind the arguments", "/a\x00\x00,\x00\x00\x00junk", nil},
		{"an empty bundle", string(bundleOf()), nil},
		{"a bundle of two", string(bundleOf(packetOf(t, "/a 1"), packetOf(t, "/b x"))), nil},
		{"a bundle in a bundle", string(bundleOf(bundleOf(packetOf(t, "/a 1")), packetOf(t, "/b x"))), nil},
		{"bundles as deep as they may be", string(deep), nil},
		{"bundles too deep", string(bundleOf(deep)), errDepth},
		{"a bundle with half a size", string(bundleOf()) + "\x00\x00", errSize},
		{"an element longer than the bundle", string(bundleOf()) + "\x00\x00\x00\x08/a\x00\x00", errShort},
		{"an element of an odd size", string(bundleOf()) + "\x00\x00\x00\x06/a\x00\x00,\x00\x00\x00", errSize},
		{"a bad element", string(bundleOf([]byte("bad!"))), errAddress},
		{"half a bundle's header", "#bundle\x00\x00\x00\x00\x00", errAddress},
		{"every type", string(packetOf(t, every)), nil},
	} {
		if got := Check([]byte(tt.packet)); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestTheMessagesOfABundleComeInOrder(t *testing.T) {
	t.Parallel()
	p := bundleOf(packetOf(t, "/a 1"), bundleOf(packetOf(t, "/b 2"), packetOf(t, "/c 3")), packetOf(t, "/d 4"))
	var got []string
	Each(p, func(m Message) { got = append(got, Line(m)) })
	if s := strings.Join(got, " "); s != "/a 1 /b 2 /c 3 /d 4" {
		t.Error(s)
	}
	if m, ok := First(p); !ok || string(m.Address) != "/a" {
		t.Errorf("first %q", m.Address)
	}
	if address, ok := FirstAddress(p); !ok || string(address) != "/a" {
		t.Errorf("the first address is %q", address)
	}
	if address, ok := FirstAddress(bundleOf()); ok {
		t.Errorf("an empty bundle begins with %q", address)
	}
}

func TestCheckingAllocatesNothing(t *testing.T) {
	p := bundleOf(packetOf(t, every), packetOf(t, "/b x"))
	if n := testing.AllocsPerRun(100, func() {
		if Check(p) != nil {
			t.Error("not a packet")
		}
		if _, ok := PingName(p); ok {
			t.Error("a ping")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// go-osc reads what we write, and we read what it writes.
func TestGoOSCAgrees(t *testing.T) {
	t.Parallel()
	m := osc.NewMessage("/x", int32(1), float32(0.5), "three", []byte{1, 2, 3}, int64(5), 2.5, true, false, nil)
	p, err := m.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	ours, err := Parse(p)
	if err != nil {
		t.Fatal(err)
	}
	const want = "/x ,ifsbhdTFN 1 0.5 three 010203 5 2.5 true false nil"
	if got := Line(ours); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	back, err := osc.ParsePacket(string(packetOf(t, want)))
	if err != nil {
		t.Fatal(err)
	}
	if theirs, ok := back.(*osc.Message); !ok || !theirs.Equals(m) {
		t.Errorf("%v, want %v", back, m)
	}
	if p, err = Compose("/chat", "al\x00ice", "hi"); err != nil || !bytes.Equal(p, packetOf(t, "/chat alice hi")) {
		t.Errorf("%q, %v", p, err)
	}
}

func FuzzPacket(f *testing.F) {
	f.Add(packetOf(f, every))
	f.Add(bundleOf(packetOf(f, every), bundleOf(packetOf(f, "/a 1"))))
	f.Add([]byte("#bundle\x00"))
	f.Add([]byte("/a\x00\x00,b\x00\x00\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, p []byte) {
		before := bytes.Clone(p)
		whole := Check(p) == nil
		n, size := 0, 0
		Each(p, func(m Message) {
			n, size = n+1, size+len(m.Raw)
			if _, err := Parse(m.Raw); err != nil {
				t.Errorf("a message that is none: %v", err)
			}
			var u UserAlive
			u.Read(m)
			var i UserInfo
			i.Read(m)
		})
		if size > len(p) {
			t.Errorf("%d bytes of messages in %d", size, len(p))
		}
		first, ok := First(p)
		if whole && !IsBundle(p) && (!ok || n != 1 || !bytes.Equal(first.Raw, p)) {
			t.Errorf("a message that is not its own first: %d", n)
		}
		if address, found := FirstAddress(p); ok && (!found || !bytes.Equal(address, first.Address)) {
			t.Errorf("the first address is %q, of the first message %q", address, first.Address)
		}
		if name, ok := PingName(p); ok && (len(name) > len(p) || n == 0 && whole) {
			t.Errorf("a ping from %q in %d messages", name, n)
		}
		if !bytes.Equal(before, p) {
			t.Error("the packet has changed")
		}
	})
}

func FuzzBundle(f *testing.F) {
	f.Add("/a", "x", int32(1), uint8(3))
	f.Add("/groupclient/ping", "", int32(-1), uint8(0))
	f.Fuzz(func(t *testing.T, address, text string, number int32, times uint8) {
		if !strings.HasPrefix(address, "/") || strings.Contains(address+text, "\x00") {
			return // not what we write
		}
		var b Builder
		for range times {
			b.Begin(address, "si")
			b.String(text)
			b.Int(number)
			b.End()
		}
		p := b.Packet()
		if times == 0 {
			return
		}
		if err := Check(p); err != nil {
			t.Fatal(err)
		}
		n := 0
		Each(p, func(m Message) {
			n++
			c := m.Arguments()
			tag, ok := c.Next()
			if !ok || tag != 's' || string(c.Value) != text || string(m.Address) != address {
				t.Errorf("%q %q, want %q %q", m.Address, c.Value, address, text)
			}
			if tag, ok := c.Next(); !ok || tag != 'i' || c.Int() != int64(number) {
				t.Errorf("%d, want %d", c.Int(), number)
			}
		})
		if n != int(times) {
			t.Errorf("%d messages, want %d", n, times)
		}
	})
}
