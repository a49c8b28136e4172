//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"gateway/internal/peer"
)

// What ends the original's server and its clients, and more of the kind.
func deadlyOSC() map[string][]byte {
	nested := peer.OSCMessage{Address: "/x"}.Packet()
	for range 500 {
		size := []byte{0, 0, byte(len(nested) >> 8), byte(len(nested))}
		nested = append(append([]byte("#bundle\x00\x00\x00\x00\x00\x00\x00\x00\x01"), size...), nested...)
	}
	alive := func(args ...any) []byte {
		return peer.OSCMessage{Address: "/groupserver/user_alive", Args: args}.Packet()
	}
	here := peer.OSCAlive("x", "y", netip.MustParseAddrPort("127.0.0.1:1")).Args
	long := strings.Repeat("n", 1400)
	return map[string][]byte{
		"nothing":                         {},
		"three bytes":                     []byte("abc"),
		"no multiple of four":             []byte("/groupserver/user_alive\x00,ss\x00a"),
		"no type tags":                    []byte("/groupserver/user_alive\x00"),
		"an unknown type tag":             []byte("/groupserver/user_alive\x00,z\x00\x00"),
		"an address without an end":       []byte("/groupserver/user"),
		"type tags without an end":        []byte("/groupserver/user_alive\x00,sss"),
		"arguments that are not there":    []byte("/groupserver/user_alive\x00,ssii\x00\x00\x00"),
		"a bundle without a time":         []byte("#bundle\x00\x00\x00\x00\x00"),
		"an element larger than all":      []byte("#bundle\x00\x00\x00\x00\x00\x00\x00\x00\x01\x7f\xff\xff\xfc"),
		"an element of negative size":     []byte("#bundle\x00\x00\x00\x00\x00\x00\x00\x00\x01\xff\xff\xff\xfc/x\x00\x00"),
		"a blob of negative size":         []byte("/x\x00\x00,b\x00\x00\xff\xff\xff\xff"),
		"a blob larger than all":          []byte("/x\x00\x00,b\x00\x00\x7f\xff\xff\xff"),
		"bundles within bundles":          nested,
		"an odd number of groups":         alive(append(slices.Clone(here), "g1", "p1", "g2")...),
		"a user of 1400 letters":          alive(append([]any{long, "y"}, here[2:]...)...),
		"a group of 1400 letters":         alive(append(slices.Clone(here), long, "p")...),
		"nobody":                          alive("", "", int32(0), int32(0)),
		"texts for numbers":               alive("x", "y", "127.0.0.1", "1"),
		"a port that is none":             alive("x", "y", int32(0), int32(-1)),
		"half an array":                   []byte("/x\x00\x00,[[i\x00\x00\x00\x00\x00\x00\x00\x00\x01"),
		"a pattern without an end":        peer.OSCMessage{Address: "/["}.Packet(),
		"another":                         peer.OSCMessage{Address: "/{a,"}.Packet(),
		"a backslash":                     peer.OSCMessage{Address: `/a\`}.Packet(),
		"a pattern that takes for ever":   peer.OSCMessage{Address: "/" + strings.Repeat("*a", 500) + "b"}.Packet(),
		"bytes that are no UTF-8":         peer.OSCMessage{Address: "/\xff\xfe", Args: []any{"\xff"}}.Packet(),
		"lines for the log":               alive("x\n2026 all is well\x1b[2J", "y", int32(0), int32(0)),
		"more than 4096 bytes":            append([]byte("/long\x00\x00\x00,s\x00\x00"), bytes.Repeat([]byte("x\x00\x00\x00"), 2000)...),
		"the largest datagram":            append([]byte("/long\x00\x00\x00,s\x00\x00"), bytes.Repeat([]byte("x"), 65507-12)...),
		"an answer of the server's":       peer.OSCMessage{Address: "/groupclient/user_info", Args: []any{"x", "y"}}.Packet(),
		"a ping of nobody's":              peer.OSCBundle(peer.OSCMessage{Address: "/groupclient/ping", Args: []any{"nobody"}}),
		"a ping with the time":            peer.OSCBundle(peer.OSCMessage{Address: "/groupclient/ping", Args: []any{"x", int32(1)}}),
		"a question with three passwords": peer.OSCMessage{Address: "/groupserver/get_group_users_info", Args: []any{"g", "p", "q"}}.Packet(),
	}
}

func TestOSCServerOutlivesWhatEndsTheOriginal(t *testing.T) {
	w := newWorld(t)
	w.oscServer()
	stranger, user := w.oscWire(strangerHost), w.oscWire(oscHost)
	for name, packet := range deadlyOSC() {
		w.must(stranger.Send(packet))
		// The socket takes one after the other: behind the packet we are heard.
		if s := w.alive(user, "ann", "pw", [2]string{"g", "p"}); !slices.Equal(s, []string{"ok", "ok"}) {
			t.Fatalf("after %s: %q", name, s)
		}
	}
	if _, err := w.oscWire(oscHost+1).Ask(w.ctx, peer.OSCMessage{Address: "/x"}, peer.OSCAlive("bob", "pw", user.Local())); err != nil {
		t.Errorf("among words that it does not know: %v", err)
	}
}

// Neither an app nor a stranger ends a client, nor do they harm the others.
func TestOSCClientOutlivesWhatEndsTheOriginal(t *testing.T) {
	w := newWorld(t)
	w.oscServer()
	server := w.At(peer.GatewayHost, oscPort)
	p := w.ports(4)
	dump, err := peer.StartOSCDump(w.ctx, w.Lab, p[3])
	w.must(err)
	w.oscMember("ann", server, apps(p[0], p[1]))
	w.oscMember("bob", server, apps(p[2], p[3]))
	tim := w.original("tim", oscHost, server)
	w.heard(tim, "ann", "bob")
	app, err := peer.NewOSCWire("127.0.0.1:0", fmt.Sprintf("127.0.0.1:%d", p[0]))
	w.must(err)
	t.Cleanup(app.Close)
	stranger, err := peer.NewOSCWire(w.At(strangerHost, 0), tim.Peers()["ann"].String())
	w.must(err)
	t.Cleanup(stranger.Close)
	n := 0
	for name, packet := range deadlyOSC() {
		for _, s := range []*peer.OSCWire{app, stranger} {
			w.must(s.Send(packet))
		}
		n++
		mark := peer.OSCMessage{Address: "/after", Args: []any{int32(n)}}.Packet()
		err := w.poll(func() bool { // until bob has heard ann at all, it is lost
			w.must(app.Send(mark))
			return slices.Contains(dump.Messages(), fmt.Sprintf("/after i %d", n)) &&
				slices.ContainsFunc(tim.Got(), func(g peer.OSCPacket) bool { return bytes.Equal(g.Data, mark) })
		})
		if err != nil {
			t.Fatalf("after %s ann is not heard", name)
		}
	}
	for _, g := range tim.Got() { // as the original would read it, and end
		if len(g.Data)%4 != 0 || len(g.Data) > 4096 || len(g.Data) < 4 {
			t.Errorf("tim was given %d bytes: %.40q", len(g.Data), g.Data)
		}
	}
}
