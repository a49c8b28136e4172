package xmpp

import (
	"strings"
	"testing"
	"time"
)

func TestAnEncryptedTextIsRefusedAndExplainedOnceADay(t *testing.T) {
	t.Parallel()
	inRig(t, nil, func(r *rig) {
		write := func(from string) {
			r.t.Helper()
			r.send("<message from='%s' to='o\\27malley@gw.example' type='chat' id='e1'><body>I sent you an OMEMO encrypted message</body>"+
				"<encrypted xmlns='eu.siacs.conversations.axolotl'><header/><payload>QQ</payload></encrypted>"+
				"<request xmlns='urn:xmpp:receipts'/></message>", from)
			if n := <-r.got; n.brief() != "modify not-acceptable text=this contact can't read encrypted messages" || n.attr("id") != "e1" || n.attr("to") != from {
				r.t.Errorf("got %+v, %q", n, n.brief())
			}
		}
		explained := func(to string) {
			r.t.Helper()
			n := <-r.got
			if n.attr("type") != "chat" || n.attr("to") != to || n.attr("from") != `o\27malley@gw.example` || !isNotice(n.attr("id")) ||
				!strings.Contains(n.kid("body").Text, "encryption off") {
				r.t.Errorf("got %+v", n)
			}
			r.alive()
		}
		write("a@b/c")
		explained("a@b/c")
		write("a@b/d")
		r.alive()
		write("b@b/c")
		explained("b@b/c")
		<-time.After(explainEvery)
		write("a@b/c")
		explained("a@b/c")
		// An explanation that comes back starts nothing.
		r.send("<message type='error' id='n-x' from='a@b/c' to='o\\27malley@gw.example'><error type='cancel'/></message>")
		r.alive()
		if len(r.h.messages) != 0 {
			r.t.Errorf("the bridge got %+v", <-r.h.messages)
		}
	})
}
