package peer

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A CallStep is one thing that a side of a call does or waits for.
type CallStep func(*callScript)

// Steps is several in one.
func Steps(steps ...CallStep) CallStep {
	return func(s *callScript) {
		for _, step := range steps {
			step(s)
		}
	}
}

// A callScript is a scenario of SIPp's while it is written.
type callScript struct {
	strings.Builder
	call    SIPpCall
	public  string // the address that it says is its own
	cseq    int    // of its own last request
	asked   int    // of its own last INVITE
	invites int    // how many INVITEs it has sent and taken
	sent    string // the method of its own last request
	txn     string // SIPp's name of the last transaction of its own
	taken   string // the method of the last request of the other side's
	labels  int
	dialog  bool // an answer has made one
	fresh   bool // the last INVITE of its own came before it
	agreed  bool // it has answered an INVITE with a 2xx
	within  bool // the last INVITE of the other side's came in the dialog
}

// tag is that of this side in the dialog.
const tag = "t[call_number]-[pid]"

// scenario is the call's as SIPp reads it.
func (c SIPpCall) scenario(public string) string {
	// A bracket begins a keyword of SIPp's.
	s := &callScript{call: c, public: strings.ReplaceAll(public, "[", `\x5b`)}
	if s.call.Domain == "" {
		s.call.Domain = s.public
	}
	s.WriteString("<?xml version=\"1.0\" encoding=\"UTF-8\" ?>\n<scenario name=\"call\">\n")
	for _, step := range c.Steps {
		step(s)
	}
	// SIPp wants every variable to be used, and none that is not set.
	var used []string
	for _, v := range []string{"via", "cseq", "them", "me", "theirs", "mine", "rseq", "found"} {
		if strings.Contains(s.String(), `assign_to="`+v+`"`) {
			used = append(used, v)
		}
	}
	if len(used) > 0 {
		fmt.Fprintf(s, "<Reference variables=\"%s\"/>\n", strings.Join(used, ","))
	}
	text := s.String()
	for n := range s.cseq { // SIPp wants every such transaction to have an ACK
		if invite := fmt.Sprintf(`_txn="invite%d"`, n+1); !strings.Contains(text, " ack"+invite) {
			text = strings.NewReplacer(" start"+invite, "", " response"+invite, "").Replace(text)
		}
	}
	return text + "</scenario>\n"
}

const repeated = ` retrans="500"` // the attribute of what is sent until it is answered

// send writes a message: its first line and headers, and its body.
func (s *callScript) send(attr, head, body string) {
	if strings.HasPrefix(body, "v=0") {
		head += "Content-Type: application/sdp\n"
	}
	fmt.Fprintf(s, "<send%s><![CDATA[\n%sContent-Length: [len]\n\n%s]]></send>\n", attr, head, body)
}

// request is the head of a request of this side's. The branch tells its
// transaction from others of the call. outside: it is no part of a dialog yet.
func (s *callScript) request(method string, cseq int, branch string, outside bool, headers []string) string {
	from, to, uri, route, mine := "From:[$me]", "To:[$them]", "[next_url]", "[routes]\n", ";tag="+tag
	if s.call.Old {
		mine = ""
	} else {
		branch = "z9hG4bK-" + branch
	}
	if s.call.Caller {
		from = fmt.Sprintf("From: <sip:%s@%s>", s.call.From, s.call.Domain)
		to = fmt.Sprintf("To: <sip:%s@%s>", s.call.To, s.call.Domain)
		if !outside || method == "ACK" {
			to += "[peer_tag_param]"
		}
	}
	if outside {
		uri, route = fmt.Sprintf("sip:%s@%s", s.call.To, s.call.Domain), ""
	}
	s.sent = method
	return fmt.Sprintf("%s %s SIP/2.0\nVia: SIP/2.0/UDP %s;branch=%s-[call_number]-[pid]\n", method, uri, s.public, branch) +
		route + from + mine + "\n" + to + "\n" +
		fmt.Sprintf("Call-ID: [call_id]\nCSeq: %d %s\nMax-Forwards: 70\nContact: <sip:tester@%s>\n", cseq, method, s.public) +
		s.lines(headers)
}

