//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	. "gateway/internal/peer"
)

var (
	jingleSID  = regexp.MustCompile(`<jingle[^>]* sid=["']([^"']+)["']`)
	jingleHost = regexp.MustCompile(`<candidate [^>]*>`)
	jinglePort = regexp.MustCompile(` port=["']([0-9]+)["']`)
	jingleIP   = regexp.MustCompile(` ip=["']([0-9.]+)["']`)
)

// session is the id of a page's last session, and where the gateway said its
// media are.
func (w *world) session(p *JinglePage) (sid string, at netip.AddrPort) {
	w.t.Helper()
	for _, text := range p.Stanzas() {
		if m := jingleSID.FindStringSubmatch(text); m != nil {
			sid = m[1]
		}
		if !strings.HasPrefix(text, "got ") {
			continue
		}
		for _, c := range jingleHost.FindAllString(text, -1) {
			ip, port := jingleIP.FindStringSubmatch(c), jinglePort.FindStringSubmatch(c)
			if ip != nil && port != nil {
				at = netip.MustParseAddrPort(ip[1] + ":" + port[1])
			}
		}
	}
	if sid == "" || !at.IsValid() {
		w.t.Fatalf("session %q at %s", sid, at)
	}
	return sid, at
}

// Whoever is neither of the two can't end their call, or lead it elsewhere.
func TestStrangersDoNotDisturbAPagesCall(t *testing.T) {
	w := newJingleWorld(t, "g711")
	page := w.page("alice", "")
	chat := w.chat(bob)
	w.talk(page, w.phone, phoneJID, "7001", ToneB, ToneA)
	sid, media := w.session(page)

	attack, stop := context.WithCancel(w.ctx)
	stranger := w.rtpPeer("127.0.0.1:0")
	var attackers sync.WaitGroup
	attackers.Go(func() { stranger.Spray(attack, media.Addr(), media.Port(), media.Port()) })
	attackers.Go(func() { spraySTUN(attack, stranger, media) })

	const content = "<content creator='initiator' name='0'>%s</content>"
	transport := fmt.Sprintf(content, "<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' ufrag='evil' pwd='evilevilevilevilevilevil'>"+
		"<candidate component='1' foundation='1' ip='127.0.0.1' port='9' priority='2122260223' protocol='udp' type='host'/></transport>")
	for i, row := range []struct{ action, inside string }{
		{"session-terminate", "<reason><success/></reason>"},
		{"transport-info", transport},
		{"session-info", "<hold xmlns='urn:xmpp:jingle:apps:rtp:info:1'/>"},
		{"session-accept", transport},
		{"content-remove", fmt.Sprintf(content, "")},
		{"session-initiate", transport}, // another session, of bob's own
	} {
		id := fmt.Sprintf("forged%d", i)
		w.must(chat.Raw(bob, fmt.Sprintf("<iq type='set' to='%s' id='%s'><jingle xmlns='urn:xmpp:jingle:1' action='%s' sid='%s'>%s</jingle></iq>",
			phoneJID, id, row.action, sid, row.inside)))
		e, err := chat.Wait(w.ctx, func(e ChatEvent) bool { return e.As == bob && e.ID == id })
		w.must(err)
		if own := row.action == "session-initiate"; (e.Type == "error") == own {
			t.Errorf("%s is answered by %s", row.action, e.XML)
		}
	}
	for _, kind := range []string{"retract", "reject", "accept", "proceed", "finish"} {
		w.must(chat.Raw(bob, fmt.Sprintf("<message type='chat' to='%s'><%s xmlns='urn:xmpp:jingle-message:0' id='%s'/></message>", phoneJID, kind, sid)))
	}
	before, err := page.Heard()
	w.must(err)
	var heard Sound
	w.must(w.poll(func() bool {
		heard, err = page.Heard()
		return err == nil && heard.Long() >= before.Long()+2*time.Second
	}))
	stop()
	attackers.Wait()
	if heard.Lasts(ToneD, 0.1) > 0 || heard.Tail(2*time.Second).Lasts(ToneA, 0.8) < time.Second {
		t.Errorf("in 2 s of attacks %v of the phone's tone, %v of a stranger's", heard.Tail(2*time.Second).Lasts(ToneA, 0.8), heard.Lasts(ToneD, 0.1))
	}
	w.hears(w.phone, ToneB)
	w.hears(page, ToneA)
	w.hangup(page, w.phone)
	w.wantCrossed(w.lastRecord(1), "pcm", "dtls")
	w.idle()
}

// spraySTUN sends binding requests and answers that nobody has asked for (RFC
// 8489), until ctx is done.
func spraySTUN(ctx context.Context, p *RTPPeer, to netip.AddrPort) {
	for kind := uint16(0); ; kind++ {
		b := []byte{0x01, 0x01, 0, 8, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, byte(kind), 0, 6, 0, 4, 'e', 'v', 'i', 'l'}
		if kind%2 == 0 {
			b[0], b[1] = 0, 1
		}
		_ = p.Send(to, b) // it may not be there any more
		if err := Poll(ctx, oncePolled()); err != nil {
			return
		}
	}
}

// oncePolled lets Poll wait once.
func oncePolled() func(context.Context) bool {
	asked := false
	return func(context.Context) bool {
		before := asked
		asked = true
		return before
	}
}
