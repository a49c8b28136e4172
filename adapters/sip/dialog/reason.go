package dialog

import (
	"strconv"
	"strings"

	"gateway/adapters/sip/wire"
)

const maxReasons = 8 // of one message

// A Reason says why a request or a response was sent (RFC 3326).
type Reason struct {
	Protocol string // "SIP", "Q.850"
	Cause    int    // -1 if none is given
	Text     string // for people; one bounded line
}

// ParseReason reads Reason headers: values as wire.Message.All gives them. What can't be
// read is left out.
func ParseReason(values []string) []Reason {
	var all []Reason
	for _, v := range values {
		if len(v) > maxValue {
			continue
		}
		for _, one := range split(v) {
			if r, ok := parseReason(one); ok && len(all) < maxReasons {
				all = append(all, r)
			}
		}
	}
	return all
}

func parseReason(value string) (Reason, bool) {
	head, ps := params(value)
	if !wire.Token(head) {
		return Reason{}, false
	}
	r := Reason{Protocol: head, Cause: -1}
	for known, name := range map[string]string{"sip": "SIP", "q.850": "Q.850"} {
		if strings.EqualFold(head, known) {
			r.Protocol = name
		}
	}
	if c, ok := get(ps, "cause"); ok {
		if n, ok := digits(c); ok && n <= 999 {
			r.Cause = int(n)
		}
	}
	if t, ok := get(ps, "text"); ok {
		r.Text = wire.Phrase(unquote(t))
	}
	return r, true
}

// Field is r as a header.
func (r Reason) Field() wire.Field {
	v := r.Protocol
	if r.Cause >= 0 {
		v += ";cause=" + strconv.Itoa(r.Cause)
	}
	if r.Text != "" {
		v += `;text="` + wire.Quote(wire.Phrase(r.Text)) + `"`
	}
	return wire.Field{Name: "Reason", Value: v}
}
