//go:build e2e

package peer

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"testing"
)

// oscPlace is a server and two members of a group on loopback.
func oscPlace(t *testing.T) (*OSCServer, *OSCMember, *OSCMember) {
	t.Helper()
	open := func() (*OSCServer, netip.AddrPort) {
		c, err := ListenOSC("127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s := ServeOSC(c)
		t.Cleanup(s.Close)
		return s, s.Addr()
	}
	server, at := open()
	join := func(user, password string) *OSCMember {
		c, err := ListenOSC("127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		m := JoinOSC(OSCMemberConfig{
			Conn: c, Server: at, Private: netip.MustParseAddrPort(c.LocalAddr().String()),
			User: user, Password: "pw", Group: "g", GroupPassword: password,
		})
		t.Cleanup(m.Close)
		return m
	}
	first := join("one", "gpw")
	err := Poll(t.Context(), func(context.Context) bool { _, group := first.Status(); return group == "ok" })
	if err != nil {
		t.Fatal(err)
	}
	return server, first, join("two", "gpw")
}

func TestMembersMeetAtAServerAndPlay(t *testing.T) {
	t.Parallel()
	server, one, two := oscPlace(t)
	packet := unhex(t, seenHello)
	// Who joined first hears of the other at its next word to the server.
	err := Poll(t.Context(), func(context.Context) bool { return one.Send(packet) > 0 && two.Send(packet) > 0 })
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []*OSCMember{one, two} {
		if _, err := m.WaitGot(t.Context(), func(p OSCPacket) bool { return slices.Equal(p.Data, packet) }); err != nil {
			t.Fatal(err)
		}
	}
	if users := server.Users(); len(users) != 2 || len(server.Requests()) < 3 {
		t.Errorf("%d requests made %+v", len(server.Requests()), users)
	}
}

func TestOSCToolsSayWhatTheyAreSent(t *testing.T) {
	t.Parallel()
	ctx, lab := newLab(t)
	free, err := FreeUDPPorts(3)
	if err != nil {
		t.Fatal(err)
	}
	defer free.Close()
	ports := free.Ports
	dump, err := StartOSCDump(ctx, lab, ports[0])
	if err != nil {
		t.Fatal(err)
	}
	pd, err := StartPureData(ctx, lab, ports[1], ports[0], ports[2])
	if err != nil {
		t.Fatal(err)
	}
	defer pd.Close()
	for _, port := range ports[:2] {
		if err := SendOSC(ctx, fmt.Sprintf("osc.udp://127.0.0.1:%d", port), "/chat/msg", "sif", "bob", "3", "1.5"); err != nil {
			t.Fatal(err)
		}
	}
	if err := dump.WaitMessage(ctx, `/chat/msg sif "bob" 3 1.500000`); err != nil {
		t.Error(err)
	}
	if err := pd.WaitMessage(ctx, "chat msg bob 3 1.5"); err != nil {
		t.Error(err)
	}
	if err := pd.Send("hello 7"); err != nil {
		t.Fatal(err)
	}
	if err := dump.WaitMessage(ctx, `/pd/msg sf "hello" 7.000000`); err != nil {
		t.Error(err)
	}
}
