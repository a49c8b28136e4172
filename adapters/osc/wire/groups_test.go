package wire

import (
	"bytes"
	"net/netip"
	"testing"
)

const (
	hashPw0  = "3133616230656266613761633162353336356363653865356139383839646330" // of "pw0", of which the capture has most
	capAlive = `2362756e646c6500 0000000000000001 0000007c
		2f67726f75707365727665722f757365725f616c69766500 2c73736969737300 7573657230000000
		%USER% 00000000 80fffffe 0000571c 67310000 %GROUP% 00000000
		00000050 2f67726f75707365727665722f6765745f67726f75705f75736572735f696e666f000000
		2c737300 67310000 %GROUP% 00000000`
	capReply = `2362756e646c6500 0000000000000001
		00000058 2f67726f7570636c69656e742f757365725f616c6976655f73746174757300 00 2c73737300000000
		7573657230000000 %USER% 00000000 6f6b0000
		00000080 2f67726f7570636c69656e742f757365725f67726f75705f73746174757300 00 2c73737373730000
		7573657230000000 %USER% 00000000 67310000 %GROUP% 00000000 6f6b0000
		00000044 2f67726f7570636c69656e742f757365725f696e666f0000 2c73696969696973 00000000 7573657230000000
		80fffffe 0000571c 80fffffe 0000571c 00000000 67310000`
	capPing = `2362756e646c6500 0000000000000001 00000020
		2f67726f7570636c69656e742f70696e67000000 2c730000 7573657231000000`
)

// capture fills the hashes, which the capture abbreviates, in.
func capture(t *testing.T, s string) []byte {
	t.Helper()
	hexHash := func(pw string) string {
		const digits = "0123456789abcdef"
		var out []byte
		for _, c := range []byte(Hash(pw)) {
			out = append(out, digits[c>>4], digits[c&15])
		}
		return string(out)
	}
	b := bytes.ReplaceAll([]byte(s), []byte("%USER%"), []byte(hexHash("pw0")))
	b = bytes.ReplaceAll(b, []byte("%GROUP%"), []byte(hexHash("gpw")))
	return unhex(t, string(b))
}

func TestHashesAreThoseOfTheOriginal(t *testing.T) {
	t.Parallel()
	if got := Hash("0123456789"); got != "781e5e245d69b566979b86e28d23f2c7" {
		t.Error(got)
	}
	if got := Hash("pw0"); got[:6] != "13ab0e" || got[28:] != "9dc0" { // as far as the capture has it
		t.Error(got)
	}
}

func TestCapturesReadAndWriteAsThemselves(t *testing.T) {
	t.Parallel()
	local := netip.MustParseAddrPort("127.0.0.1:22300")
	user, group := Login{[]byte("user0"), []byte(Hash("pw0"))}, Login{[]byte("g1"), []byte(Hash("gpw"))}
	var b Builder

	want := capture(t, capAlive)
	if len(want) != 228 {
		t.Errorf("%d bytes, the capture had 228", len(want))
	}
	b.UserAlive("user0", Hash("pw0"), local, "g1", Hash("gpw"))
	b.GetUsers("g1", Hash("gpw"))
	if got := b.Packet(); !bytes.Equal(got, want) {
		t.Errorf("alive:\n%x, want\n%x", got, want)
	}
	var alive UserAlive
	Each(want, func(m Message) {
		switch string(m.Address) {
		case AddressUserAlive:
			if !alive.Read(m) || string(alive.User.Name) != "user0" || string(alive.User.Hash) != Hash("pw0") || alive.Private != local ||
				len(alive.Groups) != 1 || string(alive.Groups[0].Name) != "g1" {
				t.Errorf("alive: %+v", alive)
			}
		case AddressGetUsers:
			if g, ok := ReadLogin(m); !ok || string(g.Name) != "g1" || string(g.Hash) != Hash("gpw") {
				t.Errorf("get: %s", g)
			}
		default:
			t.Errorf("%s", m.Address)
		}
	})

	want = capture(t, capReply)
	b.Reset()
	b.UserStatus(user, StatusOK)
	b.GroupStatus(user, group, StatusOK)
	b.UserInfo("user0", local, local, 0, []string{"g1"})
	if got := b.Packet(); !bytes.Equal(got, want) || len(want) != 312 {
		t.Errorf("reply, %d bytes:\n%x, want\n%x", len(got), got, want)
	}
	Each(want, func(m Message) {
		var info UserInfo
		switch string(m.Address) {
		case AddressUserStatus:
			if s, ok := ReadUserStatus(m); !ok || string(s.Text) != StatusOK || string(s.User.Name) != "user0" {
				t.Errorf("status: %s", s)
			}
		case AddressGroupStatus:
			if s, ok := ReadGroupStatus(m); !ok || string(s.Text) != StatusOK || string(s.Group.Name) != "g1" {
				t.Errorf("status: %s", s)
			}
		case AddressUserInfo:
			if !info.Read(m) || string(info.User) != "user0" || info.Private != local || info.Public != local || len(info.Groups) != 1 {
				t.Errorf("info: %+v", info)
			}
		}
	})

	want = unhex(t, capPing)
	b.Reset()
	b.Ping("user1")
	if got := b.Packet(); !bytes.Equal(got, want) {
		t.Errorf("ping:\n%x, want\n%x", got, want)
	}
	if name, ok := PingName(want); !ok || string(name) != "user1" {
		t.Errorf("a ping from %q", name)
	}
	hello := unhex(t, "2f68656c6c6f0000 2c69667300000000 00000001 40200000 776f726c64000000")
	if m, err := Parse(hello); err != nil || Line(m) != "/hello 1 2.5 world" || !bytes.Equal(packetOf(t, Line(m)), hello) {
		t.Errorf("%s, %v", Line(m), err)
	}
}

