package peer

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"reflect"
	"strings"
	"testing"
)

// unhex is the bytes of words of hexadecimal.
func unhex(t testing.TB, words string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(words), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What an OscGroupClient and its server have been seen to send.
const (
	seenPing   = "2362756e646c6500 0000000000000001 00000020 2f67726f7570636c69656e742f70696e67000000 2c730000 7573657231000000"
	seenHello  = "2f68656c6c6f0000 2c69667300000000 00000001 40200000 776f726c64000000"
	seenPlayer = `2f67726f7570636c69656e742f757365725f696e666f0000 2c73696969696973 00000000 7573657230000000
		80fffffe 0000571c 80fffffe 0000571c 00000000 67310000`
)

func TestOSCOfTheWireIsReadAndWrittenAgain(t *testing.T) {
	t.Parallel()
	home := netip.MustParseAddrPort("127.0.0.1:22300")
	for _, row := range []struct {
		name, hex string
		want      OSCMessage
		bundle    bool
	}{
		{"a ping", seenPing, OSCMessage{"/groupclient/ping", []any{"user1"}}, true},
		{"traffic", seenHello, OSCMessage{"/hello", []any{int32(1), float32(2.5), "world"}}, false},
		{"a user", seenPlayer, OSCMessage{"/groupclient/user_info", OSCUser{"user0", home, home, 0, []string{"g1"}}.args()}, false},
	} {
		packet := unhex(t, row.hex)
		got, err := ParseOSC(packet)
		if err != nil || len(got) != 1 || !reflect.DeepEqual(got[0], row.want) {
			t.Errorf("%s is read as %v, %v", row.name, got, err)
		}
		again := row.want.Packet()
		if row.bundle {
			again = OSCBundle(row.want)
		}
		if !bytes.Equal(again, packet) {
			t.Errorf("%s is written as %x", row.name, again)
		}
	}
	if h := OSCHash("0123456789"); h != "781e5e245d69b566979b86e28d23f2c7" {
		t.Errorf("a password is %s", h)
	}
}

func TestEveryOSCTypeComesBack(t *testing.T) {
	t.Parallel()
	m := OSCMessage{"/all", []any{int32(-1), int64(1) << 40, float32(0.5), 0.25, "", "text", []byte{1, 2, 3}, []byte{}, true, false, nil}}
	got, err := ParseOSC(OSCBundle(m, m))
	if err != nil || len(got) != 2 || !reflect.DeepEqual(got[1], m) {
		t.Errorf("%v, %v", got, err)
	}
}

func FuzzOSCPacket(f *testing.F) {
	for _, seed := range []string{seenPing, seenHello, seenPlayer, "2f610000 2c620000 ffffffff", "2362756e646c6500 0000000000000001 ffffffff"} {
		f.Add(unhex(f, seed))
	}
	f.Fuzz(func(t *testing.T, packet []byte) {
		messages, err := ParseOSC(packet)
		if err != nil {
			return
		}
		again := OSCBundle(messages...)
		got, err := ParseOSC(again)
		if err != nil || !bytes.Equal(OSCBundle(got...), again) {
			t.Errorf("%x came back as %x, %v", again, got, err)
		}
		for _, m := range messages {
			if u, ok := parseOSCUser(m.Args); ok {
				if v, ok := parseOSCUser(u.args()); !ok || !reflect.DeepEqual(u, v) {
					t.Errorf("%+v came back as %+v", u, v)
				}
			}
		}
	})
}

func FuzzOSCStream(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x04abcd"), false)
	f.Add([]byte("\xc0ab\xdb\xdc\xdb\xddcd\xc0"), true)
	f.Add([]byte("\xc0\xdb\xc0"), true)
	f.Fuzz(func(t *testing.T, stream []byte, slip bool) {
		packet, err := readOSCFrame(bufio.NewReader(bytes.NewReader(stream)), slip)
		if err != nil || len(packet) == 0 {
			return
		}
		frame := slipFrame(packet)
		if !slip {
			frame = append(binary.BigEndian.AppendUint32(nil, uint32(len(packet))), packet...)
		}
		again, err := readOSCFrame(bufio.NewReader(bytes.NewReader(frame)), slip)
		if err != nil || !bytes.Equal(again, packet) {
			t.Errorf("%x came back as %x, %v", packet, again, err)
		}
	})
}

func FuzzDatagram(f *testing.F) {
	f.Add(unhex(f, "45000024 00000000 40110000 c0a80102 c6336401 571c56e2 00100000 68656c6c6f212121"))
	f.Add(unhex(f, "46000024 00000000 40110000"))
	f.Fuzz(func(t *testing.T, packet []byte) {
		d, ok := parseDatagram(bytes.Clone(packet))
		if !ok {
			return
		}
		from, to := netip.MustParseAddrPort("198.51.100.7:40000"), netip.MustParseAddrPort("198.51.100.1:22242")
		d.rewrite(from, to)
		again, ok := parseDatagram(d.packet)
		if !ok || again.from != from || again.to != to {
			t.Errorf("rewritten as %s to %s, %v", again.from, again.to, ok)
		}
	})
}
