package sip

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"

	"gateway/adapters/sip/wire"
	"gateway/bridge"

	gosip "github.com/emiago/sipgo/sip"
)

const (
	defaultHops = 70 // RFC 3261 section 8.1.1.6
	maxRef      = 300
)

// message takes a MESSAGE (RFC 3428) to what it is for.
func (x *exchange) message() {
	req := x.m.Request
	m := bridge.Message{Hops: defaultHops, Sent: wire.ParseDate(x.m.Get("Date"))}
	if mf := req.MaxForwards(); mf != nil {
		m.Hops = int(min(mf.Val(), 255))
	}
	if m.Hops == 0 {
		x.refuse(483)
		return
	}
	content, err := wire.ReadContent(x.m.Get("Content-Type"), x.m.Get("Content-Encoding"), req.Body())
	if err != nil {
		x.notTaken(err)
		return
	}
	tag, _ := req.From().Params.Get("tag")
	if isOurs(x.e.marks, tag, said(content)) {
		x.e.metrics.refused.WithLabelValues(refusedLoop).Inc()
		x.refuse(482)
		return
	}
	var status int
	if m.From, status = x.sender(); status != 0 {
		x.refuse(status)
		return
	}
	if m.To, status = x.recipient(); status != 0 {
		x.refuse(status)
		return
	}
	switch {
	case content.Notification != nil:
		x.notification(m, content.Notification)
	case content.Composing != nil:
		x.composing(m, content.Composing)
	default:
		x.text(m, content, tag)
	}
}

// notTaken refuses a request for what is in it.
func (x *exchange) notTaken(err error) {
	wrong := &wire.StatusError{Status: 400, Reason: phrases[400]}
	_ = errors.As(err, &wrong)
	x.reject(wrong.Status, wrong.Reason, accepts()...)
}

// said is what the tag of our own messages is bound to.
func said(c wire.Content) string {
	switch {
	case c.Notification != nil:
		return ""
	case c.Composing != nil:
		return saidState(c.Composing.Active)
	default:
		return c.Text
	}
}

// text takes what somebody has written to the bridge. The answer comes when its
// fate is known.
func (x *exchange) text(m bridge.Message, c wire.Content, tag string) {
	x.e.typing.written(pairOf(m.From, m.To))
	if strings.TrimSpace(c.Text) == "" {
		// Nobody wants to read it. But whoever sends it, to see whether somebody
		// is there, shall hear what a text would have met: so it goes as the one
		// thing that it says, that its writer is not writing (RFC 3994 section
		// 3.3: a message ends the notice).
		m.Kind = bridge.Composing
	} else {
		x.fill(&m, c, tag)
	}
	x.e.h.Message(m, x.done)
}

// fill completes m by what the request and its content say.
func (x *exchange) fill(m *bridge.Message, c wire.Content, tag string) {
	lang := cmp.Or(c.Lang, wire.Lang(x.m.Get("Content-Language")))
	m.Bodies = []bridge.Body{{Lang: lang, Text: c.Text}}
	if s := cmp.Or(c.Subject, wire.Subject(x.m.Get("Subject"))); s != "" {
		m.Subject = []bridge.Body{{Lang: lang, Text: s}}
	}
	if !c.Sent.IsZero() {
		m.Sent = c.Sent
	}
	callID := x.m.Get("Call-ID")
	m.Thread = wire.Thread(callID)
	m.Want = bridge.Want{Delivered: c.Ask.Delivered, Displayed: c.Ask.Displayed, Failed: c.Ask.Failed}
	if c.Ask.ID != "" {
		m.Ref = imdnRef(c.Ask)
		return
	}
	m.Ref = callID + " " + x.m.Get("CSeq") + " " + tag
	if len(m.Ref) > maxRef {
		sum := sha256.Sum256([]byte(m.Ref))
		m.Ref = hex.EncodeToString(sum[:])
	}
}

