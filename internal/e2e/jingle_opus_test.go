//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"

	. "gateway/internal/peer"
)

// jmi is a message of session initiation (XEP-0353) as a page sends it.
func jmi(kind, to, sid, inside string) string {
	return fmt.Sprintf("<message xmlns='jabber:client' type='chat' to='%s'><%s xmlns='urn:xmpp:jingle-message:0' id='%s'>%s</%s></message>",
		to, kind, sid, inside, kind)
}

// gotJMI waits for such a message of a kind that a page has got, and says who sent
// it and what its ID is.
func (w *world) gotJMI(p *JinglePage, mark int, kind string) (from, sid string) {
	w.t.Helper()
	e, err := p.WaitEvent(w.ctx, mark, func(e PageEvent) bool {
		return e.Event == "got" && strings.Contains(e.Text, "urn:xmpp:jingle-message:0") && strings.Contains(e.Text, "<"+kind)
	})
	w.must(err)
	quoted := func(text, name string) string {
		_, rest, _ := strings.Cut(strings.ReplaceAll(text, `"`, "'"), " "+name+"='")
		value, _, _ := strings.Cut(rest, "'")
		return value
	}
	_, inside, _ := strings.Cut(e.Text, "<"+kind)
	return quoted(e.Text, "from"), quoted(inside, "id")
}

// A page that has but Opus, and a phone that has but G.711, call each other by message.
func TestPageWithOnlyOpusCallsByMessage(t *testing.T) {
	w := newJingleWorld(t, "g711")
	page := w.open("alice", JingleConfig{Codec: "opus", Messages: true})
	w.must(page.Subscribe(w.ctx, "2001@"+component))

	const sid = "opus-by-message"
	mark := page.Events.Len()
	w.must(page.Raw(w.ctx, jmi("propose", "2001@"+component, sid, "<description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'/>")))
	w.await(w.phone, CallIncoming)
	w.gotJMI(page, mark, "ringing")
	w.must(w.phone.Answer(w.ctx))
	from, id := w.gotJMI(page, mark, "proceed")
	if id != sid {
		t.Errorf("proceed with %q", id)
	}
	w.must(page.DialAs(w.ctx, from, sid))
	w.await(page, CallTalking)
	w.hears(page, ToneA)
	w.hears(w.phone, ToneB)
	w.wantPath(page, "audio/opus")
	w.hangup(page, w.phone)
	w.wantTranscoded(w.lastRecord(1), "opus", "pcm")

	mark = page.Events.Len()
	w.must(w.phone.Dial(w.ctx, aliceSIP))
	from, id = w.gotJMI(page, mark, "propose")
	w.must(page.Raw(w.ctx, jmi("ringing", from, id, "")))
	w.await(w.phone, CallRinging)
	w.must(page.Raw(w.ctx, jmi("proceed", from, id, "")))
	w.await(page, CallIncoming)
	w.must(page.Answer(w.ctx))
	w.await(w.phone, CallTalking)
	w.hears(page, ToneA)
	w.hears(w.phone, ToneB)
	w.hangup(w.phone, page)
	w.wantTranscoded(w.lastRecord(2), "pcm", "opus")
	w.idle()
}
