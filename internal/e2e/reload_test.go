//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"gateway/internal/peer"
)

func TestReloadUnderTrafficChangesMapsOnly(t *testing.T) {
	w := newTrunkWorld(t)
	head := w.gatewayTable() + w.sipTable(w.trunk()) + w.xmppTable()

	// Traffic that no reload may disturb, from before the first to the end.
	const n = 60
	traffic := make(chan []int, 1)
	go func() {
		var batch []peer.SIPText
		for i := range n {
			batch = append(batch, peer.SIPText{From: "1001", To: "bob", Text: fmt.Sprintf("traffic %02d", i)})
		}
		c, err := peer.SendBySIPp(w.ctx, w.Lab, peer.SIPpBatch{
			Host: peer.SIPHost, Server: w.At(peer.GatewayHost, peer.SIPPort), Domain: "pbx.example", Texts: batch,
		})
		if err != nil {
			t.Error(err)
		}
		traffic <- c
	}()

	s := w.wire(peer.SIPHost)
	answer := func(to string) int {
		m, err := s.Do(w.ctx, w.message("1001", to, "for "+to))
		w.must(err)
		return m.Code()
	}
	if c := answer("7001"); c != 200 {
		t.Errorf("before: 7001 is %d", c)
	}

	moved := strings.ReplaceAll(maps, "7001", "7777")
	w.must(w.gateway.Reload(head + moved))
	err := peer.Poll(w.ctx, func(context.Context) bool { return answer("7777") == 200 })
	w.must(err)
	if c := answer("7001"); c != 404 {
		t.Errorf("after the reload 7001 is %d, want 404", c)
	}

	mark := w.gateway.Out.Len()
	w.must(w.gateway.Reload(head + maps + "\n[[map]]\nhome = \"nowhere:x\"\n"))
	_, err = w.gateway.Out.WaitAfter(w.ctx, mark, peer.Containing("mapping.toml:", "nowhere"))
	w.must(err)
	if c := answer("7777"); c != 200 {
		t.Errorf("after a broken file 7777 is %d, want 200", c)
	}

	mark = w.gateway.Out.Len()
	w.must(w.gateway.Reload(strings.Replace(head, "gw.example", "other.example", 1) + maps))
	_, err = w.gateway.Out.WaitAfter(w.ctx, mark, peer.Containing("needs a restart", "sip.pbx"))
	w.must(err)
	if c := answer("7777"); c != 200 {
		t.Errorf("after a change elsewhere 7777 is %d, want 200", c)
	}

	if c := <-traffic; !slices.Equal(c, codes(n, 200)) {
		t.Errorf("the traffic was answered %v", c)
	}
	_, err = w.chat.WaitText(w.ctx, bob, fmt.Sprintf("traffic %02d", n-1))
	w.must(err)
	var texts []string
	for _, e := range w.chat.Texts(bob) {
		texts = append(texts, e.Body())
	}
	wantNumbered(t, texts, "traffic %02d", n)
}