// accepts are the headers that say what we take.
func accepts() []wire.Field {
	return []wire.Field{{Name: "Accept", Value: wire.Accept}, {Name: "Accept-Encoding", Value: wire.AcceptEncoding}}
}

// done answers a MESSAGE with what came of it.
func (x *exchange) done(o bridge.Outcome, err error) {
	switch {
	case err == nil && o == bridge.Stored:
		x.respond(202)
		return
	case err == nil:
		x.respond(200)
		return
	}
	wrong := new(bridge.Error)
	if !errors.As(err, &wrong) {
		wrong.Cause = bridge.Internal
	}
	status := statusOf(wrong.Cause)
	var fields []wire.Field
	switch {
	case status == 415:
		fields = accepts()
	case wrong.After > 0 && (status == 480 || status == 500 || status == 486 || status == 600 || status == 603):
		fields = append(fields, retryAfter(wrong.After)) // where RFC 3261 section 20.33 has it
	}
	x.answer(status, cmp.Or(wire.Phrase(wrong.Reason), phrases[status]), fields...)
}

// sender is whom the message is from: the account that has shown its
// credentials, or whom the peer says. A status, if not 0, is the refusal.
func (x *exchange) sender() (bridge.Party, int) {
	from := x.m.Request.From()
	display := wire.Display(from.DisplayName)
	if x.withheld() {
		return x.party(x.e.set.anonymous(), ""), 0
	}
	if x.from.account != "" {
		return x.party(x.from.account, display), 0
	}
	uri := &from.Address
	if asserted := x.asserted(); asserted != nil {
		uri = &asserted.Address
		display = cmp.Or(wire.Display(asserted.DisplayName), display)
	} else if isAnonymous(uri) {
		return x.party(x.e.set.anonymous(), ""), 0
	}
	name, err := x.e.set.nameOf(uri)
	if err != nil {
		return bridge.Party{}, 400
	}
	if _, account := x.e.set.passwords[name]; account {
		// The peer can't speak for those who have a password here.
		x.e.metrics.refused.WithLabelValues(refusedSender).Inc()
		return bridge.Party{}, 403
	}
	return x.party(name, display), 0
}

func (x *exchange) party(name, display string) bridge.Party {
	return bridge.Party{Address: bridge.Address{Adapter: x.e.env.Name, Name: name}, Display: display}
}

// withheld says whether the sender asks not to be named (RFC 3323 section
// 4.2, RFC 3325 section 9.3).
func (x *exchange) withheld() bool {
	for _, v := range x.m.All("Privacy") {
		for _, p := range strings.FieldsFunc(strings.ToLower(v), func(r rune) bool { return r == ';' || r == ' ' || r == ',' }) {
			if p == "id" || p == "user" {
				return true
			}
		}
	}
	return false
}

// asserted is whom the peer vouches for (RFC 3325 section 9.1), nil if it does
// not say or can't be understood.
func (x *exchange) asserted() *gosip.ContactHeader {
	for _, v := range x.m.All("P-Asserted-Identity") {
		all, err := wire.ParseAddresses(v)
		if err != nil {
			continue
		}
		for _, a := range all {
			if _, err := x.e.set.nameOf(&a.Address); err == nil {
				return a
			}
		}
	}
	return nil
}

// recipient is whom the message is for: by the Request-URI, whose user may be
// the one that a line has told the peer. A status, if not 0, is the refusal.
func (x *exchange) recipient() (bridge.Party, int) {
	uri := &x.m.Request.Recipient
	if x.from.account == "" {
		if l := x.e.lineAt(uri.User); l != nil {
			return x.party(l.name, ""), 0
		}
	}
	if uri.Scheme != "tel" && uri.User == "" {
		return bridge.Party{}, 484
	}
	name, err := x.e.set.nameOf(uri)
	if err != nil {
		return bridge.Party{}, 400
	}
	return x.party(name, ""), 0
}