func TestRequestsThatDepartFromTheFormAreReadAsFarAsTheyGo(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, line string
		ok         bool
		groups     int
	}{
		{"no groups", AddressUserAlive + ` ,ssii u h 1 2`, true, 0},
		{"long numbers", AddressUserAlive + ` ,sshhss u h 1 2 g h`, true, 1},
		{"a group without its hash", AddressUserAlive + ` ,ssiisss u h 1 2 g h g2`, true, 1},
		{"a group that is a number", AddressUserAlive + ` ,ssiii u h 1 2 3`, true, 0},
		{"too few", AddressUserAlive + ` ,ssi u h 1`, false, 0},
		{"a name that is a number", AddressUserAlive + ` ,isii 1 h 1 2`, false, 0},
		{"a float for an address", AddressUserAlive + ` ,ssfi u h 1.0 2`, false, 0},
	} {
		m, err := Parse(packetOf(t, tt.line))
		if err != nil {
			t.Fatal(err)
		}
		var u UserAlive
		if ok := u.Read(m); ok != tt.ok || len(u.Groups) != tt.groups {
			t.Errorf("%s: %v with %d groups, want %v, %d", tt.name, ok, len(u.Groups), tt.ok, tt.groups)
		}
	}
	for _, line := range []string{AddressGetUsers + " g", AddressGetUsers + " g h more", AddressGetUsers + " 1 2"} {
		m, err := Parse(packetOf(t, line))
		if _, ok := ReadLogin(m); ok || err != nil {
			t.Errorf("%s passes, %v", line, err)
		}
	}
	for _, line := range []string{AddressPing, AddressPing + " a b", AddressPing + " 1", "/groupclient/ping2 a"} {
		if name, ok := PingName(packetOf(t, line)); ok {
			t.Errorf("%s is a ping from %q", line, name)
		}
	}
}

func TestAddressesTravelInverted(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"127.0.0.1:22300", "0.0.0.0:0", "255.255.255.255:65535", "198.51.100.10:1"} {
		want := netip.MustParseAddrPort(s)
		if got := endpoint(int64(Invert(want.Addr())), int64(want.Port())); got != want {
			t.Errorf("%v, want %v", got, want)
		}
		// As a 64-bit client wrote it: without a sign.
		if got := endpoint(int64(uint32(Invert(want.Addr()))), int64(want.Port())); got != want {
			t.Errorf("unsigned: %v, want %v", got, want)
		}
	}
	if got := endpoint(0, 70000); got.Port() != 0 {
		t.Errorf("port 70000 is %v", got)
	}
}
