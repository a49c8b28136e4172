package dialog

import (
	"slices"
	"strings"

	"gateway/adapters/sip/wire"
)

// A route is one entry of a route set (RFC 3261 section 12.1).
type route struct {
	value string // name-addr with parameters, as it came
	uri   string
	loose bool
}

// recorded reads Record-Route. ok is false for what can't be a route set, or
// is too long to be kept.
func recorded(m *wire.Message) (all []route, ok bool) {
	size := 0
	for _, v := range m.All("Record-Route") {
		for _, one := range split(strings.Clone(v)) { // a part of a message would keep all of it
			r, ok := readRoute(one)
			if size += len(one); !ok || len(all) == maxRoutes || size > maxRoute {
				return nil, false
			}
			all = append(all, r)
		}
	}
	return all, true
}

func readRoute(value string) (route, bool) {
	text, ok := addressURI(value)
	if !ok {
		return route{}, false
	}
	uri, err := wire.ParseURI(text)
	if err != nil || uri.Scheme != "sip" && uri.Scheme != "sips" || uri.Host == "" {
		return route{}, false
	}
	r := route{value: value, uri: text}
	for _, p := range uri.UriParams {
		r.loose = r.loose || strings.EqualFold(p.K, "lr")
	}
	return r, true
}

// reversed is the route set of the calling side (RFC 3261 section 12.1.2).
func reversed(all []route) []route {
	all = slices.Clone(all)
	slices.Reverse(all)
	return all
}

// contact is the remote target that m names: where requests to its sender go.
// "" if it names none that can be one.
func contact(m *wire.Message) string {
	var first string
	for _, v := range m.All("Contact") {
		if all := split(v); len(all) > 0 {
			first = all[0]
			break
		}
	}
	text, ok := addressURI(first)
	if !ok || len(text) > maxURI {
		return ""
	}
	if uri, err := wire.ParseURI(text); err != nil || uri.Scheme != "sip" && uri.Scheme != "sips" {
		return ""
	}
	text, _, _ = strings.Cut(text, "?") // RFC 3261 section 19.1.1: no headers in a Request-URI
	return text
}

// head is the Request-URI and the Route header's values for a request to target
// (RFC 3261 section 12.2.1.1). Where the first element routes strictly, it
// becomes the Request-URI and the target the last element.
func head(routes []route, target string) (uri string, values []string, next string) {
	if len(routes) == 0 {
		return target, nil, target
	}
	if routes[0].loose {
		for _, r := range routes {
			values = append(values, r.value)
		}
		return target, values, routes[0].uri
	}
	for _, r := range routes[1:] {
		values = append(values, r.value)
	}
	uri, _, _ = strings.Cut(routes[0].uri, "?")
	return withoutMethod(uri), append(values, "<"+target+">"), routes[0].uri
}

// withoutMethod drops a parameter that may not stand in a Request-URI (RFC 3261
// section 19.1.1).
func withoutMethod(uri string) string {
	parts := strings.Split(uri, ";")
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool {
		return len(p) >= 7 && strings.EqualFold(p[:7], "method=")
	}), ";")
}

// asksForSIPS reports whether the Contact in the answer to a request has to be one of
// sips: (RFC 5630 section 5.1.1.1): for its Request-URI is, or the element before us,
// or, where there is none between, who sent it.
func asksForSIPS(m *wire.Message, routes []route) bool {
	before := contact(m)
	if len(routes) > 0 {
		before = routes[0].uri
	}
	return m.Request.Recipient.Scheme == "sips" || isSIPS(before)
}

func isSIPS(uri string) bool { return len(uri) >= 5 && strings.EqualFold(uri[:5], "sips:") }

// isSecure reports whether a URI of sips: can be reached by p.
func isSecure(p Path) bool { return p.Transport() == "TLS" || p.Transport() == "WSS" }
