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

// message takes a MESSAGE (RFC 3428) to the bridge, and answers when its fate
// is known.
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
	tag, _ := req.From().Params.Get("tag")
	if isOurs(x.e.env.Key, tag, req.Body()) {
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
	content, err := wire.ReadText(x.m.Get("Content-Type"), x.m.Get("Content-Encoding"), req.Body())
	if wrong := new(wire.StatusError); errors.As(err, &wrong) {
		x.answer(wrong.Status, wrong.Reason, wire.Field{Name: "Accept", Value: wire.Accept})
		return
	}
	if strings.TrimSpace(content.Text) == "" {
		x.refuse(200) // somebody tries whether we are there; nothing to hand on
		return
	}
	x.fill(&m, content, tag)
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
	m.Ref = callID + " " + x.m.Get("CSeq") + " " + tag
	if len(m.Ref) > maxRef {
		sum := sha256.Sum256([]byte(m.Ref))
		m.Ref = hex.EncodeToString(sum[:])
	}
}

// done answers a MESSAGE with what came of it.
func (x *exchange) done(o bridge.Outcome, err error) {
	switch {
	case err == nil && o == bridge.Stored:
		x.refuse(202)
		return
	case err == nil:
		x.refuse(200)
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
		fields = append(fields, wire.Field{Name: "Accept", Value: wire.Accept})
	case wrong.After > 0 && (status == 480 || status == 500 || status == 486 || status == 603):
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
		for _, l := range x.e.lines {
			if uri.User == l.token {
				return x.party(l.name, ""), 0
			}
		}
	}
	if uri.Scheme == "sip" && uri.User == "" {
		return bridge.Party{}, 484
	}
	name, err := x.e.set.nameOf(uri)
	if err != nil {
		return bridge.Party{}, 400
	}
	return x.party(name, ""), 0
}
