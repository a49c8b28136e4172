//go:build e2e

package e2e

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	. "gateway/internal/peer"
)

// oscCallMaps let phones call the group and its members, and members call the
// phones but 2003.
const oscCallMaps = `
[[map]]
home = "jam:orchestra"
as   = { pbx = "8000" }

[[map]]
home  = "pbx:2003"
as    = { pbx = "2003", jam = "2003@orchestra" }
allow = ["pbx:{ext:2[0-9]{3}}"]

[[map]]
home = "pbx:{ext:2[0-9]{3}}"
as   = { pbx = "{ext}", jam = "{ext}@orchestra" }

[[map]]
home = "jam:{member:[a-z]+}@orchestra"
as   = { pbx = "osc-{member}" }
`

// An oscCallWorld is a gateway with which phones register and which is a server
// of OSC groups, and ann, a member whose programs are oscsend and oscdump.
type oscCallWorld struct {
	*world
	gateway *Gateway
	phone   *BaresipPhone // 2001
	tx      string
	dump    *OSCDump
}

func newOSCCallWorld(t *testing.T) *oscCallWorld {
	t.Helper()
	w := &oscCallWorld{world: newWorld(t)}
	w.gateway = w.world.gateway(w.callTables(""), w.sipTable("domain = \""+gatewayDomain+"\"", ringAccounts),
		w.oscTable(`chat = "/chat"`, `calls = "/call"`), oscCallMaps)
	p := w.ports(2)
	w.tx = udp(p[0])
	dump, err := StartOSCDump(w.ctx, w.Lab, p[1])
	w.dump = got(t, dump, err)
	w.oscMember("ann", w.At(GatewayHost, oscPort), apps(p...))
	w.phone = w.baresip(w.callConfig(0))
	// Until ann has met the gateway, what she says is lost.
	err = w.poll(func() bool {
		w.says("/call/dial", "9999", "early")
		return slices.ContainsFunc(w.dump.Messages(), func(m string) bool {
			return strings.HasPrefix(m, `/call/failed ssss "early" "9999" "not-found"`)
		})
	})
	if err != nil {
		t.Fatalf("ann does not hear the gateway: %q", w.dump.Messages())
	}
	return w
}

// says has ann's program send a message of strings.
func (w *oscCallWorld) says(address string, args ...string) {
	w.t.Helper()
	w.must(SendOSC(w.ctx, w.tx, address, strings.Repeat("s", len(args)), args...))
}

// told waits until ann's program has been told something, and gives the groups of
// the pattern.
func (w *oscCallWorld) told(pattern string) []string {
	w.t.Helper()
	var found []string
	err := w.poll(func() bool {
		for _, m := range w.dump.Messages() {
			if found = regexp.MustCompile("^" + pattern + "$").FindStringSubmatch(m); found != nil {
				return true
			}
		}
		return false
	})
	if err != nil {
		w.t.Fatalf("ann is not told %s, but %q", pattern, w.dump.Messages())
	}
	return found[1:]
}

// keys are those that ann's program was told of, of one call.
func (w *oscCallWorld) keys(id string) string {
	all := ""
	for _, m := range w.dump.Messages() {
		var of, key string
		var ms int
		if n, _ := fmt.Sscanf(m, "/call/dtmf ssi %q %q %d", &of, &key, &ms); n == 3 && of == id && ms > 0 {
			all += key
		}
	}
	return all
}

func (w *oscCallWorld) waitKeys(id, want string) {
	w.t.Helper()
	if err := w.poll(func() bool { return w.keys(id) == want }); err != nil {
		w.t.Fatalf("keys %q, want %q: %q", w.keys(id), want, w.dump.Messages())
	}
}

// The keys that somebody presses in a call to the group arrive as OSC, in their
// order, and the call's beginning and end do.
func TestKeysOfAPhoneArriveAsOSC(t *testing.T) {
	w := newOSCCallWorld(t)
	w.must(w.phone.Dial(w.ctx, "sip:8000@"+gatewayDomain))
	w.await(w.phone, CallTalking)
	id := w.told(`/call/incoming ssss "(\w+)" "2001" "orchestra" "[^"]*"`)[0]
	w.told(`/call/answered sss "` + id + `" "2001" "orchestra"`)
	const keys = "1234567890*#"
	w.must(w.phone.Press(w.ctx, keys))
	w.waitKeys(id, keys)
	w.says("/call/hangup", id)
	w.await(w.phone, CallEnded)
	w.told(`/call/ended ssssf "` + id + `" "2001" "orchestra" "normal" [0-9.]+`)

	// One member; the phone hangs up.
	w.must(w.phone.Dial(w.ctx, "sip:osc-ann@"+gatewayDomain))
	w.await(w.phone, CallTalking)
	id = w.told(`/call/incoming ssss "(\w+)" "2001" "ann" "[^"]*"`)[0]
	w.must(w.phone.Press(w.ctx, "77"))
	w.waitKeys(id, "77")
	w.must(w.phone.Hangup(w.ctx))
	w.await(w.phone, CallEnded)
	w.told(`/call/ended ssssf "` + id + `" "2001" "ann" "normal" [0-9.]+`)
	if r := w.waitRecord(w.gateway, "pbx:2001", "pbx:osc-ann"); r.Cause != "normal" || r.Media != "none" || len(r.Legs) != 2 {
		t.Errorf("record %+v", r)
	}
	w.waitMetric(w.gateway, "gateway_calls_active", "0")
}

// A member makes a phone ring, hears what becomes of it, and presses keys.
func TestAnOSCProgramCallsAPhone(t *testing.T) {
	w := newOSCCallWorld(t)
	w.says("/call/dial", "2001", "lamp")
	e := w.await(w.phone, CallIncoming)
	if !strings.Contains(e.Text, "osc-ann") {
		t.Errorf("the phone is called by %q", e.Text)
	}
	w.told(`/call/ringing sss "lamp" "ann" "2001"`)
	w.must(w.phone.Answer(w.ctx))
	w.await(w.phone, CallTalking)
	w.told(`/call/answered sss "lamp" "ann" "2001"`)
	w.must(w.phone.Press(w.ctx, "159#"))
	w.waitKeys("lamp", "159#")
	w.says("/call/dtmf", "lamp", "42")
	w.must(WaitKeys(w.ctx, w.phone, "42"))
	w.must(w.phone.Hangup(w.ctx))
	w.await(w.phone, CallEnded)
	w.told(`/call/ended ssssf "lamp" "ann" "2001" "normal" [0-9.]+`)

	// Given up while it rings.
	w.says("/call/dial", "2001", "two")
	w.await(w.phone, CallIncoming)
	w.says("/call/hangup", "two")
	w.await(w.phone, CallEnded)
	w.told(`/call/failed ssss "two" "2001" "cancelled" ""`)

	// Refused: by the phone, by a map, and by nobody's being there.
	w.says("/call/dial", "2001", "three")
	w.await(w.phone, CallIncoming)
	w.must(w.phone.Hangup(w.ctx))
	w.await(w.phone, CallEnded)
	w.told(`/call/failed ssss "three" "2001" "(?:busy|declined)" ""`)
	w.says("/call/dial", "2003", "four")
	w.told(`/call/failed ssss "four" "2003" "forbidden" "[^"]*"`)
	w.says("/call/dial", "2002", "five")
	w.told(`/call/failed ssss "five" "2002" "unavailable" "[^"]*"`)
	w.waitMetric(w.gateway, "gateway_calls_active", "0")
}
