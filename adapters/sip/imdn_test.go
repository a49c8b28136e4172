package sip

import (
	"strings"
	"testing"
	"time"

	"gateway/bridge"
)

// A bounce is what the bridge was told of a message that was relayed.
type bounce struct {
	id  string
	err *bridge.Error
}

// cpim is a MESSAGE in message/cpim: its headers, what is inside, and of what
// type.
func cpim(from, headers, kind, inside string) query {
	return query{method: "MESSAGE", uri: "sip:alice@gw.example.org", from: from,
		lines: []string{"Max-Forwards: 70", "Content-Type: message/cpim"},
		body:  headers + "\r\n\r\nContent-Type: " + kind + "\r\n\r\n" + inside}
}

// imdn is a notification in XML. status is a path of elements.
func imdn(id, status string) string {
	var open, end string
	for _, e := range strings.Split(status, "/") {
		open, end = open+"<"+e+">", "</"+strings.Fields(e)[0]+">"+end
	}
	return `<?xml version="1.0"?><imdn xmlns="urn:ietf:params:xml:ns:imdn"><message-id>` + id + `</message-id><datetime>2026-11-22T10:00:00Z</datetime>` +
		open + end + `</imdn>`
}

// cpimHeader is a header of the wrapper that a request has as its body, or of
// what is inside.
func cpimHeader(request, name string) string {
	_, body, _ := strings.Cut(request, "\r\n\r\n")
	outer, inner, _ := strings.Cut(body, "\r\n\r\n")
	for _, part := range []string{outer, inner} {
		if v := header("\r\n"+part, name); v != "" {
			return v
		}
	}
	return ""
}

// registered is a phone of account 2001, at work.
func registered(t *testing.T, b *bench) *fakePeer {
	t.Helper()
	phone := newFakePeer(t, "127.0.0.1:0")
	if res := phone.asPhone(b.udp, registerQuery("2001", "<sip:2001@"+phone.addr()+">"), "2001", "secret1"); code(res) != 200 {
		t.Fatal(res)
	}
	next(t, b.h.back, "the account to be back")
	return phone
}

// answerNext answers the next request, and gives it.
func (p *fakePeer) answerNext(status int, lines ...string) string {
	p.t.Helper()
	out := p.next()
	p.send(out.from, response(out.text, status, "Because", lines...))
	return out.text
}

func TestWhatASenderAsksByIMDNIsHandedOn(t *testing.T) {
	t.Parallel()
	b, p := withPeer(t, nil)
	q := cpim("sip:bob@pbx.example.org",
		"From: <sip:bob@pbx.example.org>\r\nTo: <sip:alice@gw.example.org>\r\nDateTime: 2026-11-22T10:00:00+01:00\r\nSubject: Re\r\n"+
			"NS: My.x <urn:x>\r\nNS: ask <urn:ietf:params:imdn>\r\nask.Message-ID: 34jk~324j\r\n"+
			"ask.Disposition-Notification: positive-delivery, negative-delivery, display",
		"text/plain; charset=UTF-8", "Grüße")
	for range 2 { // the second as a repeat with another Call-ID
		if res := p.ask(b.udp, q.text()); code(res) != 200 {
			t.Fatal(res)
		}
		m := next(t, b.h.messages, "a message")
		if m.Want != (bridge.Want{Delivered: true, Displayed: true, Failed: true}) || m.Ref != "imdn 2026-11-22T10:00:00+01:00 34jk~324j" {
			t.Errorf("%+v", m)
		}
		if m.Body() != "Grüße" || m.Subject[0].Text != "Re" || !m.Sent.Equal(time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)) {
			t.Errorf("%+v", m)
		}
	}
	q = text1("plain")
	p.ask(b.udp, q.text())
	if m := next(t, b.h.messages, "a message"); m.Want != (bridge.Want{}) || strings.HasPrefix(m.Ref, "imdn ") {
		t.Errorf("nothing was asked: %+v", m)
	}
}

