package bridge

import (
	"errors"
	"regexp"
	"strings"
)

// A Pattern is a name of the mapping file whose parts may hold variables, as
// in "{ext}@phones.example.org". It is immutable. A pattern without a Tail
// matches every Tail.
type Pattern struct {
	text             string
	lead, main, tail Part
	vars             []string // in the order of their first places
	slots            []int    // of vars, in a match's values
	width            int      // how many values its map's variables take
	name             Name     // of a literal
	spelled          string   // a literal's text form, folded
}

// NewPattern compiles text, the form of the mapping file without its adapter,
// for an adapter whose names are naming's. The router compiles the patterns of
// a map together, so that a constraint given once holds in all of them; a
// pattern made here knows its own constraints only.
func NewPattern(naming Naming, text string) (Pattern, error) {
	raw, err := lexPattern(naming, text)
	if err != nil {
		return Pattern{}, err
	}
	sc := newScope()
	if err := sc.add(raw); err != nil {
		return Pattern{}, err
	}
	p, err := compilePattern(naming, raw, sc)
	if err != nil {
		return Pattern{}, err
	}
	return *p, nil
}

// String is the pattern as it was written.
func (p Pattern) String() string { return p.text }

// Literal gives the folded name that a pattern without variables stands for.
func (p Pattern) Literal() (Name, bool) { return p.name, p.literal() }

// Lead is the part before the first separator. It matches only "" where the
// pattern has none.
func (p Pattern) Lead() Part { return p.lead }

// Main is the part that every pattern has.
func (p Pattern) Main() Part { return p.main }

// Tail is the part behind the last separator; "" where the pattern has none.
func (p Pattern) Tail() Part { return p.tail }

// Match reports whether p matches n, which has been folded.
func (p Pattern) Match(n Name) bool { return p.match(n, make([]string, p.width)) }

func (p *Pattern) literal() bool { return len(p.vars) == 0 }

// open reports whether a variable of p has no constraint.
func (p *Pattern) open() bool { return p.lead.open() || p.main.open() || p.tail.open() }

// match matches the folded name n, and leaves what the variables stand for in
// b, by their slots. After false b holds nothing of use.
func (p *Pattern) match(n Name, b []string) bool {
	if main, ok := p.main.Literal(); ok && main != n.Main {
		return false // the cheapest first
	}
	return p.lead.match(n.Lead, b) && p.main.match(n.Main, b) &&
		(p.tail.absent() || p.tail.match(n.Tail, b))
}

// build puts b's values into p, and folds what comes out.
func (p *Pattern) build(naming Naming, b []string) (Name, error) {
	if p.literal() {
		return p.name, nil
	}
	var name Name
	var err [3]error
	name.Lead, err[0] = p.lead.build(b)
	name.Main, err[1] = p.main.build(b)
	name.Tail, err[2] = p.tail.build(b)
	if err := errors.Join(err[:]...); err != nil {
		return Name{}, err
	}
	name, bad := naming.fold(name)
	if bad == nil && naming.Made != nil {
		bad = naming.Made(p.text, name)
	}
	if bad != nil {
		return Name{}, bad
	}
	return name, nil
}

// shape is the same for two patterns that differ only in the names of their
// variables.
func (p *Pattern) shape() string {
	return p.lead.shape() + "\x00" + p.main.shape() + "\x00" + p.tail.shape()
}

// covers reports whether p, all of whose variables are without a constraint,
// surely matches everything that q matches.
func (p *Pattern) covers(q *Pattern) bool {
	return p.lead.covers(q.lead) && p.main.covers(q.main) && (p.tail.absent() || p.tail.covers(q.tail))
}

// A Part is one part of a Pattern: literal text, with variables between it.
type Part struct {
	lits []string // around vars, always one more than they; none in an absent part
	vars []variable
	// tails[i] matches all from lits[i] on. A part of one variable needs none.
	tails []*regexp.Regexp
}

