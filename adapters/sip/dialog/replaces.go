package dialog

import (
	"errors"
	"net/url"
	"strings"

	"gateway/adapters/sip/wire"

	gosip "github.com/emiago/sipgo/sip"
)

var (
	errReplaces = errors.New("not a Replaces")
	errReferTo  = errors.New("not a Refer-To")
)

// A Replaces names the dialog that a new one takes the place of (RFC 3891).
// The tags are as its reader sees them: ToTag is the reader's own.
type Replaces struct {
	CallID, ToTag, FromTag string
	EarlyOnly              bool
}

// ParseReplaces reads a Replaces header.
func ParseReplaces(value string) (Replaces, error) {
	if len(value) > maxValue {
		return Replaces{}, errReplaces
	}
	head, ps := params(value)
	r := Replaces{CallID: head}
	seen := map[string]bool{}
	for _, p := range ps {
		if seen[p.name] && (p.name == "to-tag" || p.name == "from-tag") {
			return Replaces{}, errReplaces // RFC 3891 section 3: exactly one
		}
		seen[p.name] = true
		switch p.name {
		case "to-tag":
			r.ToTag = p.value
		case "from-tag":
			r.FromTag = p.value
		case "early-only":
			r.EarlyOnly = true
		}
	}
	if !callID(r.CallID) || !wire.Token(r.ToTag) || !wire.Token(r.FromTag) {
		return Replaces{}, errReplaces
	}
	return r, nil
}

// String is r as the value of a header.
func (r Replaces) String() string {
	s := r.CallID + ";to-tag=" + r.ToTag + ";from-tag=" + r.FromTag
	if r.EarlyOnly {
		s += ";early-only"
	}
	return s
}

// callID says whether s can be a Call-ID: characters of words and @ (RFC 3261
// section 25.1), but none that ends a value.
func callID(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == ';' || c == ',' {
			return false
		}
	}
	return s != ""
}

// A ReferTo says where a REFER sends its receiver (RFC 3515).
type ReferTo struct {
	URI      gosip.Uri // without headers and method
	Method   string    // "INVITE" where none is given
	Replaces *Replaces // nil for none
}

// ParseReferTo reads a Refer-To header.
func ParseReferTo(value string) (ReferTo, error) {
	if len(value) > maxValue || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
		return ReferTo{}, errReferTo
	}
	text, ok := addressURI(value)
	if !ok {
		return ReferTo{}, errReferTo
	}
	text, headers, _ := strings.Cut(text, "?")
	uri, err := wire.ParseURI(text)
	if err != nil || len(text) > maxURI {
		return ReferTo{}, errReferTo
	}
	r := ReferTo{Method: "INVITE"}
	var kept gosip.HeaderParams
	for _, p := range uri.UriParams {
		if strings.EqualFold(p.K, "method") {
			r.Method = strings.ToUpper(p.V)
			continue
		}
		kept = append(kept, p)
	}
	uri.UriParams, uri.Headers = kept, nil
	r.URI = uri
	if !wire.Token(r.Method) {
		return ReferTo{}, errReferTo
	}
	for _, h := range strings.Split(headers, "&") {
		name, v, _ := strings.Cut(h, "=")
		if !strings.EqualFold(name, "Replaces") {
			continue
		}
		if v, err = url.PathUnescape(v); err != nil || r.Replaces != nil {
			return ReferTo{}, errReferTo
		}
		rep, err := ParseReplaces(v)
		if err != nil {
			return ReferTo{}, err
		}
		r.Replaces = &rep
	}
	return r, nil
}

// addressURI is the URI of a name-addr or an addr-spec (RFC 3261 section 25.1).
func addressURI(value string) (string, bool) {
	quoted := false
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == '<' && !quoted:
			uri, _, ok := strings.Cut(value[i+1:], ">")
			return uri, ok && uri != ""
		}
	}
	uri, _, _ := strings.Cut(value, ";")
	uri = strings.Trim(uri, " \t")
	return uri, uri != "" && !quoted
}
