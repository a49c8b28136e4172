//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	. "gateway/internal/peer"
)

// rtmpMaps let the phones, the accounts of the RTMP server and streams elsewhere
// call each other.
const rtmpMaps = `
[[map]]
home = "pbx:{ext:2[0-9]{3}}"
as   = { pbx = "{ext}", flash = "{ext}" }
ring = "20s"

[[map]]
home = "flash:alice"
as   = { pbx = "alice", flash = "alice" }

[[map]]
home = "flash:bob"
as   = { pbx = "bob", flash = "bob" }

[[map]]
home = "flash:show"
as   = { pbx = "9001" }

[[map]]
home = "flash:air"
as   = { pbx = "9003", flash = "9003" }

[[map]]
home = "flash:voice"
as   = { pbx = "9004" }

[[map]]
home = "flash:none"
as   = { pbx = "9005" }

[[map]]
home = "flash:radio"
as   = { pbx = "9002", flash = "9002" }
`

// An rtmpWorld is a gateway with which phones register and which is an RTMP server
// with the accounts alice and bob, and the phone 2001.
type rtmpWorld struct {
	*world
	gateway *Gateway
	phone   *BaresipPhone
}

// rtmpTable is an adapter called flash, with more lines.
func (w *world) rtmpTable(lines ...string) string {
	return fmt.Sprintf("[rtmp.flash]\nlisten = [\"rtmp:%s\"]\naccounts = { alice = { password = \"alice-pw\" }, bob = { password = \"bob-pw\" } }\n%s\n\n",
		w.At(GatewayHost, RTMPPort), strings.Join(lines, "\n"))
}

func newRTMPWorld(t *testing.T, lines ...string) *rtmpWorld {
	t.Helper()
	w := newWorld(t)
	g := w.gateway(w.callTables(""), w.sipTable("domain = \""+gatewayDomain+"\"", ringAccounts), w.rtmpTable(append([]string{streamsElsewhere(w)}, lines...)...), rtmpMaps)
	return &rtmpWorld{world: w, gateway: g, phone: w.baresip(w.callConfig(0))}
}

// streamsElsewhere are those that nginx has.
func streamsElsewhere(w *world) string {
	at := "rtmp://" + w.At(RTMPHost, RTMPPort) + "/live/"
	air := "rtmp://" + w.At(RTMPHost, RTMPPort) + "/hls/air"
	return fmt.Sprintf("streams = { show = { url = %q }, radio = { url = %q }, air = { url = %q }, voice = { url = %q, push = [\"speex\", \"pcmu\"] }, none = { url = %q } }",
		at+"show", at+"radio#pull", air, at+"voice", "rtmp://"+w.At(RTMPHost, RTMPPort)+"/none/none")
}

// rtmpURL is that by which an account calls a name, or waits under its own.
func (w *world) rtmpURL(account, name string) string {
	return fmt.Sprintf("rtmp://%s/call/%s?user=%s&password=%s-pw", w.At(GatewayHost, RTMPPort), name, account, account)
}

// flash starts a client with calls that logs in as an account.
func (w *world) flash(account string) *RTMPClient {
	w.t.Helper()
	c, err := StartRTMPClient(w.ctx, w.Lab, "client-"+account)
	w.must(err)
	info, err := c.Connect(w.ctx, w.At(GatewayHost, RTMPPort), "sip/"+account, account, account+"-pw", strings.ToUpper(account[:1])+account[1:], "wideband")
	if err != nil || info["code"] != "NetConnection.Connect.Success" {
		w.t.Fatalf("connect of %s: %v, %v", account, info, err)
	}
	return c
}

// flashSays has a client call a command, which is answered.
func (w *world) flashSays(c *RTMPClient, name string, args ...any) {
	w.t.Helper()
	if _, err := c.Call(w.ctx, name, args...); err != nil {
		w.t.Fatalf("%s %v: %v", name, args, err)
	}
}

// flashTold waits until a client has been called something since a mark, and gives what with.
func (w *world) flashTold(c *RTMPClient, mark int, name string) []any {
	w.t.Helper()
	args, err := c.WaitCalled(w.ctx, mark, name)
	w.must(err)
	return args
}

// flashTalks has a client say a tone and record what it hears, on streams that it made
// before, or new ones for 0.
func (w *world) flashTalks(c *RTMPClient, out, in int, hz float64) (int, int) {
	w.t.Helper()
	var err error
	if out == 0 {
		out, err = c.Stream(w.ctx)
		w.must(err)
		in, err = c.Stream(w.ctx)
		w.must(err)
	}
	mark := c.Out.Len()
	w.must(c.Command(w.ctx, out, "publish", "local", "live"))
	w.must(c.WaitStatus(w.ctx, mark, out, "NetStream.Publish.Start"))
	w.must(c.Record(w.ctx, in))
	w.must(c.Command(w.ctx, in, "play", "remote"))
	w.must(c.WaitStatus(w.ctx, mark, in, "NetStream.Play.Start"))
	w.must(c.Tone(w.ctx, out, hz))
	return out, in
}

// flashHears waits until a client has heard a tone.
func (w *world) flashHears(c *RTMPClient, hz float64) {
	w.t.Helper()
	if err := c.WaitTone(w.ctx, hz); err != nil {
		w.t.Fatalf("%s does not hear %v Hz: %v", c.Name, hz, err)
	}
}

// flashPlayer starts a client that plays by URL, as an account, and makes a stream
// for that.
func (w *world) flashPlayer(account string) (*RTMPClient, int) {
	w.t.Helper()
	c, err := StartRTMPClient(w.ctx, w.Lab, "player")
	w.must(err)
	_, err = c.Connect(w.ctx, w.At(GatewayHost, RTMPPort), "call?user="+account+"&password="+account+"-pw")
	w.must(err)
	in, err := c.Stream(w.ctx)
	w.must(err)
	return c, in
}

// flashPlays has it play a name, from now on.
func (w *world) flashPlays(c *RTMPClient, in int, name string) {
	w.t.Helper()
	mark := c.Out.Len()
	w.must(c.Record(w.ctx, in))
	w.must(c.Command(w.ctx, in, "play", name))
	w.must(c.WaitStatus(w.ctx, mark, in, "NetStream.Play.Start"))
}

// idle waits until the gateway has no call.
func (w *rtmpWorld) idle() {
	w.t.Helper()
	w.waitMetric(w.gateway, "gateway_calls_active", "0")
}

// ends waits until a program has ended, and gives its exit code.
func (w *world) ends(p *Program) int {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, time.Minute)
	defer cancel()
	code, err := p.Wait(ctx)
	w.must(err)
	return code
}
