package sip

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"gateway/bridge"
)

func TestAMessageFromThePeerReachesTheBridge(t *testing.T) {
	t.Parallel()
	b, p := withPeer(t, nil)
	q := text1("Grüß dich")
	q.uri, q.from, q.callID = "sip:tsch%C3%BCss@gw.example.org", "sip:o'malley@pbx.example.org", "c1@x"
	q.lines = []string{"Max-Forwards: 5", "Content-Type: text/plain; charset=utf-8", "Content-Language: de-AT",
		"Subject: Hallo", "Date: Sun, 22 Nov 2026 10:00:00 GMT"}
	res := p.ask(b.udp, strings.Replace(q.text(), "From: <", `From: "O\"M" <`, 1))
	if code(res) != 200 || !strings.Contains(header(res, "To"), ";tag=") {
		t.Fatal(res)
	}
	if via := header(res, "Via"); !strings.Contains(via, ";received=127.0.0.1;rport="+strings.Split(p.addr(), ":")[1]) {
		t.Errorf("Via: %s", via)
	}
	m := next(t, b.h.messages, "a message")
	want := bridge.Message{
		From:   bridge.Party{Address: bridge.Address{Adapter: "pbx", Name: "o'malley"}, Display: `O"M`},
		To:     bridge.Party{Address: bridge.Address{Adapter: "pbx", Name: "tschüss"}},
		Bodies: []bridge.Body{{Lang: "de-AT", Text: "Grüß dich"}}, Subject: []bridge.Body{{Lang: "de-AT", Text: "Hallo"}},
		Thread: "c1@x", Ref: "c1@x 1 MESSAGE f1", Hops: 5, Sent: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC),
	}
	if got, want := fmt.Sprintf("%+v", m), fmt.Sprintf("%+v", want); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestWhatComesOfAMessageIsTheAnswer(t *testing.T) {
	t.Parallel()
	b, p := withPeer(t, nil)
	for _, row := range []struct {
		name       string
		o          bridge.Outcome
		err        error
		status     int
		reason     string
		retryAfter string
	}{
		{name: "taken", o: bridge.Taken, status: 200, reason: "OK"},
		{name: "stored", o: bridge.Stored, status: 202, reason: "Accepted"},
		{name: "not found", err: &bridge.Error{Cause: bridge.NotFound}, status: 404, reason: "Not Found"},
		{name: "with a reason", err: &bridge.Error{Cause: bridge.Forbidden, Reason: "no\r\nX: y"}, status: 403, reason: "no X: y"},
		{name: "overloaded", err: &bridge.Error{Cause: bridge.Overloaded, After: 1500 * time.Millisecond}, status: 480, reason: "Temporarily Unavailable", retryAfter: "2"},
		{name: "some error", err: errors.New("x"), status: 500, reason: "Server Internal Error"},
	} {
		b.h.answerWith(row.o, row.err)
		res := p.ask(b.udp, text1("x").text())
		if start := fmt.Sprintf("SIP/2.0 %d %s\r\n", row.status, row.reason); !strings.HasPrefix(res, start) || header(res, "Retry-After") != row.retryAfter {
			t.Errorf("%s: %s", row.name, res)
		}
	}
	if n := b.count("gateway_sip_responses_total", "direction", "sent", "method", "MESSAGE", "code", "202"); n != 1 {
		t.Errorf("counted %v times 202", n)
	}
}

