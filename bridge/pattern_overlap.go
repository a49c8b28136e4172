package bridge

import (
	"regexp/syntax"
	"strings"
	"unicode"
)

const (
	maxPairs    = 20_000  // places of two machines looked at for a text that both match
	maxOverlaps = 100_000 // searches of that kind
)

// An overlapper finds names that two patterns match. It misses some where a
// constraint has anchors or word boundaries, and where none of the names that
// it thinks of first is as folding leaves it.
type overlapper struct {
	left  int // searches that may still be made
	progs map[*Part]*syntax.Prog
}

func newOverlapper() *overlapper {
	return &overlapper{left: maxOverlaps, progs: map[*Part]*syntax.Prog{}}
}

func (o *overlapper) names(p, q *Pattern, naming Naming) (Name, bool) {
	var name Name
	var ok bool
	if name.Main, ok = o.texts(&p.main, &q.main); !ok {
		return Name{}, false
	}
	if name.Lead, ok = o.texts(&p.lead, &q.lead); !ok {
		return Name{}, false
	}
	a, b := &p.tail, &q.tail // an absent one matches every Tail
	if a.absent() {
		a = b
	}
	if b.absent() {
		b = a
	}
	if name.Tail, ok = o.texts(a, b); !ok {
		return Name{}, false
	}
	folded, err := naming.fold(name)
	return name, err == nil && folded == name && p.Match(name) && q.Match(name)
}

func (o *overlapper) texts(p, q *Part) (string, bool) {
	if len(p.vars) == 0 {
		return p.fixed(), q.Match(p.fixed())
	}
	if len(q.vars) == 0 {
		return q.fixed(), p.Match(q.fixed())
	}
	pre, post := p.lits[0], p.lits[len(p.vars)]
	qre, qost := q.lits[0], q.lits[len(q.vars)]
	if !strings.HasPrefix(pre, qre) && !strings.HasPrefix(qre, pre) ||
		!strings.HasSuffix(post, qost) && !strings.HasSuffix(qost, post) {
		return "", false
	}
	a, b := o.prog(p), o.prog(q)
	if a == nil || b == nil || o.left <= 0 {
		return "", false
	}
	o.left--
	return (&product{a: a, b: b, seen: map[pair]bool{}}).search()
}

// prog is the part as a machine; nil if it is too large for one.
func (o *overlapper) prog(p *Part) *syntax.Prog {
	if prog, ok := o.progs[p]; ok {
		return prog
	}
	var prog *syntax.Prog
	if re, err := syntax.Parse(p.expr(0), syntax.Perl); err == nil {
		if made, err := syntax.Compile(re.Simplify()); err == nil {
			prog = made
		}
	}
	o.progs[p] = prog
	return prog
}

// A product runs two machines on the same text, which it makes up.
type product struct {
	a, b *syntax.Prog
	seen map[pair]bool
	todo []trace
}

// A pair is where both machines are.
type pair struct{ a, b uint32 }

// A trace is a pair and how it was reached: by r (-1: without a character)
// from the trace before.
type trace struct {
	pair
	before int
	r      rune
}

// search goes breadth first through the pairs until both machines match.
func (x *product) search() (string, bool) {
	x.reach(pair{uint32(x.a.Start), uint32(x.b.Start)}, -1, -1)
	for i := 0; i < len(x.todo) && i < maxPairs; i++ {
		t := x.todo[i]
		a, b := &x.a.Inst[t.a], &x.b.Inst[t.b]
		switch {
		case free(a):
			x.reach(pair{a.Out, t.b}, i, -1)
			if a.Op == syntax.InstAlt || a.Op == syntax.InstAltMatch {
				x.reach(pair{a.Arg, t.b}, i, -1)
			}
		case free(b):
			x.reach(pair{t.a, b.Out}, i, -1)
			if b.Op == syntax.InstAlt || b.Op == syntax.InstAltMatch {
				x.reach(pair{t.a, b.Arg}, i, -1)
			}
		case a.Op == syntax.InstMatch && b.Op == syntax.InstMatch:
			return x.text(i), true
		default:
			if r, ok := shared(runes(a), runes(b)); ok {
				x.reach(pair{a.Out, b.Out}, i, r)
			}
		}
	}
	return "", false
}

func (x *product) reach(p pair, before int, r rune) {
	if !x.seen[p] {
		x.seen[p] = true
		x.todo = append(x.todo, trace{p, before, r})
	}
}

// text is what was read on the way to trace i.
func (x *product) text(i int) string {
	var back []rune
	for ; i >= 0; i = x.todo[i].before {
		if r := x.todo[i].r; r >= 0 {
			back = append(back, r)
		}
	}
	for i, j := 0, len(back)-1; i < j; i, j = i+1, j-1 {
		back[i], back[j] = back[j], back[i]
	}
	return string(back)
}

// free reports whether an instruction reads nothing. An anchor is taken to hold.
func free(i *syntax.Inst) bool {
	switch i.Op {
	case syntax.InstAlt, syntax.InstAltMatch, syntax.InstCapture, syntax.InstNop, syntax.InstEmptyWidth:
		return true
	}
	return false
}

// runes gives the ranges of characters that an instruction reads, in pairs.
func runes(i *syntax.Inst) []rune {
	switch i.Op {
	case syntax.InstRuneAny:
		return []rune{0, unicode.MaxRune}
	case syntax.InstRuneAnyNotNL:
		return []rune{0, '\n' - 1, '\n' + 1, unicode.MaxRune}
	case syntax.InstRune, syntax.InstRune1:
		if len(i.Rune) != 1 {
			return i.Rune
		}
		list := []rune{i.Rune[0], i.Rune[0]}
		if syntax.Flags(i.Arg)&syntax.FoldCase != 0 {
			for r := unicode.SimpleFold(i.Rune[0]); r != i.Rune[0]; r = unicode.SimpleFold(r) {
				list = append(list, r, r)
			}
		}
		return list
	}
	return nil
}

// shared picks a character that is in both lists of ranges, a plain one if
// there is any: folding leaves those alone.
func shared(a, b []rune) (rune, bool) {
	best, rank := rune(0), 0
	for i := 0; i+1 < len(a); i += 2 {
		for j := 0; j+1 < len(b); j += 2 {
			lo, hi := max(a[i], b[j]), min(a[i+1], b[j+1])
			for k, likes := range [...][2]rune{{0, unicode.MaxRune}, {'!', '~'}, {'0', '9'}, {'a', 'z'}} {
				if l, h := max(lo, likes[0]), min(hi, likes[1]); l <= h && rank < k+1 {
					best, rank = l, k+1
				}
			}
		}
	}
	return best, rank > 0
}