// lines is further headers. HERE in one stands for the side's own address.
func (s *callScript) lines(headers []string) string {
	if len(headers) == 0 {
		return ""
	}
	return strings.ReplaceAll(strings.Join(headers, "\n"), "HERE", s.public) + "\n"
}

// Invite sends the first INVITE, or another one of the call, with the side's
// own description.
func Invite(headers ...string) CallStep {
	return func(s *callScript) { InviteWith(s.call.SDP.String(), headers...)(s) }
}

// InviteWith is Invite with another body, "" for none.
func InviteWith(body string, headers ...string) CallStep {
	return func(s *callScript) {
		s.cseq++
		s.asked = s.cseq
		s.invites++
		s.fresh = s.call.Caller && !s.dialog
		head := s.request("INVITE", s.cseq, strconv.Itoa(s.cseq), s.fresh, headers)
		s.send(repeated+s.begin("invite"), head, body)
	}
}

// Request sends another request of the dialog.
func Request(method, body string, headers ...string) CallStep {
	return func(s *callScript) {
		s.cseq++
		head := s.request(method, s.cseq, strconv.Itoa(s.cseq), false, headers)
		s.send(repeated+s.begin("request"), head, body)
	}
}

// begin begins a transaction: the attribute for its request.
func (s *callScript) begin(kind string) string {
	s.txn = kind + strconv.Itoa(s.cseq)
	return ` start_txn="` + s.txn + `"`
}

// ends is the attribute of the ACK of the last INVITE.
func (s *callScript) ends() string { return fmt.Sprintf(` ack_txn="invite%d"`, s.asked) }

// Ack acknowledges a 2xx of the last INVITE, with a body if there is one.
func Ack(body string) CallStep {
	return func(s *callScript) {
		s.send(s.ends(), s.request("ACK", s.asked, strconv.Itoa(s.asked)+"-ack", false, nil), body)
	}
}

// AckRefusal acknowledges a refusal of the last INVITE.
func AckRefusal() CallStep {
	return func(s *callScript) {
		s.send(s.ends(), s.request("ACK", s.asked, strconv.Itoa(s.asked), s.fresh, nil), "")
	}
}

// Cancel takes the last INVITE back.
func Cancel() CallStep {
	return func(s *callScript) {
		s.send(repeated+s.begin("cancel"), s.request("CANCEL", s.asked, strconv.Itoa(s.asked), s.fresh, nil), "")
	}
}

// Prack acknowledges what ExpectReliable has taken (RFC 3262).
func Prack(body string) CallStep {
	return func(s *callScript) { Request("PRACK", body, fmt.Sprintf("RAck:[$rseq] %d INVITE", s.asked))(s) }
}

// Pause waits.
func Pause(d time.Duration) CallStep {
	return func(s *callScript) { fmt.Fprintf(s, "<pause milliseconds=\"%d\"/>\n", d.Milliseconds()) }
}

// Expect waits for an answer to the last request, in which the regular
// expressions are found.
func Expect(code int, patterns ...string) CallStep {
	return func(s *callScript) { s.response(code, "", "", patterns) }
}

// ExpectInvite is Expect for the last INVITE, where another request came
// behind it.
func ExpectInvite(code int, patterns ...string) CallStep {
	return func(s *callScript) {
		s.sent, s.txn = "INVITE", "invite"+strconv.Itoa(s.asked)
		s.response(code, "", "", patterns)
	}
}

// ExpectOneOf waits for an answer with one of several codes.
func ExpectOneOf(codes ...int) CallStep {
	return func(s *callScript) {
		s.labels++
		for _, code := range codes[1:] {
			s.response(code, fmt.Sprintf(` optional="true" next="one%d"`, s.labels), "", nil)
		}
		s.response(codes[0], "", "", nil)
		fmt.Fprintf(s, "<label id=\"one%d\"/>\n", s.labels)
	}
}

