package sip

import (
	"cmp"
	"strings"

	"gateway/adapters/sip/wire"
	"gateway/bridge"
)

// A form is how a message is put on the wire.
type form uint8

const (
	plainForm     form = iota // text/plain
	askingForm                // the text in message/cpim, which asks for notifications
	newsForm                  // a notification in message/cpim
	composingForm             // application/im-iscomposing+xml
)

const maxQuoted = 100 // runes of a message that a report of its failure repeats

// bestForm is that of those who understand everything. ok is false for what
// has no form: a receipt that nobody has asked for.
func bestForm(m *bridge.Message) (f form, ok bool) {
	_, isNews := news(m)
	switch {
	case isNews:
		return newsForm, true
	case m.Kind == bridge.Delivered || m.Kind == bridge.Displayed:
		return plainForm, false
	case m.Kind == bridge.Composing:
		return composingForm, true
	case m.Kind == bridge.Text && m.Want != bridge.Want{}:
		return askingForm, true
	default:
		return plainForm, true
	}
}

// text is what a message says in plain words.
func text(m *bridge.Message) string {
	if m.Kind != bridge.Failed {
		return m.Body()
	}
	s := "Not delivered: " + whyFailed(m) + "."
	if quoted := []rune(m.Body()); len(quoted) > 0 {
		s += " Your message: " + string(quoted[:min(len(quoted), maxQuoted)])
	}
	return s
}

func whyFailed(m *bridge.Message) string {
	return cmp.Or(wire.Phrase(m.Reason), strings.ReplaceAll(m.Cause.String(), "-", " "))
}

// saying is what the tag of From is bound to: what said makes of it when it
// comes back.
func (s *sending) saying() string {
	switch s.form {
	case composingForm:
		return saidState(s.m.Active)
	case newsForm:
		return ""
	default:
		return wire.Tidy(text(s.m))
	}
}

// content is the message's body in one form, with the headers that speak of
// it. from and to are URIs.
func (s *sending) content(f form, from, to string) (body []byte, fields []wire.Field) {
	kind := wire.TypeCPIM
	switch f {
	case askingForm:
		w := s.wrapped(from, to)
		w.Type, w.Body = wire.TypeText, text(s.m)
		w.Ask.Delivered, w.Ask.Displayed = s.m.Want.Delivered, s.m.Want.Displayed
		w.Ask.Failed = s.m.Want.Failed || s.m.Want.Delivered // who waits for the one may get the other
		body = w.Bytes()
	case newsForm:
		n, _ := news(s.m)
		w := s.wrapped(from, to)
		w.Type, w.Body, w.Notification, w.Subject, w.Lang = wire.TypeNotification, n.XML(), true, "", ""
		body = w.Bytes()
	case composingForm:
		kind = wire.TypeComposing
		body = []byte((&wire.Composing{Active: s.m.Active, Refresh: composingRefresh}).XML())
	default:
		kind = wire.TypeText
		body, fields = []byte(text(s.m)), s.plainFields()
	}
	return body, append([]wire.Field{{Name: "Content-Type", Value: kind}}, fields...)
}

// wrapped is the message in message/cpim, but for what is inside.
func (s *sending) wrapped(from, to string) *wire.Wrapped {
	w := &wire.Wrapped{From: from, To: to, Sent: s.m.Sent, Lang: s.lang()}
	if w.Sent.IsZero() {
		w.Sent = s.m.At
	}
	if len(s.m.Subject) > 0 {
		w.Subject = s.m.Subject[0].Text
	}
	w.Ask.ID = messageID(s.e.marks, s.m.ID, s.e.set.naming.Text(s.to))
	return w
}

// plainFields are the headers that say of a plain text what a wrapper would.
func (s *sending) plainFields() (fields []wire.Field) {
	if lang := wire.Lang(s.lang()); lang != "" {
		fields = append(fields, wire.Field{Name: "Content-Language", Value: lang})
	}
	if len(s.m.Subject) > 0 {
		if subject := wire.Subject(s.m.Subject[0].Text); subject != "" {
			fields = append(fields, wire.Field{Name: "Subject", Value: subject})
		}
	}
	if !s.m.Sent.IsZero() {
		fields = append(fields, wire.Field{Name: "Date", Value: wire.FormatDate(s.m.Sent)})
	}
	return fields
}

// lang is the language of the text, "" if it is not said or is ours: that of
// news of a failure.
func (s *sending) lang() string {
	if s.m.Kind != bridge.Text || len(s.m.Bodies) == 0 {
		return ""
	}
	return s.m.Bodies[0].Lang
}