func TestMessagesThatAreNotTakenAreToldWhy(t *testing.T) {
	t.Parallel()
	b, p := withPeer(t, nil)
	with := func(f func(q *query)) string {
		q := text1("x")
		f(&q)
		return q.text()
	}
	for _, row := range []struct {
		name, in string
		status   int
	}{
		{"no hops left", with(func(q *query) { q.lines[0] = "Max-Forwards: 0" }), 483},
		{"bad XML", with(func(q *query) { q.lines[1] = "Content-Type: application/im-iscomposing+xml" }), 400},
		{"picture", with(func(q *query) { q.lines[1] = "Content-Type: image/png" }), 415},
		{"other charset", with(func(q *query) { q.lines[1] = "Content-Type: text/plain;charset=koi8-r" }), 415},
		{"sips", with(func(q *query) { q.uri = "sips:alice@gw.example.org" }), 416},
		{"scheme", with(func(q *query) { q.uri = "mailto:alice@gw.example.org" }), 416},
		{"required extension", with(func(q *query) { q.lines = append(q.lines, "Require: 100rel") }), 420},
		{"in a dialog", strings.Replace(text1("x").text(), "To: <sip:alice@gw.example.org>", "To: <sip:alice@gw.example.org>;tag=1", 1), 481},
		{"nobody", with(func(q *query) { q.uri = "sip:gw.example.org" }), 484},
		{"bad escape", with(func(q *query) { q.uri = "sip:a%zz@gw.example.org" }), 400},
		{"control character", with(func(q *query) { q.uri = "sip:a%00@gw.example.org" }), 400},
		{"two From", with(func(q *query) { q.lines = append(q.lines, "f: <sip:x@y>;tag=2") }), 400},
		{"an alias of To", with(func(q *query) { q.lines = append(q.lines, "To\x01: <sip:x@y>") }), 400},
		{"version", strings.Replace(text1("x").text(), " SIP/2.0\r\n", " SIP/3.0\r\n", 1), 505},
	} {
		if res := p.ask(b.udp, row.in); code(res) != row.status {
			t.Errorf("%s: want %d, got %s", row.name, row.status, res)
		}
	}
	select {
	case m := <-b.h.messages:
		t.Errorf("the bridge got %+v", m)
	default:
	}
}

func TestOtherMethodsAreRefusedByTheBook(t *testing.T) {
	t.Parallel()
	b, p := withPeer(t, nil)
	for method, want := range map[string]int{
		"OPTIONS": 200, "SUBSCRIBE": 489, "PUBLISH": 489, "NOTIFY": 481, "BYE": 481, "REFER": 403, "PRACK": 481, "UPDATE": 481,
		"INFO": 481, "REGISTER": 405, "CANCEL": 481, "FROBNICATE": 405, "message": 405,
	} {
		res := p.ask(b.udp, query{method: method, uri: "sip:alice@gw.example.org", from: "sip:bob@pbx"}.text())
		if code(res) != want {
			t.Errorf("%s: want %d, got %s", method, want, res)
		}
		const allow = "INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, INFO, REFER, NOTIFY, OPTIONS, MESSAGE"
		if (want == 405 || want == 200) && header(res, "Allow") != allow {
			t.Errorf("%s: Allow: %q", method, header(res, "Allow"))
		}
		const types = "text/plain, text/html, message/cpim, message/imdn+xml, application/im-iscomposing+xml"
		if method == "OPTIONS" && (header(res, "Accept") != types || header(res, "Accept-Encoding") != "identity, deflate, gzip") {
			t.Errorf("%s: %s", method, res)
		}
	}
}

func TestARepeatIsAnsweredAgainAndNotTakenAgain(t *testing.T) {
	t.Parallel()
	b, p := withPeer(t, nil)
	q := text1("once")
	q.branch, q.callID = "z9hG4bKsame", "same"
	first := p.ask(b.udp, q.text())
	second := p.ask(b.udp, q.text())
	if first != second || code(first) != 200 {
		t.Errorf("%s\n%s", first, second)
	}
	p.ask(b.udp, text1("other").text())
	if m := next(t, b.h.messages, "a message"); m.Body() != "once" {
		t.Error(m.Body())
	}
	if m := next(t, b.h.messages, "a message"); m.Body() != "other" {
		t.Error(m.Body())
	}
}

func TestMessagesOfOneSenderKeepTheirOrder(t *testing.T) {
	t.Parallel()
	b, p := withPeer(t, nil)
	s := dial(t, b.tcp)
	const n = 200
	var all strings.Builder
	for i := range n {
		q := text1(fmt.Sprint(i))
		q.transport = "TCP"
		all.WriteString(q.text())
	}
	s.write(all.String())
	for i := range n {
		if got := next(t, b.h.messages, "a message").Body(); got != fmt.Sprint(i) {
			t.Fatalf("by TCP: %s came as number %d", got, i)
		}
	}
	for i := range 50 {
		p.send(b.udp, text1(fmt.Sprint(i)).text())
	}
	for i := range 50 {
		if got := next(t, b.h.messages, "a message").Body(); got != fmt.Sprint(i) {
			t.Fatalf("by UDP: %s came as number %d", got, i)
		}
	}
}