func TestAMessageWithWishesGoesInCPIM(t *testing.T) {
	t.Parallel()
	b := withAccounts(t, nil)
	phone := registered(t, b)
	m := b.message("2001", "alice")
	m.Want = bridge.Want{Delivered: true, Displayed: true}
	m.Sent, m.Subject = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC), []bridge.Body{{Text: `a "b" \c`}}
	ch := b.send(m)
	out := phone.answerNext(200)
	if r := next(t, ch, "the outcome"); r.o != bridge.Arrived {
		t.Error(r.o, r.err)
	}
	for name, want := range map[string]string{
		"From": "<sip:alice@gw.example.org>", "To": "<sip:2001@gw.example.org>", "DateTime": "2026-11-22T10:00:00Z",
		"Subject": `a \"b\" \\c`, "NS": "imdn <urn:ietf:params:imdn>",
		"imdn.Disposition-Notification": "positive-delivery, negative-delivery, display",
		"Content-Type":                  "text/plain;charset=UTF-8", "Content-Language": "de", "Content-Length": "7",
	} {
		if got := cpimHeader(out, name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if header(out, "Content-Type") != "message/cpim" || header(out, "Subject") != "" || !strings.HasSuffix(out, "\r\n\r\nGrüße") {
		t.Error(out)
	}
	if id := cpimHeader(out, "imdn.Message-ID"); !strings.HasPrefix(id, m.ID+"-") || header(out, "CSeq") != "1 MESSAGE" {
		t.Error(id, header(out, "CSeq"))
	}
}

func TestNotificationsBecomeReceipts(t *testing.T) {
	t.Parallel()
	b, p := withPeer(t, nil)
	m := b.message("bob", "alice")
	m.Want = bridge.Want{Delivered: true}
	ch := b.send(m)
	id := cpimHeader(p.answerNext(202), "imdn.Message-ID")
	if r := next(t, ch, "the outcome"); r.o != bridge.Relayed {
		t.Errorf("stored on the way: %v, %v", r.o, r.err)
	}
	const bob = "sip:bob@pbx.example.org"
	for _, row := range []struct {
		name, from, id, status string
		kind                   bridge.Kind  // Text: none
		cause                  bridge.Cause // 0: no bounce
		reason                 string
	}{
		{name: "delivered", status: "delivery-notification/status/delivered", kind: bridge.Delivered},
		{name: "displayed", status: "display-notification/status/displayed", kind: bridge.Displayed},
		{name: "failed", status: "delivery-notification/status/failed", cause: bridge.Unavailable},
		{name: "forbidden", status: "delivery-notification/status/forbidden", cause: bridge.Forbidden},
		{name: "error", status: "delivery-notification/status/error", cause: bridge.Internal},
		{name: "processed", status: "processing-notification/status/processed"},
		{name: "stored", status: "processing-notification/status/stored"},
		{name: "display forbidden", status: "display-notification/status/forbidden"},
		{name: "something new", status: "delivery-notification/status/eaten"},
		{name: "by another", from: "sip:eve@pbx.example.org", status: "delivery-notification/status/delivered"},
		{name: "failure by another", from: "sip:eve@pbx.example.org", status: "delivery-notification/status/failed"},
		{name: "of another's message", id: "34jk324j", status: "delivery-notification/status/delivered"},
		{name: "of a message with a mark that is not ours", id: m.ID + "-0011223344556677889", status: "delivery-notification/status/failed"},
	} {
		if row.from == "" {
			row.from = bob
		}
		if row.id == "" {
			row.id = id
		}
		xml := imdn(row.id, row.status)
		wrapped := cpim(row.from, "From: <"+row.from+">\r\nTo: <sip:alice@gw.example.org>\r\nNS: imdn <urn:ietf:params:imdn>\r\n"+
			"imdn.Message-ID: n1\r\nimdn.Disposition-Notification: positive-delivery", "message/imdn+xml\r\nContent-Disposition: notification", xml)
		bare := wrapped
		bare.lines, bare.body = []string{"Max-Forwards: 70", "Content-Type: message/imdn+xml"}, xml
		for _, q := range []query{wrapped, bare} {
			if res := p.ask(b.udp, q.text()); code(res) != 200 {
				t.Errorf("%s: %s", row.name, res)
			}
			if row.kind != bridge.Text {
				got := next(t, b.h.messages, "a receipt")
				if got.Kind != row.kind || got.Of != m.ID || got.From.Name != "bob" || got.To.Name != "alice" || got.Want != (bridge.Want{}) {
					t.Errorf("%s: %+v", row.name, got)
				}
			}
			if row.cause != 0 {
				got := next(t, b.h.bounces, "a bounce")
				if got.id != m.ID || got.err.Cause != row.cause || got.err.Retry {
					t.Errorf("%s: %+v", row.name, got)
				}
			}
		}
	}
	if len(b.h.messages)+len(b.h.bounces) != 0 {
		t.Error("the bridge was told more than there was")
	}
	if n := b.count("gateway_sip_refused_total", "reason", "receipt"); n != 8 {
		t.Errorf("counted %v notifications of nothing", n)
	}
}

func TestAFailureMayComeWithItsStatus(t *testing.T) {
	t.Parallel()
	b, p := withPeer(t, nil)
	q := text1(imdn(messageID(bridge.NewKeyed(b.a.env.Key), "id1", "bob"), "delivery-notification/status/failed"))
	q.lines[1] = "Content-Type: message/imdn+xml"
	q.body = strings.Replace(q.body, "</failed>", `</failed><reason xmlns="http://www.linphone.org/xsds/imdn.xsd" code="404">No such`+"\n"+`user</reason>`, 1)
	if res := p.ask(b.udp, q.text()); code(res) != 200 {
		t.Fatal(res)
	}
	if got := next(t, b.h.bounces, "a bounce"); got.id != "id1" || got.err.Cause != bridge.NotFound || got.err.Reason != "No such user" {
		t.Errorf("%+v", got.err)
	}
}

func TestReceiptsBecomeNotifications(t *testing.T) {
	t.Parallel()
	b := withAccounts(t, nil)
	phone := registered(t, b)
	for _, row := range []struct {
		name   string
		kind   bridge.Kind
		cause  bridge.Cause
		status string
	}{
		{"delivered", bridge.Delivered, 0, "<delivery-notification><status><delivered/></status></delivery-notification>"},
		{"displayed", bridge.Displayed, 0, "<display-notification><status><displayed/></status></display-notification>"},
		{"failed", bridge.Failed, bridge.NotFound, `<delivery-notification><status><failed/><reason xmlns="http://www.linphone.org/xsds/imdn.xsd" code="404">no &lt;such&gt; user</reason></status></delivery-notification>`},
	} {
		m := b.message("2001", "alice")
		m.Kind, m.Of, m.Want = row.kind, "imdn 2026-11-22T10:00:00+01:00 a<b", bridge.Want{Delivered: true, Displayed: true, Failed: true}
		if m.Cause = row.cause; m.Cause != 0 {
			m.Reason = "no <such> user"
		}
		ch := b.send(m)
		out := phone.answerNext(200)
		if r := next(t, ch, "the outcome"); r.o != bridge.Taken {
			t.Errorf("%s: %v %v", row.name, r.o, r.err)
		}
		if header(out, "Content-Type") != "message/cpim" || cpimHeader(out, "Content-Type") != "message/imdn+xml" || cpimHeader(out, "Content-Disposition") != "notification" ||
			cpimHeader(out, "imdn.Message-ID") == "" || cpimHeader(out, "imdn.Disposition-Notification") != "" {
			t.Errorf("%s: %s", row.name, out)
		}
		for _, want := range []string{"<message-id>a&lt;b</message-id>", "<datetime>2026-11-22T10:00:00+01:00</datetime>", row.status} {
			if !strings.Contains(out, want) {
				t.Errorf("%s: no %s in %s", row.name, want, out)
			}
		}
	}
}

func TestWhoHasNotAskedByIMDNGetsNone(t *testing.T) {
	t.Parallel()
	b := withAccounts(t, nil)
	phone := registered(t, b)
	for _, kind := range []bridge.Kind{bridge.Delivered, bridge.Displayed} {
		m := b.message("2001", "alice")
		m.Kind, m.Of = kind, "c1@x 1 MESSAGE f1"
		if r := next(t, b.send(m), "the outcome"); r.o != bridge.Taken {
			t.Errorf("%v: %v", kind, r.err)
		}
	}
	failed := b.message("2001", "alice")
	failed.Kind, failed.Of, failed.Cause, failed.Want = bridge.Failed, "imdn - id1", bridge.NotFound, bridge.Want{Delivered: true}
	ch := b.send(failed)
	if out := phone.answerNext(200); header(out, "Content-Type") != "text/plain;charset=UTF-8" || !strings.Contains(out, "Not delivered: not found.") {
		t.Error(out)
	}
	next(t, ch, "the outcome")
}

func TestWhoDoesNotTakeCPIMGetsPlainText(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		status, plain int  // answers to the one and to the other
		remembered    bool // that the one is no good
	}{
		{415, 200, true}, {488, 200, true}, {606, 200, true}, {406, 202, true}, {415, 480, true}, {488, 488, false},
	} {
		b, p := withPeer(t, nil)
		m := b.message("2001", "alice")
		m.Want = bridge.Want{Delivered: true}
		ch := b.send(m)
		first, second := p.answerNext(row.status), p.answerNext(row.plain)
		r := next(t, ch, "the outcome")
		if (r.err == nil) != (row.plain < 300) {
			t.Errorf("%d, %d: %v", row.status, row.plain, r.err)
		}
		if header(second, "Content-Type") != "text/plain;charset=UTF-8" || !strings.HasSuffix(second, "\r\n\r\nGrüße") {
			t.Errorf("%d: %s", row.status, second)
		}
		for _, name := range []string{"Call-ID", "From", "To"} {
			if header(first, name) != header(second, name) {
				t.Errorf("%s: %s is another one", name, header(second, name))
			}
		}
		if header(first, "CSeq") == header(second, "CSeq") {
			t.Error("another request with the same CSeq (RFC 3261 section 8.1.3.5)")
		}
		ch = b.send(m)
		want := "message/cpim"
		if row.remembered {
			want = "text/plain;charset=UTF-8"
		}
		third := p.answerNext(200)
		if got := header(third, "Content-Type"); got != want {
			t.Errorf("%d, %d: the next time: %s", row.status, row.plain, got)
		}
		if row.remembered && header(third, "CSeq") != header(second, "CSeq") {
			t.Error("the same message in the same form is another one:", header(third, "CSeq"))
		}
		next(t, ch, "the outcome")
	}
}

