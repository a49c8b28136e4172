//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gateway/internal/peer"
)

// The hosts and ports of a callWorld: the gateway has an adapter for each of its
// two SIP peers.
const (
	leftHost, rightHost = peer.SIPHost, peer.SIPHost + 1
	rightPort           = peer.SIPPort + 2
	firstMedia          = 20000
	fewMedia            = 20039 // the last one, where there shall be few
)

// callMaps let 1xxx on the left and 2xxx on the right call each other by their
// numbers.
const callMaps = `
[[map]]
home = "right:{n:2[0-9]{3}}"
as   = { left = "{n}" }

[[map]]
home = "left:{n:1[0-9]{3}}"
as   = { right = "{n}" }
`

// A callWorld is the gateway between two SIP peers, left and right, both
// played by SIPp behind trunks.
type callWorld struct {
	*world
	left, right *peer.Trunk
	gateway     *peer.Gateway
}

// newCallWorld makes one, with maps before the others.
func newCallWorld(t *testing.T, maps ...string) *callWorld {
	t.Helper()
	return newCallWorldOf(t, "", maps...)
}

// newCallWorldOf is newCallWorld with lines of the table [media].
func newCallWorldOf(t *testing.T, media string, maps ...string) *callWorld {
	t.Helper()
	return newWorld(t).calls(media, maps...)
}

// newCallWorldOfRows is newCallWorld for a table, see newWorldOfRows.
func newCallWorldOfRows(t *testing.T, maps ...string) *callWorld {
	t.Helper()
	return newWorldOfRows(t).calls("", maps...)
}

func (w *callWorld) of(t *testing.T) *callWorld {
	row := *w
	row.world = w.world.of(t)
	return &row
}

// calls has a gateway and what stands on its two sides.
func (lab *world) calls(media string, maps ...string) *callWorld {
	lab.t.Helper()
	w := &callWorld{world: lab}
	at := w.At(peer.GatewayHost, peer.SIPPort)
	atRight := w.At(peer.GatewayHost, rightPort)
	w.left = w.trunkAt(w.At(leftHost, peer.SIPPort), at, leftHost)
	w.right = w.trunkAt(w.At(rightHost, peer.SIPPort), atRight, rightHost)
	w.gateway = w.world.gateway(w.callTables(media), w.peerTable("left", at, w.left.Addr()), w.peerTable("right", atRight, w.right.Addr()),
		strings.Join(maps, ""), callMaps)
	return w
}

func (w *world) trunkAt(at, gateway string, host int) *peer.Trunk {
	w.t.Helper()
	trunk, err := peer.NewTrunk(w.Lab, at, gateway, host)
	trunk = got(w.t, trunk, err)
	w.t.Cleanup(trunk.Close)
	return trunk
}

// callTables is the tables [gateway] and [media], with lines of the latter.
func (w *world) callTables(media string) string {
	if !strings.Contains(media, "ports") {
		media += fmt.Sprintf("\nports = \"%d-24999\"", firstMedia)
	}
	return fmt.Sprintf("[gateway]\nnode = \"gw1\"\nstate = \"state\"\nhttp = %q\nlog = \"info\"\ndrain = \"20s\"\nrecords = \"calls.jsonl\"\n\n"+
		"[media]\n%s\n\n", w.At(peer.GatewayHost, peer.HTTPPort), media)
}

// peerTable is an adapter that listens at an address and has a SIP peer, with
// more lines.
func (w *world) peerTable(name, at, to string, lines ...string) string {
	return fmt.Sprintf("[sip.%s]\nlisten = [\"udp:%s\"]\ndomain = \"%s.example\"\npeer = \"sip:%s\"\n%s\n\n",
		name, at, name, to, strings.Join(lines, "\n"))
}

// A side is one side of a call and the trunk behind which it is played.
type side struct {
	trunk *peer.Trunk
	host  int
	call  peer.SIPpCall
}

// onLeft and onRight place a side.
func (w *callWorld) onLeft(c peer.SIPpCall) side  { return side{w.left, leftHost, c} }
func (w *callWorld) onRight(c peer.SIPpCall) side { return side{w.right, rightHost, c} }

// play plays sides, who is called first, and waits until all have come to their
// ends as they should.
func (w *callWorld) play(t *testing.T, sides ...side) {
	t.Helper()
	w.finish(t, w.begin(t, sides...), sides...)
}

// begin starts sides, who is called first.
func (w *callWorld) begin(t *testing.T, sides ...side) []*peer.SIPp {
	t.Helper()
	var all []*peer.SIPp
	for _, s := range sides {
		p, err := peer.StartSIPpCall(w.ctx, w.Lab, s.trunk, s.host, s.call)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

func (w *callWorld) finish(t *testing.T, all []*peer.SIPp, sides ...side) {
	t.Helper()
	for _, p := range all {
		if err := p.Finish(w.ctx); err != nil {
			t.Error(err)
		}
	}
	if t.Failed() {
		t.Logf("left:\n%s\nright:\n%s", w.left.Talk(sides[0].call.To), w.right.Talk(sides[0].call.To))
	}
}

// A record is a line of the file of call records, as far as the tests look at
// it.
type record struct {
	ID, Origin, From, To, Cause, By, Media string
	Start, Answer, End                     time.Time
	Setup, Talk                            float64
	Transfers                              int
	Legs                                   []struct {
		Adapter, Direction, Party, Other, Cause, Told, Reason string
		Formats                                               []string
		Streams                                               []struct {
			In, Out flow
			Suite   string
			Keys    string
			Pair    *struct{ Local, Remote string }
			Dropped uint64
		}
	}
}

type flow struct {
	Packets, Octets uint64
	Lost            int64
	Loss, MOS       float64
	Jitter          float64 `json:"jitter_ms"`
}

// records reads the gateway's file of call records; every line must be one.
func (w *world) records(g *peer.Gateway) []record {
	w.t.Helper()
	raw, err := os.ReadFile(filepath.Join(g.Dir(), "calls.jsonl"))
	w.must(err)
	var all []record
	for line := range strings.Lines(string(raw)) {
		var r record
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			w.t.Fatalf("%v in the record %s", err, line)
		}
		all = append(all, r)
	}
	return all
}

// waitRecord waits for the first record of a call from and to a name, such as
// "left:1001".
func (w *world) waitRecord(g *peer.Gateway, from, to string) record {
	w.t.Helper()
	var found record
	err := w.poll(func() bool {
		if _, err := os.Stat(filepath.Join(g.Dir(), "calls.jsonl")); err != nil {
			return false
		}
		for _, r := range w.records(g) {
			if r.From == from && r.To == to {
				found = r
				return true
			}
		}
		return false
	})
	if err != nil {
		w.t.Fatalf("no record of a call from %s to %s: %v", from, to, err)
	}
	return found
}
