package bridge

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
)

// The longest pattern and the longest constraint, in bytes.
const (
	maxPattern    = 1024
	maxConstraint = 256
)

// A rawPattern is a pattern as written: lead, main and tail in segments.
type rawPattern struct {
	text  string
	parts [3][]segment
}

// A segment is a variable if it has a name, else literal text.
type segment struct{ lit, name, cons string }

var errBrace = errors.New(`unbalanced brace (a literal one is written \{ or \})`)

// lexPattern reads text, and does not compile its constraints.
func lexPattern(naming Naming, text string) (*rawPattern, error) {
	if len(text) > maxPattern {
		return nil, fmt.Errorf("longer than %d bytes", maxPattern)
	}
	lead, main, tail, ok := naming.split(text)
	if !ok {
		return nil, errors.New("a part of the name is empty")
	}
	raw := &rawPattern{text: text}
	for i, part := range [...]string{lead, main, tail} {
		segs, err := lexPart(naming, part)
		if err != nil {
			return nil, err
		}
		raw.parts[i] = segs
	}
	if naming.NeedLead && lead == "" {
		return nil, fmt.Errorf("nothing stands before a %q", naming.LeadSep)
	}
	return raw, nil
}

func lexPart(naming Naming, s string) ([]segment, error) {
	var segs []segment
	for s != "" {
		if s[0] == '}' {
			return nil, errBrace
		}
		if s[0] != '{' {
			n := literalEnd(s)
			segs = append(segs, segment{lit: naming.unescape(s[:n])})
			s = s[n:]
			continue
		}
		end := closingBrace(s)
		if end < 0 {
			return nil, errBrace
		}
		v, err := lexVariable(s[1:end])
		if err != nil {
			return nil, err
		}
		if err := mayFollow(segs, v); err != nil {
			return nil, err
		}
		segs = append(segs, v)
		s = s[end+1:]
	}
	return segs, nil
}

// mayFollow says why v can't stand behind segs, the rest of its part.
func mayFollow(segs []segment, v segment) error {
	if n := len(segs); n > 0 && segs[n-1].name != "" {
		return fmt.Errorf("{%s} and {%s} need a literal between them", segs[n-1].name, v.name)
	}
	for _, g := range segs {
		if g.name == v.name {
			return fmt.Errorf("{%s} stands twice in one part", v.name)
		}
	}
	return nil
}

// lexVariable reads what stands between the braces: NAME or NAME:REGEXP.
func lexVariable(s string) (segment, error) {
	name, cons, has := strings.Cut(s, ":")
	if !goodVariable(name) {
		return segment{}, fmt.Errorf("%s is no name of a variable: letters, digits, - and _", quote(name))
	}
	if !has {
		return segment{name: name}, nil
	}
	switch {
	case cons == "":
		return segment{}, fmt.Errorf("the constraint of {%s} is empty", name)
	case len(cons) > maxConstraint:
		return segment{}, fmt.Errorf("the constraint of {%s} is longer than %d bytes", name, maxConstraint)
	}
	if _, err := syntax.Parse(cons, syntax.Perl); err != nil {
		return segment{}, fmt.Errorf("the constraint of {%s}: %w", name, err)
	}
	return segment{name: name, cons: cons}, nil
}

func goodVariable(name string) bool {
	for _, c := range []byte(name) {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-') {
			return false
		}
	}
	return name != ""
}

// literalEnd gives the length of the literal text that s begins with.
func literalEnd(s string) int {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '{', '}':
			return i
		}
	}
	return len(s)
}

// closingBrace finds the brace that balances the one s begins with, or gives -1.
func closingBrace(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// A scope holds the variables of one map.
type scope struct {
	slots map[string]int
	cons  map[string]constraint
}

type constraint struct {
	text string
	re   *regexp.Regexp // matches whole
}

func newScope() *scope {
	return &scope{slots: map[string]int{}, cons: map[string]constraint{}}
}

// add enters the variables of raw and their constraints.
func (sc *scope) add(raw *rawPattern) error {
	for _, part := range raw.parts {
		for _, g := range part {
			if g.name == "" {
				continue
			}
			if _, ok := sc.slots[g.name]; !ok {
				sc.slots[g.name] = len(sc.slots)
			}
			if err := sc.constrain(g); err != nil {
				return err
			}
		}
	}
	return nil
}

func (sc *scope) constrain(g segment) error {
	old, had := sc.cons[g.name]
	switch {
	case g.cons == "" || had && old.text == g.cons:
		return nil
	case had:
		return fmt.Errorf("{%s} has two constraints, %s and %s", g.name, quote(old.text), quote(g.cons))
	}
	re, err := regexp.Compile(`\A(?:` + g.cons + `)\z`)
	if err != nil {
		return fmt.Errorf("the constraint of {%s}: %w", g.name, err)
	}
	sc.cons[g.name] = constraint{text: g.cons, re: re}
	return nil
}
