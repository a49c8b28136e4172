package dialog

import (
	"strings"

	"gateway/adapters/sip/wire"
)

// Bounds on what is kept of a header.
const (
	maxURI     = 512  // bytes of a remote target or Refer-To
	maxAddress = 2048 // bytes of From or To
	maxRoutes  = 20   // entries of a route set
	maxRoute   = 4096 // bytes of all of them
	maxValue   = 1024 // bytes of any other header that is looked into
)

// split cuts a list of header values at the commas that stand outside quoted
// strings and angle brackets (RFC 3261 section 7.3.1). Empty elements are left out.
func split(value string) []string {
	var all []string
	quoted, angle, start := false, false, 0
	add := func(s string) {
		if s = strings.Trim(s, " \t"); s != "" {
			all = append(all, s)
		}
	}
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case quoted && c == '\\':
			i++
		case c == '"' && !angle:
			quoted = !quoted
		case quoted:
		case c == '<':
			angle = true
		case c == '>':
			angle = false
		case c == ',' && !angle:
			add(value[start:i])
			start = i + 1
		}
	}
	add(value[start:])
	return all
}

// params reads what stands behind the first semicolon of a value, outside quoted
// strings, in order. The head is what stands before it. Names are in lower case.
func params(value string) (head string, all []param) {
	quoted, start, first := false, 0, true
	add := func(s string) {
		if first {
			head, first = strings.Trim(s, " \t"), false
			return
		}
		name, val, _ := strings.Cut(s, "=")
		if name = strings.ToLower(strings.Trim(name, " \t")); name != "" {
			all = append(all, param{name, strings.Trim(val, " \t")})
		}
	}
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == ';' && !quoted:
			add(value[start:i])
			start = i + 1
		}
	}
	add(value[start:])
	return head, all
}

type param struct{ name, value string }

func get(all []param, name string) (string, bool) {
	for _, p := range all {
		if p.name == name {
			return p.value, true
		}
	}
	return "", false
}

// unquote reads a token or a quoted-string.
func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	return wire.Display(s[1 : len(s)-1])
}

// options are the option tags in every header of that name, in lower case.
func options(m *wire.Message, name string) []string {
	var all []string
	for _, v := range m.All(name) {
		for _, o := range split(v) {
			all = append(all, strings.ToLower(o))
		}
	}
	return all
}

func has(list []string, s string) bool {
	for _, o := range list {
		if o == s {
			return true
		}
	}
	return false
}

// digits reads a decimal number without sign, of at most 32 bits.
func digits(s string) (uint32, bool) {
	if s == "" || len(s) > 10 {
		return 0, false
	}
	var n uint64
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + uint64(s[i]-'0')
	}
	return uint32(n), n <= 1<<32-1
}
