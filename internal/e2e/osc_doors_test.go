//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"slices"
	"testing"

	"gateway/internal/peer"
)

const (
	oscTCPPort  = 22243
	oscSLIPPort = 22244
	oscWSPort   = 22245
)

// A doorWorld is an OSC server with tim at it by UDP, pat from a page in a
// browser, ted by TCP with sizes, and sal by SLIP.
type doorWorld struct {
	*world
	server  *peer.Program
	tim     *peer.OSCMember
	page    *peer.OSCPage
	streams map[string]*peer.OSCStream
}

func (w *doorWorld) at(port int) string { return w.At(peer.GatewayHost, port) }

// oscDoors starts a server with a door of each kind.
func (w *world) oscDoors() *peer.Program {
	w.t.Helper()
	at := func(port int) string { return w.At(peer.GatewayHost, port) }
	p, err := peer.StartPlainGateway(w.ctx, w.Lab, os.Getenv(binaryEnv), "server", fmt.Sprintf(
		"[osc.jam]\nlisten = [\"udp:%s\", \"tcp:%s\", \"slip:%s\", \"ws:%s\"]\n", at(oscPort), at(oscTCPPort), at(oscSLIPPort), at(oscWSPort)), "jam")
	return got(w.t, p, err)
}

func newDoorWorld(t *testing.T) *doorWorld {
	t.Helper()
	w := &doorWorld{world: newWorld(t), streams: map[string]*peer.OSCStream{}}
	w.server = w.oscDoors()
	w.tim = w.original("tim", oscHost, w.at(oscPort))
	register := func(name string) []byte {
		return peer.OSCMessage{Address: "/oscrouter/register", Args: []any{name, name + "-pw", oscGroup, oscGroupPass}}.Packet()
	}
	var err error
	w.page, err = peer.StartOSCPage(w.ctx, w.Lab, peer.PhoneHost)
	w.must(err)
	t.Cleanup(w.page.Close)
	w.must(w.page.Open(w.ctx, "ws://"+w.at(oscWSPort)+"/"))
	w.must(w.page.Send(w.ctx, register("pat")))
	for name, port := range map[string]int{"ted": oscTCPPort, "sal": oscSLIPPort} {
		s, err := peer.DialOSC(w.ctx, w.at(port), port == oscSLIPPort)
		w.must(err)
		t.Cleanup(s.Close)
		w.must(s.Send(register(name)))
		w.streams[name] = s
	}
	w.heard(w.tim, "pat", "ted", "sal")
	return w
}

// say has one of them send a packet, and waits until all the others have it.
func (w *doorWorld) say(from string, packet []byte) {
	w.t.Helper()
	switch from {
	case "tim":
		w.tim.Send(packet)
	case "pat":
		w.must(w.page.Send(w.ctx, packet))
	default:
		w.must(w.streams[from].Send(packet))
	}
	if from != "tim" {
		w.waitPacket(w.tim, packet)
	}
	if from != "pat" {
		w.must(w.page.WaitPacket(w.ctx, packet))
	}
	for name, s := range w.streams {
		if from == name {
			continue
		}
		if err := s.WaitPacket(w.ctx, packet); err != nil {
			w.t.Fatalf("%s: %v", name, err)
		}
	}
}

// Members by TCP, by SLIP and from a page in a browser play with those by UDP.
func TestOSCDoorsLeadToOneGroup(t *testing.T) {
	w := newDoorWorld(t)
	for _, from := range []string{"tim", "pat", "ted", "sal"} {
		w.say(from, peer.OSCMessage{Address: "/from", Args: []any{from, "\xc0\xdb\xdc\xdd", []byte{0xc0, 0xdb}}}.Packet())
	}
	// Whoever speaks badly at a door harms nobody.
	for name, bad := range map[string][]byte{
		"a size that none has": {0x7f, 0xff, 0xff, 0xff}, "a size of nothing": {0, 0, 0, 0, 0, 0, 0, 0}, "an escape of nothing": {0xc0, 0xdb, 0x01, 0xc0},
		"a request for a page": []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), "frames of nobody's": slices.Repeat([]byte{0xc0, '/', 'a', 0, 0, 0xc0}, 100),
	} {
		for _, port := range []int{oscTCPPort, oscSLIPPort, oscWSPort} {
			s, err := peer.DialOSC(w.ctx, w.at(port), false)
			w.must(err)
			if _, err := s.Write(bad); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			s.Close()
		}
	}
	w.say("sal", peer.OSCMessage{Address: "/after"}.Packet())
	// Who hangs up has left.
	mark := w.server.Out.Len()
	w.streams["ted"].Close()
	_, err := w.server.Out.WaitAfter(w.ctx, mark, peer.Containing("a member has left", "user=ted"))
	w.must(err)
	newcomer := w.original("new", oscHost+1, w.at(oscPort))
	w.heard(newcomer, "tim", "pat", "sal")
	if _, there := newcomer.Peers()["ted"]; there {
		t.Error("ted is still told of")
	}
}

// Members whose network would let no UDP through play by the doors, with one by UDP and
// with each other: programs beside the gateway know nothing of it.
func TestOSCMembersPlayByTheDoors(t *testing.T) {
	w := newWorld(t)
	w.oscDoors()
	at := func(port int) string { return w.At(peer.GatewayHost, port) }
	doors := []string{"ws:" + at(oscWSPort), "tcp:" + at(oscTCPPort), "slip:" + at(oscSLIPPort), at(oscPort)}
	p := w.ports(2 * len(doors))
	var dumps []*peer.OSCDump
	for i, door := range doors {
		d, err := peer.StartOSCDump(w.ctx, w.Lab, p[2*i+1])
		w.must(err)
		dumps = append(dumps, d)
		w.oscMember(fmt.Sprint("member", i), door, apps(p[2*i], p[2*i+1]))
	}
	tim := w.original("tim", oscHost, at(oscPort))
	w.heard(tim, "member0", "member1", "member2", "member3")
	for i := range doors {
		message := fmt.Sprintf("/from/%d", i)
		err := w.poll(func() bool { // until all have met, what is sent is lost
			w.must(peer.SendOSC(w.ctx, udp(p[2*i]), message, "i", "7"))
			for k, d := range dumps {
				if k != i && !slices.Contains(d.Messages(), message+" i 7") {
					return false
				}
			}
			return true
		})
		if err != nil {
			t.Errorf("not all hear member %d, who is at %s: %v", i, doors[i], err)
		}
	}
	w.must(peer.SendOSC(w.ctx, udp(p[0]), "/oscrouter/private", "ssi", "member2", "/cue", "5"))
	w.must(dumps[2].WaitMessage(w.ctx, `/oscrouter/private ssi "member0" "/cue" 5`))
}
