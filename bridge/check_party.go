package bridge

import "errors"

// refused finds a party of m whose name would be this one, were it not for why.
func (c *checker) refused(m *mapping, name spot, why error) (spot, bool) {
	b := make([]string, c.r.width)
	if !m.as[name.at.adapter].match(name.name, b) {
		return spot{}, false
	}
	who, err := c.nameless(m, name.at, b)
	return who, errors.Is(err, why)
}

// nameless finds a home of m, where its variables have the values b, whose
// party can't be shown at an adapter by m's name for it, and says why.
func (c *checker) nameless(m *mapping, at *space, b []string) (spot, error) {
	for _, h := range m.homes {
		home, err := h.p.build(h.at.naming, b)
		if err != nil {
			continue
		}
		who := spot{h.at, home}
		id, err := c.r.nameOf(who, at)
		if id.by == m && (errors.Is(err, errBorrowed) || errors.Is(err, errAstray)) {
			return who, err
		}
	}
	return spot{}, nil
}

// divided warns where a name of two variables can be divided otherwise than it
// was made: {y}-{x}, of x = a and y = b-c, is read as y = b and x = c-a.
func (c *checker) divided(m *mapping, at *space) {
	p := m.as[at.adapter]
	for _, part := range [...]*Part{&p.lead, &p.main, &p.tail} {
		for i := range len(part.vars) - 1 {
			lit := part.lits[i+1]
			for j := range part.vars {
				if who, err := c.withLiteral(m, at, &part.vars[j], lit); err != nil {
					c.warn(m, "as."+at.adapter, "can't be shown where {%s} has %s in it, as for %s: %v",
						part.vars[j].name, quote(lit), who, err)
					return
				}
			}
		}
	}
}

// withLiteral is nameless for values of which v's has lit in it, if possible
// between other letters than stand for the rest.
func (c *checker) withLiteral(m *mapping, at *space, v *variable, lit string) (spot, error) {
	for _, around := range [...]string{`[b-z1-9]`, `(?s:.+)`, `(?s:.*)`} {
		b, ok := c.sample(m.as[at.adapter], v, lit, variable{text: around})
		if !ok {
			continue
		}
		if who, err := c.nameless(m, at, b); err != nil {
			return who, err
		}
	}
	return spot{}, nil
}

// sample makes values for p's variables, of which v's has lit in it, with
// around on both sides.
func (c *checker) sample(p *Pattern, v *variable, lit string, around variable) ([]string, bool) {
	b := make([]string, c.r.width)
	for _, part := range [...]*Part{&p.lead, &p.main, &p.tail} {
		for i := range part.vars {
			one := &Part{lits: []string{"", ""}, vars: part.vars[i : i+1]}
			with := one
			if part.vars[i].slot == v.slot {
				with = &Part{lits: []string{"", lit, ""}, vars: []variable{around, around}}
			}
			value, ok := c.overlaps.texts(one, with)
			if !ok {
				return nil, false
			}
			b[part.vars[i].slot] = value
		}
	}
	return b, true
}
