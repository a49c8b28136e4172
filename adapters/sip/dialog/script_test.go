package dialog

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A script is the other side of a call, message by message.
type script struct {
	n    *node
	mu   sync.Mutex
	got  []string
	seen int
}

// scripted makes a node and, as its other side, a script.
func scripted(t *testing.T) (*node, *script) {
	t.Helper()
	a, b, _ := ends(t, false)
	s := &script{n: b}
	b.script = func(text string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.got = append(s.got, text)
	}
	return a, s
}

// next is the next message of a kind that came, others left out.
func (s *script) next(kind string) string {
	s.n.t.Helper()
	for range 2 {
		s.mu.Lock()
		for i := s.seen; i < len(s.got); i++ {
			if start(s.got[i]) == kind {
				s.seen = i + 1
				defer s.mu.Unlock()
				return s.got[i]
			}
		}
		s.mu.Unlock()
		after(50 * time.Millisecond)
	}
	s.n.t.Fatalf("no %s came, but %v", kind, s.since())
	return ""
}

// since are the kinds of messages that came and were not asked for.
func (s *script) since() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, g := range s.got[s.seen:] {
		all = append(all, start(g))
	}
	return all
}

// quiet checks that nothing has come that was not asked for.
func (s *script) quiet() {
	s.n.t.Helper()
	synctest.Wait()
	if all := s.since(); len(all) > 0 {
		s.n.t.Errorf("came too: %v", all)
	}
}

// respond answers a request: tag is of To, lines are further headers, the last
// of them a body if it has no colon.
func (s *script) respond(req string, status int, tag string, lines ...string) {
	to := value(req, "To")
	if tag != "" && !strings.Contains(to, ";tag=") {
		to += ";tag=" + tag
	}
	text := fmt.Sprintf("SIP/2.0 %d Whatever\r\nVia: %s\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %s\r\n", status, value(req, "Via"),
		value(req, "From"), to, value(req, "Call-ID"), value(req, "CSeq"))
	s.n.say(text + rest(lines))
	after(20 * time.Millisecond)
}

func rest(lines []string) string {
	text, body := "", ""
	for _, l := range lines {
		if strings.Contains(l, ":") {
			text += l + "\r\n"
		} else {
			body = l
		}
	}
	if body != "" && !strings.Contains(text, "Content-Type") {
		text += "Content-Type: application/sdp\r\n"
	}
	return text + "Content-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
}

// A party is a dialog as the script sees it.
type party struct {
	s            *script
	from, to, id string
	seq          int
}

// request sends a request, and gives its text.
func (p *party) request(method string, lines ...string) string {
	if method != methodAck && method != methodCancel {
		p.seq++
	}
	p.s.mu.Lock()
	branches := len(p.s.got) + 1000*p.seq
	p.s.mu.Unlock()
	text := fmt.Sprintf("%s sip:alice@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bK%s%d;rport\r\nFrom: %s\r\nTo: %s\r\n"+
		"Call-ID: %s\r\nCSeq: %d %s\r\n", method, method, branches, p.from, p.to, p.id, p.seq, method)
	text += rest(lines)
	p.s.n.say(text)
	after(20 * time.Millisecond)
	return text
}

// callee is the script's side of a call that the node has placed.
func (s *script) callee(invite, tag string) *party {
	to := value(invite, "To")
	if tag != "" {
		to += ";tag=" + tag
	}
	return &party{s: s, from: to, to: value(invite, "From"), id: value(invite, "Call-ID"), seq: 100}
}

// caller begins a call with an INVITE; its dialog is complete when a response has
// been seen.
func (s *script) caller(lines ...string) (*party, string) {
	p := &party{s: s, from: "<sip:bob@192.0.2.2>;tag=b", to: "<sip:alice@192.0.2.1>", id: "script@192.0.2.2"}
	contact := []string{"Contact: <sip:bob@192.0.2.2>", "Allow: INVITE, ACK, BYE, CANCEL, UPDATE, INFO"}
	return p, p.request(methodInvite, append(contact, lines...)...)
}

// answered is an established call that the node has placed.
func (s *script) answered(a *node, lines ...string) (*ear, *party) {
	s.n.t.Helper()
	x := a.dial(nil)
	inv := s.next("INVITE")
	s.respond(inv, 200, "b", append([]string{"Contact: <sip:bob@192.0.2.2>", "a1"}, lines...)...)
	s.next("ACK")
	return x, s.callee(inv, "b")
}

// placed is an established call that the script has placed.
func (s *script) placed(a *node, lines ...string) (*ear, *party) {
	s.n.t.Helper()
	p, _ := s.caller(append(lines, "o1")...)
	s.next("100 INVITE")
	y := a.call(len(a.incoming) - 1)
	if err := y.c.Accept([]byte("a1")); err != nil {
		s.n.t.Fatal(err)
	}
	p.to = value(s.next("200 INVITE"), "To")
	p.request(methodAck)
	return y, p
}

func line(text string) string {
	l, _, _ := strings.Cut(text, "\r\n")
	return l
}

func values(text, name string) []string {
	var all []string
	for _, l := range strings.Split(text, "\r\n") {
		if v, ok := strings.CutPrefix(l, name+": "); ok {
			all = append(all, v)
		}
	}
	return all
}