// A variable stands for one or more characters, or for what its constraint
// matches.
type variable struct {
	name  string
	slot  int    // of its value
	again bool   // stood earlier in the pattern: must be the same here
	text  string // the constraint as written, "" without one
	re    *regexp.Regexp
}

// Literal gives the folded text of a part without variables.
func (p Part) Literal() (string, bool) {
	if len(p.vars) > 0 {
		return "", false
	}
	return p.fixed(), true
}

// Match reports whether the part matches the whole of s, which has been folded.
func (p Part) Match(s string) bool { return p.match(s, nil) }

func (p *Part) absent() bool { return len(p.lits) == 0 }

func (p *Part) fixed() string {
	if p.absent() {
		return ""
	}
	return p.lits[0]
}

func (p *Part) open() bool {
	for i := range p.vars {
		if p.vars[i].re == nil {
			return true
		}
	}
	return false
}

// match matches the whole of s and, unless b is nil, leaves the values in b.
// Each variable takes the shortest value with which what follows matches.
func (p *Part) match(s string, b []string) bool {
	if len(p.vars) == 0 {
		return s == p.fixed()
	}
	if len(p.vars) > 1 && !p.tails[0].MatchString(s) {
		return false // in linear time, before the variables are told apart
	}
	s, ok := strings.CutPrefix(s, p.lits[0])
	if !ok {
		return false
	}
	last := len(p.vars) - 1
	for i := range last {
		end := p.shortest(i, s)
		if end < 0 || !p.vars[i].take(s[:end], b) {
			return false
		}
		s = s[end+len(p.lits[i+1]):]
	}
	s, ok = strings.CutSuffix(s, p.lits[last+1])
	return ok && p.vars[last].allows(s) && p.vars[last].take(s, b)
}

// shortest gives the length of variable i's value at the start of s, or -1.
func (p *Part) shortest(i int, s string) int {
	lit := p.lits[i+1]
	for from := 0; ; {
		k := strings.Index(s[from:], lit)
		if k < 0 {
			return -1
		}
		end := from + k
		if p.vars[i].allows(s[:end]) {
			if p.tails[i+1].MatchString(s[end:]) {
				return end
			}
			if p.vars[i+1].re == nil {
				return -1 // the next could have taken all that a longer value here takes
			}
		}
		from = end + 1
	}
}

func (v *variable) allows(s string) bool {
	if v.re == nil {
		return s != ""
	}
	return v.re.MatchString(s)
}

func (v *variable) take(s string, b []string) bool {
	switch {
	case b == nil:
		return true
	case v.again:
		return b[v.slot] == s
	}
	b[v.slot] = s
	return true
}

func (p *Part) build(b []string) (string, error) {
	if len(p.vars) == 0 {
		return p.fixed(), nil
	}
	size := 0
	for i, v := range p.vars {
		size += len(p.lits[i]) + len(b[v.slot])
	}
	if size+len(p.lits[len(p.vars)]) > maxPart {
		return "", errName
	}
	var out strings.Builder
	out.Grow(size + len(p.lits[len(p.vars)]))
	for i, v := range p.vars {
		out.WriteString(p.lits[i])
		out.WriteString(b[v.slot])
	}
	out.WriteString(p.lits[len(p.vars)])
	return out.String(), nil
}

func (p *Part) shape() string {
	var b strings.Builder
	for i, lit := range p.lits {
		b.WriteString(quote(lit))
		if i < len(p.vars) {
			b.WriteString("{" + p.vars[i].text + "}")
		}
	}
	return b.String()
}

func (p *Part) covers(q Part) bool {
	for i := range p.vars {
		if p.vars[i].re != nil || p.vars[i].again {
			return false
		}
	}
	if q.absent() {
		return p.absent()
	}
	// A character that no name has stands for whatever q's variables are.
	return p.match(strings.Join(q.lits, "\U0010FFFF"), nil)
}
