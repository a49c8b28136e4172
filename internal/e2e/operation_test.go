//go:build e2e

package e2e

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"gateway/internal/peer"
)

func TestHealthSaysWhichAdapterIsDown(t *testing.T) {
	w := newTrunkWorld(t)
	w.prosody.Stop()
	body, err := w.gateway.WaitHealth(w.ctx, 503)
	w.must(err)
	if !strings.Contains(body, "chat") {
		t.Errorf("no word of chat in %s", body)
	}
	w.waitMetric(w.gateway, `gateway_adapter_up{adapter="chat"}`, "0")
	w.waitMetric(w.gateway, `gateway_adapter_up{adapter="pbx"}`, "1")
	w.must(w.prosody.Start(w.ctx))
	_, err = w.gateway.WaitHealth(w.ctx, 200)
	w.must(err)
	w.waitMetric(w.gateway, `gateway_adapter_up{adapter="chat"}`, "1")
}

func TestMetricsCountMessages(t *testing.T) {
	w := newTrunkWorld(t)
	w.must(w.chat.Say(alice, "1001@"+component, "m1", "one"))
	_, err := w.pbx.WaitText(w.ctx, "one")
	w.must(err)
	w.dial(peer.SIPText{From: "1001", To: "7001", Text: "two"}, peer.SIPText{From: "1001", To: "7001", Text: "three"})
	for series, value := range map[string]string{
		`gateway_messages_total{adapter="chat",direction="in",outcome="stored"}`: "1",
		`gateway_messages_total{adapter="pbx",direction="out",outcome="taken"}`:  "1",
		`gateway_messages_total{adapter="pbx",direction="in",outcome="taken"}`:   "2",
		`gateway_messages_total{adapter="chat",direction="out",outcome="taken"}`: "2",
		`gateway_queue_length{adapter="pbx"}`:                                    "0",
	} {
		w.waitMetric(w.gateway, series, value)
	}
}

func TestSIGTERMDrainsAndLeaves(t *testing.T) {
	w := newPBXWorld(t)
	w.must(w.chat.Say(alice, "1001@"+component, "m1", "before the end"))
	_, err := w.phone.WaitText(w.ctx, "before the end")
	w.must(err)
	w.must(w.gateway.Signal(syscall.SIGTERM))
	code, err := w.gateway.Wait(w.ctx)
	w.must(err)
	if code != 0 {
		t.Errorf("exit code %d", code)
	}
	// Its lines are gone from the PBX: who writes to one is told at once.
	if c := w.askLine(); c != 404 {
		t.Errorf("the line answers %d, want 404 by the PBX", c)
	}
	// And it comes back as it was.
	w.must(w.gateway.Start(w.ctx))
	_, err = w.gateway.WaitHealth(w.ctx, 200)
	w.must(err)
	w.waitLine()
	w.must(w.phone.Send("sip:7001@"+pbxDomain, "welcome back"))
	_, err = w.chat.WaitText(w.ctx, alice, "welcome back")
	w.must(err)
}

func TestSIGINTLeavesAtOnce(t *testing.T) {
	w := newWorld(t)
	g := w.gatewayAlone(w.gatewayTable(), w.sipTable(accounts), w.xmppTable(), phoneMaps)
	w.must(g.Signal(syscall.SIGINT))
	if _, err := g.Wait(w.ctx); err != nil {
		t.Error(err)
	}
}

func TestSecondGatewayOnOneStateDirectoryRefusesToStart(t *testing.T) {
	w := newWorld(t)
	g := w.gatewayAlone(w.gatewayTable(), w.sipTable(accounts), w.xmppTable(), phoneMaps)
	text, err := os.ReadFile(g.Mapping)
	w.must(err)
	other := strings.NewReplacer(w.Host(peer.GatewayHost)+":", w.Host(peer.PhoneHost)+":").Replace(string(text))
	file := strings.TrimSuffix(g.Mapping, "mapping.toml") + "second.toml"
	w.must(os.WriteFile(file, []byte(other), 0o644))
	r, err := peer.Run(w.ctx, os.Getenv(binaryEnv), "-config", file)
	w.must(err)
	if r.Code == 0 || !strings.Contains(r.Out+r.ErrOut, "state") {
		t.Errorf("exit code %d, said %s%s", r.Code, r.Out, r.ErrOut)
	}
	if code, _, err := g.Get(w.ctx, "/healthz"); err != nil || code == 0 {
		t.Errorf("the first is gone: %v", err)
	}
}
