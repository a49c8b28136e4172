package wire

import "bytes"

// maxSteps bounds the work for one Match, which a pattern like {*,*}{*,*}… could
// make grow without end otherwise.
const maxSteps = 4096

// Match reports whether an address pattern matches an address (OSC 1.0, "OSC
// Message Dispatching and Pattern Matching"): ? is one character, * any number
// of them, [a-z] one of a set, [!a-z] one not of it, {one,two} one of some
// texts; none of them matches a "/". A pattern with a bracket that has no end
// matches nothing, nor does one that takes too long.
func Match(pattern, address []byte) bool {
	if bytes.IndexByte(address, 0) >= 0 {
		return false
	}
	m := matcher{}
	return m.match(pattern, address)
}

type matcher struct{ steps int }

func (m *matcher) match(p, s []byte) bool {
	for len(p) > 0 {
		if m.steps++; m.steps > maxSteps {
			return false
		}
		switch p[0] {
		case '*':
			return m.star(p, s)
		case '{':
			return m.oneOf(p[1:], s)
		case '[':
			end := bytes.IndexByte(p, ']')
			if end < 0 || len(s) == 0 || s[0] == '/' || !inSet(p[1:end], s[0]) {
				return false
			}
			p, s = p[end+1:], s[1:]
		case '?':
			if len(s) == 0 || s[0] == '/' {
				return false
			}
			p, s = p[1:], s[1:]
		default:
			if len(s) == 0 || s[0] != p[0] {
				return false
			}
			p, s = p[1:], s[1:]
		}
	}
	return len(s) == 0
}

// star tries the rest of the pattern behind 0, 1, 2 … characters.
func (m *matcher) star(p, s []byte) bool {
	for len(p) > 0 && p[0] == '*' {
		p = p[1:]
	}
	for i := 0; ; i++ {
		if m.match(p, s[i:]) {
			return true
		}
		if i == len(s) || s[i] == '/' || m.steps > maxSteps {
			return false
		}
	}
}

// oneOf tries each text of a {one,two}, p being what follows the brace.
func (m *matcher) oneOf(p, s []byte) bool {
	end := bytes.IndexByte(p, '}')
	if end < 0 {
		return false
	}
	texts, rest := p[:end], p[end+1:]
	for more := true; more; {
		var text []byte
		text, texts, more = bytes.Cut(texts, []byte(","))
		if bytes.IndexByte(text, '/') < 0 && bytes.HasPrefix(s, text) && m.match(rest, s[len(text):]) {
			return true
		}
		if m.steps++; m.steps > maxSteps {
			return false
		}
	}
	return false
}

// inSet reports whether c is in what stands between brackets. A "-" at the end
// is one itself.
func inSet(set []byte, c byte) bool {
	not := len(set) > 0 && set[0] == '!'
	if not {
		set = set[1:]
	}
	for len(set) > 0 {
		if len(set) > 2 && set[1] == '-' {
			if set[0] <= c && c <= set[2] {
				return !not
			}
			set = set[3:]
			continue
		}
		if set[0] == c {
			return !not
		}
		set = set[1:]
	}
	return not
}
