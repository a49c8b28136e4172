package bridge

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// compilePattern makes a Pattern of raw, with the constraints of its map.
func compilePattern(naming Naming, raw *rawPattern, sc *scope) (*Pattern, error) {
	p := &Pattern{text: raw.text, width: len(sc.slots)}
	for i, part := range [...]*Part{&p.lead, &p.main, &p.tail} {
		p.compilePart(part, raw.parts[i], sc)
	}
	if err := p.foldLiterals(naming); err != nil {
		return nil, err
	}
	for _, part := range [...]*Part{&p.lead, &p.main, &p.tail} {
		if err := part.compileTails(); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// compilePart fills part from segs.
func (p *Pattern) compilePart(part *Part, segs []segment, sc *scope) {
	if len(segs) == 0 {
		return
	}
	lit := ""
	for _, g := range segs {
		if g.name == "" {
			lit = g.lit
			continue
		}
		c, slot := sc.cons[g.name], sc.slots[g.name]
		again := slices.Contains(p.slots, slot)
		if !again {
			p.vars, p.slots = append(p.vars, g.name), append(p.slots, slot)
		}
		part.lits = append(part.lits, lit)
		part.vars = append(part.vars, variable{name: g.name, slot: slot, again: again, text: c.text, re: c.re})
		lit = ""
	}
	part.lits = append(part.lits, lit)
}

// compileTails makes the expressions that decide where a variable ends which
// is not the last of its part.
func (p *Part) compileTails() error {
	if len(p.vars) < 2 {
		return nil
	}
	for i := range p.vars {
		re, err := regexp.Compile(`\A` + p.expr(i) + `\z`)
		if err != nil {
			return fmt.Errorf("the constraints of {%s} and the next: %w", p.vars[i].name, err)
		}
		p.tails = append(p.tails, re)
	}
	return nil
}

// expr is the part as a regular expression, from the literal lits[from] on.
func (p *Part) expr(from int) string {
	var b strings.Builder
	for i := from; i < len(p.lits); i++ {
		b.WriteString(regexp.QuoteMeta(p.lits[i]))
		switch {
		case i == len(p.vars):
		case p.vars[i].text == "":
			b.WriteString(`(?s:.+)`)
		default:
			b.WriteString(`(?:` + p.vars[i].text + `)`)
		}
	}
	return b.String()
}

// foldLiterals brings what stands in p literally into the form that names
// have after folding.
func (p *Pattern) foldLiterals(naming Naming) error {
	if p.literal() {
		name, err := naming.fold(Name{Lead: p.lead.fixed(), Main: p.main.fixed(), Tail: p.tail.fixed()})
		if err != nil {
			return fmt.Errorf("no good name: %w", err)
		}
		p.name, p.spelled = name, naming.Text(name)
		p.lead, p.main, p.tail = fixedPart(name.Lead), fixedPart(name.Main), fixedPart(name.Tail)
		return nil
	}
	// Names fold only whole: something harmless takes the variables' places.
	// Where no name comes out of that, the text stays as it was written.
	for _, filler := range [...]string{"x7qz", "7001"} {
		name, err := naming.fold(Name{Lead: p.lead.fill(filler), Main: p.main.fill(filler), Tail: p.tail.fill(filler)})
		if err != nil {
			continue
		}
		lead, ok1 := p.lead.unfill(filler, name.Lead)
		main, ok2 := p.main.unfill(filler, name.Main)
		tail, ok3 := p.tail.unfill(filler, name.Tail)
		if ok1 && ok2 && ok3 {
			p.lead.lits, p.main.lits, p.tail.lits = lead, main, tail
			return nil
		}
	}
	return nil
}

func fixedPart(s string) Part {
	if s == "" {
		return Part{}
	}
	return Part{lits: []string{s}}
}

func (p *Part) fill(filler string) string { return strings.Join(p.lits, filler) }

// unfill takes the filler out again. ok is false if that can't be told from
// the text around it.
func (p *Part) unfill(filler, s string) (lits []string, ok bool) {
	switch len(p.vars) {
	case 0:
		if s == "" {
			return nil, p.absent()
		}
		return []string{s}, !p.absent()
	default:
		lits = strings.Split(s, filler)
		return lits, len(lits) == len(p.lits)
	}
}
