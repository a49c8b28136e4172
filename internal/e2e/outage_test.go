//go:build e2e

package e2e

import (
	"fmt"
	"slices"
	"testing"

	"gateway/internal/peer"
)

func TestXMPPServerThatWasKilledGetsItsMessagesLater(t *testing.T) {
	w := newTrunkWorld(t)
	w.prosody.Kill()
	_, err := w.gateway.WaitHealth(w.ctx, 503)
	w.must(err)
	const n = 5
	var batch []peer.SIPText
	for i := range n {
		batch = append(batch, peer.SIPText{From: "1001", To: "7001", Text: fmt.Sprintf("meanwhile %02d", i)})
	}
	if c := w.dial(batch...); !slices.Equal(c, codes(n, 202)) {
		t.Errorf("answers %v, want 202", c)
	}
	w.must(w.prosody.Start(w.ctx))
	_, err = w.chat.WaitText(w.ctx, alice, fmt.Sprintf("meanwhile %02d", n-1))
	w.must(err)
	var texts []string
	for _, e := range w.chat.Texts(alice) {
		texts = append(texts, e.Body())
	}
	wantNumbered(t, texts, "meanwhile %02d", n)
	_, err = w.gateway.WaitHealth(w.ctx, 200)
	w.must(err)
}

func TestTwoHundredMessagesOutliveAKilledGateway(t *testing.T) {
	w := newTrunkWorld(t)
	w.prosody.Kill()
	_, err := w.gateway.WaitHealth(w.ctx, 503)
	w.must(err)
	const n = 200
	var batch []peer.SIPText
	for i := range n {
		batch = append(batch, peer.SIPText{From: "1001", To: "7001", Text: fmt.Sprintf("kept %03d", i)})
	}
	if c := w.dial(batch...); !slices.Equal(c, codes(n, 202)) {
		t.Errorf("answers %v, want 202", c)
	}
	w.gateway.Kill()
	w.must(w.gateway.Start(w.ctx))
	w.waitMetric(w.gateway, `gateway_queue_length{adapter="chat"}`, "200")
	w.must(w.prosody.Start(w.ctx))
	_, err = w.chat.WaitText(w.ctx, alice, fmt.Sprintf("kept %03d", n-1))
	w.must(err)
	w.waitMetric(w.gateway, `gateway_queue_length{adapter="chat"}`, "0")
	if c := w.dial(peer.SIPText{From: "1001", To: "7001", Text: "the end"}); !slices.Equal(c, codes(1, 200)) {
		t.Errorf("answers %v", c)
	}
	_, err = w.chat.WaitText(w.ctx, alice, "the end")
	w.must(err)
	var texts []string
	for _, e := range w.chat.Texts(alice) {
		if e.Body() != "the end" {
			texts = append(texts, e.Body())
		}
	}
	wantNumbered(t, texts, "kept %03d", n)
}

func TestTwoHundredMessagesForSIPOutliveAKilledGateway(t *testing.T) {
	w := newTrunkWorld(t)
	w.pbx.Kill()
	const n = 200
	for i := range n {
		w.must(w.chat.Say(alice, "1001@"+component, fmt.Sprintf("k%d", i), fmt.Sprintf("kept %03d", i)))
	}
	w.waitMetric(w.gateway, `gateway_queue_length{adapter="pbx"}`, "200")
	w.gateway.Kill()
	w.must(w.pbx.Start(w.ctx))
	w.must(w.gateway.Start(w.ctx))
	_, err := w.pbx.WaitText(w.ctx, fmt.Sprintf("kept %03d", n-1))
	w.must(err)
	w.waitMetric(w.gateway, `gateway_queue_length{adapter="pbx"}`, "0")
	var texts []string
	for _, m := range w.pbx.Texts() {
		texts = append(texts, m.Body)
	}
	wantNumbered(t, texts, "kept %03d", n)
	wantNoErrors(t, w.chat, alice)
}

// What was under way when the gateway was killed may come twice: its sender
// has not been told. Nothing may be missing, and nothing out of order.
func TestNothingIsLostWhenTheGatewayIsKilledUnderTraffic(t *testing.T) {
	w := newTrunkWorld(t)
	const n = 200
	answers := make(chan []int, 1)
	go func() {
		var batch []peer.SIPText
		for i := range n {
			batch = append(batch, peer.SIPText{From: "1001", To: "7001", Text: fmt.Sprintf("busy %03d", i)})
		}
		c, err := peer.SendBySIPp(w.ctx, w.Lab, peer.SIPpBatch{
			Host: peer.SIPHost, Server: w.At(peer.GatewayHost, peer.SIPPort), Domain: "pbx.example", Texts: batch,
		})
		if err != nil {
			t.Error(err)
		}
		answers <- c
	}()
	for _, at := range []int{n / 4, n / 2} {
		_, err := w.chat.WaitText(w.ctx, alice, fmt.Sprintf("busy %03d", at))
		w.must(err)
		w.gateway.Kill()
		w.must(w.gateway.Start(w.ctx))
	}
	// SIPp sends each again until it is answered.
	if c := <-answers; len(c) != n {
		t.Errorf("%d answers, want %d", len(c), n)
	}
	_, err := w.chat.WaitText(w.ctx, alice, fmt.Sprintf("busy %03d", n-1))
	w.must(err)
	var texts []string
	for _, e := range w.chat.Texts(alice) {
		if !slices.Contains(texts, e.Body()) {
			texts = append(texts, e.Body())
		}
	}
	wantNumbered(t, texts, "busy %03d", n)
}