// Maybe takes an answer that may or may not come before the next step.
func Maybe(code int) CallStep {
	return func(s *callScript) { s.response(code, ` optional="true"`, "", nil) }
}

// ExpectReliable waits for a provisional answer that wants a PRACK.
func ExpectReliable(code int) CallStep {
	return func(s *callScript) { s.response(code, "", keep("RSeq:", "rseq"), nil) }
}

func (s *callScript) response(code int, attr, keep string, patterns []string) {
	rrs := s.sent == "INVITE" && code > 100 && code < 300
	s.dialog = s.dialog || rrs
	fmt.Fprintf(s, "<recv response=\"%d\" response_txn=\"%s\" rrs=\"%t\"%s>%s</recv>\n", code, s.txn, rrs, attr, actions(keep, patterns))
}

// ExpectRequest waits for a request, or one of several ("UPDATE|INVITE"), in
// which the regular expressions are found.
func ExpectRequest(method string, patterns ...string) CallStep {
	return func(s *callScript) {
		s.taken = method
		kept, invite := "", strings.Contains(method, "INVITE")
		if invite {
			kept = keep("Via:", "via") + keep("CSeq:", "cseq") + keep("From:", "theirs") + keep("To:", "mine")
			if s.invites == 0 {
				kept += keep("From:", "them") + keep("To:", "me")
			}
			s.invites++
			s.within = s.agreed
		}
		fmt.Fprintf(s, "<recv request=\"^(%s)$\" regexp_match=\"true\" rrs=\"%t\">%s</recv>\n", method, invite, actions(kept, patterns))
	}
}

// keep keeps a header's value in a variable.
func keep(header, variable string) string {
	return fmt.Sprintf("<ereg regexp=\".*\" search_in=\"hdr\" header=\"%s\" check_it=\"true\" assign_to=\"%s\"/>\n", header, variable)
}

// actions is what is done with a message: what is kept of it, and regular
// expressions, which fail the call where they are not found.
func actions(kept string, patterns []string) string {
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")
	for _, p := range patterns {
		kept += fmt.Sprintf("<ereg regexp=\"%s\" search_in=\"msg\" check_it=\"true\" assign_to=\"found\"/>\n", escape.Replace(p))
	}
	if kept == "" {
		return ""
	}
	return "<action>\n" + kept + "</action>"
}

// Answer answers the last request with a code and without a body.
func Answer(code int, headers ...string) CallStep {
	return func(s *callScript) {
		if strings.Contains(s.taken, "INVITE") {
			AnswerInvite("", code, "", headers...)(s)
			return
		}
		s.send("", fmt.Sprintf("SIP/2.0 %d As Told\n[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n[last_CSeq:]\nContact: <sip:tester@%s>\n",
			code, s.public)+s.lines(headers), "")
	}
}

// Describe answers the last INVITE with the side's own description.
func Describe(code int, headers ...string) CallStep {
	return func(s *callScript) { AnswerInvite("", code, s.call.SDP.String(), headers...)(s) }
}

// AnswerInvite answers the last INVITE with a body, as the fork of that name.
func AnswerInvite(fork string, code int, body string, headers ...string) CallStep {
	return func(s *callScript) {
		to := "To:[$mine]"
		if !s.call.Caller && !s.within && !s.call.Old {
			to += ";tag=" + tag + fork
		}
		s.agreed = s.agreed || code/100 == 2
		attr := ""
		if code >= 200 {
			attr = repeated
		}
		s.send(attr, fmt.Sprintf("SIP/2.0 %d As Told\nVia:[$via]\nFrom:[$theirs]\n%s\nCall-ID: [call_id]\nCSeq:[$cseq]\nContact: <sip:tester@%s>\n",
			code, to, s.public)+s.lines(headers), body)
	}
}