func TestTheSenderIsWhomThePeerVouchesFor(t *testing.T) {
	t.Parallel()
	b, p := withPeer(t, func(c *Config) { c.Accounts = map[string]Account{"2001": {Password: "x"}} })
	for _, row := range []struct {
		name, from string
		lines      []string
		want       string
		status     int
	}{
		{"From", "sip:bob@pbx", nil, "bob", 200},
		{"asserted", "sip:bob@pbx", []string{`P-Asserted-Identity: "C" <sip:carol@pbx>, <tel:+491>`}, "carol", 200},
		{"asserted number", "sip:anonymous@anonymous.invalid", []string{"P-Asserted-Identity: <tel:+49-30-1>"}, "+49301", 200},
		{"withheld", "sip:anonymous@anonymous.invalid", []string{"P-Asserted-Identity: <sip:carol@pbx>", "Privacy: id"}, "anonymous", 200},
		{"anonymous", "sip:anonymous@anonymous.invalid", nil, "anonymous", 200},
		{"an account", "sip:2001@pbx", nil, "", 403},
		{"an account, escaped", "sip:%32001@pbx", nil, "", 403},
		{"an account, asserted", "sip:bob@pbx", []string{"P-Asserted-Identity: <sip:2001@pbx>"}, "", 403},
	} {
		q := text1("x")
		q.from, q.lines = row.from, append(q.lines, row.lines...)
		if res := p.ask(b.udp, q.text()); code(res) != row.status {
			t.Errorf("%s: %s", row.name, res)
			continue
		}
		if row.status == 200 {
			if m := next(t, b.h.messages, "a message"); m.From.Name != row.want || row.want == "anonymous" && m.From.Display != "" {
				t.Errorf("%s: from %+v", row.name, m.From)
			}
		}
	}
}

func TestNamesMayHaveHosts(t *testing.T) {
	t.Parallel()
	b, p := withPeer(t, func(c *Config) { c.Hosts = true })
	q := text1("x")
	q.uri, q.from = "sip:Alice@GW.example.ORG", "sip:bob@PBX"
	if res := p.ask(b.udp, q.text()); code(res) != 200 {
		t.Fatal(res)
	}
	m := next(t, b.h.messages, "a message")
	if m.From.Name != "bob@pbx" || m.To.Name != "Alice@gw.example.org" {
		t.Errorf("%+v", m)
	}
	ch := b.send(b.message("Bob@there.example", "alice@gw.example.org"))
	req := p.next()
	if !strings.HasPrefix(req.text, "MESSAGE sip:Bob@there.example SIP/2.0\r\n") || !strings.Contains(req.text, "<sip:alice@gw.example.org>") {
		t.Error(req.text)
	}
	p.send(req.from, response(req.text, 200, "OK"))
	next(t, ch, "the outcome")
}

func TestOurOwnMessageComeBackIsALoop(t *testing.T) {
	t.Parallel()
	b, p := withPeer(t, nil)
	ch := b.send(b.message("2001", "alice"))
	out := p.next()
	_, tag, _ := strings.Cut(header(out.text, "From"), ";tag=")
	_, body, _ := strings.Cut(out.text, "\r\n\r\n")
	q := text1(body)
	in := strings.Replace(q.text(), "tag=f1", "tag="+tag, 1)
	if res := p.ask(b.udp, in); code(res) != 482 {
		t.Error(res)
	}
	q.body = "another text"
	if res := p.ask(b.udp, strings.Replace(q.text(), "tag=f1", "tag="+tag, 1)); code(res) != 200 {
		t.Error("the same tag with another text:", res)
	}
	p.send(out.from, response(out.text, 200, "OK"))
	next(t, ch, "the outcome")
}

func TestWhileDrainingNothingNewIsTaken(t *testing.T) {
	t.Parallel()
	b, p := withPeer(t, nil)
	b.a.Drain(t.Context())
	res := p.ask(b.udp, text1("x").text())
	if code(res) != 503 || header(res, "Retry-After") == "" {
		t.Error(res)
	}
	ch := b.send(b.message("2001", "alice"))
	out := p.next()
	p.send(out.from, response(out.text, 200, "OK"))
	if r := next(t, ch, "the outcome"); r.o != bridge.Taken {
		t.Error("what waits can't leave:", r.err)
	}
}
