package wire

import (
	"regexp"
	"strings"
	"testing"
)

func TestPatternsMatchAsTheBookSays(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		pattern, address string
		want             bool
	}{
		{"/a", "/a", true},
		{"/a", "/x/a/y", false},
		{"/a", "/ab", false},
		{"/a*", "/abc", true},
		{"/a*c", "/abcbc", true},
		{"/*", "/a/b", false},
		{"/*/b", "/a/b", true},
		{"/?", "/a", true},
		{"/?", "//", false},
		{"/a?", "/a", false},
		{"/[a-c]x", "/bx", true},
		{"/[a-c]x", "/dx", false},
		{"/[!a-c]x", "/dx", true},
		{"/[!a-c]x", "/ax", false},
		{"/[ab-]", "/-", true},
		{"/[!a]", "//", false},
		{"/{one,two}/x", "/two/x", true},
		{"/{one,two}/x", "/three/x", false},
		{"/{on,one}e", "/one", true},
		{"/{,a}b", "/b", true},
		{"/a,b", "/a,b", true},
		{"/a+", "/a+", true},
		{"/a+", "/aa", false},
		{"/[", "/[", false},
		{"/{a", "/{a", false},
		{`/a\`, `/a\`, true},
		{"/\xff", "/\xff", true},
		{"/" + strings.Repeat("*a", 40), "/" + strings.Repeat("a", 60) + "b", false}, // takes too long
		{"/" + strings.Repeat("{a,a}", 40), "/" + strings.Repeat("a", 39) + "b", false},
	} {
		if got := Match([]byte(tt.pattern), []byte(tt.address)); got != tt.want {
			t.Errorf("%q on %q: %v, want %v", tt.pattern, tt.address, got, tt.want)
		}
	}
}

// expression writes a pattern as a regular expression; ok is false for a
// pattern that has an open bracket.
func expression(pattern string) (re *regexp.Regexp, ok bool) {
	var b strings.Builder
	b.WriteString(`(?s)\A(?:`)
	for p := pattern; p != ""; {
		c := p[0]
		p = p[1:]
		switch c {
		case '*':
			b.WriteString(`[^/]*`)
		case '?':
			b.WriteString(`[^/]`)
		case '{':
			texts, rest, closed := strings.Cut(p, "}")
			if !closed {
				return nil, false
			}
			p = rest
			var alternatives []string
			for _, s := range strings.Split(texts, ",") {
				if !strings.Contains(s, "/") {
					alternatives = append(alternatives, regexp.QuoteMeta(s))
				}
			}
			if len(alternatives) == 0 {
				return nil, false
			}
			b.WriteString("(?:" + strings.Join(alternatives, "|") + ")")
		case '[':
			return nil, false // compared by the table alone
		default:
			b.WriteString(regexp.QuoteMeta(string(rune(c))))
		}
	}
	b.WriteString(`)\z`)
	re, err := regexp.Compile(b.String())
	return re, err == nil
}

func FuzzMatch(f *testing.F) {
	f.Add("/a*c", "/abc")
	f.Add("/{one,two}/?", "/two/x")
	f.Add("/[!a-z]", "/A")
	f.Add("/*{a,b}*", "/xay")
	f.Fuzz(func(t *testing.T, pattern, address string) {
		m := matcher{}
		got := m.match([]byte(pattern), []byte(address))
		if m.steps > 2*maxSteps {
			t.Errorf("%d steps", m.steps)
		}
		if !strings.ContainsAny(pattern, "*?[{") && got != (pattern == address) {
			t.Errorf("%q on %q: %v", pattern, address, got)
		}
		ascii := func(s string) bool {
			return strings.Trim(s, "\x00") == s && !strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 })
		}
		if !ascii(pattern) || !ascii(address) || m.steps > maxSteps {
			return
		}
		if re, ok := expression(pattern); ok && re.MatchString(address) != got {
			t.Errorf("%q on %q: %v, and by %v not", pattern, address, got, re)
		}
	})
}