func TestAFailureThatIsNotUnderstoodIsToldInWords(t *testing.T) {
	t.Parallel()
	b := withAccounts(t, nil)
	phone := registered(t, b)
	m := b.message("2001", "alice")
	m.Kind, m.Of, m.Cause, m.Want = bridge.Failed, "imdn - id1", bridge.NotFound, bridge.Want{Failed: true}
	ch := b.send(m)
	phone.answerNext(415)
	if out := phone.answerNext(200); !strings.Contains(out, "\r\n\r\nNot delivered: not found.") {
		t.Error(out)
	}
	if r := next(t, ch, "the outcome"); r.o != bridge.Taken {
		t.Error(r.err)
	}
}

func TestAWrapperThatIsTooLongForTheWayIsLeftOut(t *testing.T) {
	t.Parallel()
	b := withAccounts(t, nil)
	phone := registered(t, b)
	m := b.message("2001", "alice")
	m.Want, m.Bodies[0].Text = bridge.Want{Delivered: true}, strings.Repeat("x", 800)
	ch := b.send(m)
	if out := phone.answerNext(200); header(out, "Content-Type") != "text/plain;charset=UTF-8" {
		t.Error(out)
	}
	if r := next(t, ch, "the outcome"); r.o != bridge.Arrived {
		t.Error(r.err)
	}
}

func TestStoredOnTheWayIsNeverDelivered(t *testing.T) {
	t.Parallel()
	b := withAccounts(t, nil)
	phone := registered(t, b)
	for _, row := range []struct {
		status int
		hop    bool
		o      bridge.Outcome
	}{{200, false, bridge.Arrived}, {200, true, bridge.Arrived}, {202, false, bridge.Taken}, {202, true, bridge.Relayed}} {
		m := b.message("2001", "alice")
		m.Hop = row.hop
		ch := b.send(m)
		phone.answerNext(row.status)
		if r := next(t, ch, "the outcome"); r.o != row.o {
			t.Errorf("%+v: %v, %v", row, r.o, r.err)
		}
	}
}

func FuzzIMDNRef(f *testing.F) {
	f.Add("imdn - id")
	f.Fuzz(func(t *testing.T, ref string) {
		if n, ok := parseIMDNRef(ref, time.Unix(0, 0)); ok && (n.ID == "" && !strings.HasSuffix(ref, " ") || n.DateTime == "-") {
			t.Errorf("%q became %+v", ref, n)
		}
	})
}
