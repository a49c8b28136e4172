package bridge

import (
	"fmt"
	"iter"
	"maps"
	"slices"
)

// check looks for what no map does wrong by itself: names that two maps use.
func check(r *Router) []Problem {
	c := &checker{r: r, overlaps: newOverlapper(), shapes: map[*index]map[string][]entry{},
		told: map[[2]*Pattern]bool{}, lines: map[*space][]Name{}}
	for _, at := range r.adapters {
		c.prepare(at)
	}
	for _, m := range r.maps {
		c.ownLines(m)
		c.homesAgain(m)
		for _, adapter := range slices.Sorted(maps.Keys(m.as)) {
			at := r.adapters[adapter]
			if c.namesAgain(m, at) {
				continue
			}
			if m.makesNames(at) && !c.borrowed(m, at) && !c.astray(m, at) {
				c.divided(m, at)
			}
		}
	}
	for _, m := range r.maps {
		c.homesAsNames(m)
	}
	if c.overlaps.left <= 0 {
		c.warn(r.maps[0], "", "there are too many patterns with variables to compare each with each: not all were")
	}
	return c.problems
}

type checker struct {
	r        *Router
	problems []Problem
	overlaps *overlapper
	shapes   map[*index]map[string][]entry // patterns with variables, by shape
	told     map[[2]*Pattern]bool          // homes, and an `as` each may be confused with; nil: any
	lines    map[*space][]Name
}

func (c *checker) warn(m *mapping, key, format string, args ...any) {
	c.problems = append(c.problems, Problem{Map: m.n, Key: key, Warn: true, Msg: fmt.Sprintf(format, args...)})
}

func (c *checker) prepare(at *space) {
	for _, text := range at.namer.Own() {
		if name, err := at.naming.Parse(text); err == nil {
			c.lines[at] = append(c.lines[at], name)
		}
	}
	for _, x := range []*index{&at.home, &at.as} {
		shapes := map[string][]entry{}
		for _, e := range x.all {
			if !e.p.literal() {
				shape := e.p.shape()
				shapes[shape] = append(shapes[shape], e)
			}
		}
		c.shapes[x] = shapes
	}
}

// makesNames reports whether a party of the map is ever called at an adapter
// by the map's `as`: not if it lives only there and is shown as itself.
func (m *mapping) makesNames(at *space) bool {
	return at.naming.Foreign || slices.ContainsFunc(m.homes, func(h place) bool { return h.at != at })
}

// ownLines warns of homes that are names of ours: what goes there comes back.
func (c *checker) ownLines(m *mapping) {
	for i, h := range m.homes {
		for _, name := range c.lines[h.at] {
			if h.p.Match(name) {
				c.warn(m, homeKey(i), "matches %s, which is a line of ours there", spot{h.at, name})
				break
			}
		}
	}
}

func homeKey(i int) string { return fmt.Sprintf("home[%d]", i) }

// namesAgain warns of an `as` that an earlier map has taken already. One that
// an earlier map takes only `from` some is not told of here.
func (c *checker) namesAgain(m *mapping, at *space) bool {
	for e := range c.before(m, m.as[at.adapter], &at.as) {
		if len(e.m.from) == 0 || samePlaces(e.m.from, m.from) {
			c.warn(m, "as."+at.adapter, "is never reached: %s comes first, with %s", e.m, quote(e.p.text))
			return true
		}
	}
	return false
}

// homesAgain warns of homes whose party already has its names by an earlier map.
func (c *checker) homesAgain(m *mapping) {
	for i, h := range m.homes {
	next:
		for e := range c.before(m, h.p, &h.at.home) {
			for _, adapter := range slices.Sorted(maps.Keys(m.as)) {
				if e.m.as[adapter] == nil || adapter == h.at.adapter && !h.at.naming.Foreign {
					continue
				}
				c.warn(m, homeKey(i), "is never shown by this map's as.%s: %s comes first, with %s",
					adapter, e.m, quote(e.p.text))
				break next
			}
		}
	}
}

// before gives the entries of maps before m that surely match all that p does:
// the same pattern, one that matches this literal, or one without constraints.
func (c *checker) before(m *mapping, p *Pattern, x *index) iter.Seq[entry] {
	return func(yield func(entry) bool) {
		if name, ok := p.Literal(); ok {
			for e := range x.match(name, make([]string, c.r.width)) {
				if e.m.n >= m.n || !yield(e) {
					return
				}
			}
			return
		}
		for _, e := range c.shapes[x][p.shape()] {
			if e.m.n >= m.n {
				break
			}
			if !yield(e) {
				return
			}
		}
		for _, e := range x.all {
			if e.m.n >= m.n || e.p.open() && e.p.covers(p) && !yield(e) {
				return
			}
		}
	}
}

// borrowed warns where a name that m makes at an adapter can be the home of
// another party, and refuses it where that home is open to every name.
func (c *checker) borrowed(m *mapping, at *space) (warned bool) {
	p := m.as[at.adapter]
	if p.literal() {
		return false
	}
	for e, name := range c.meets(p, at, &at.home) {
		switch {
		case e.m != m && e.p.open():
			c.told[[2]*Pattern{e.p, p}] = true
			if c.told[[2]*Pattern{e.p, nil}] {
				continue
			}
			c.told[[2]*Pattern{e.p, nil}] = true
			c.problems = append(c.problems, Problem{Map: e.m.n, Key: e.key, Msg: fmt.Sprintf(
				"takes every name, also those that as.%s of %s makes, such as %s: give its variable a constraint",
				at.adapter, m, spot{at, name})})
		case !warned:
			if who, ok := c.refused(m, spot{at, name}, errBorrowed); ok {
				warned = true
				c.told[[2]*Pattern{e.p, p}] = true
				c.warn(m, "as."+at.adapter, "can't be shown where it is another party's home: %s for %s, by %s of %s",
					spot{at, name}, who, e.key, e.m)
			}
		}
	}
	return warned
}

// astray warns where a name that m gives its party leads to another party.
func (c *checker) astray(m *mapping, at *space) bool {
	for e, name := range c.meets(m.as[at.adapter], at, &at.as) {
		if e.m.n >= m.n {
			break
		}
		if who, ok := c.refused(m, spot{at, name}, errAstray); ok {
			c.warn(m, "as."+at.adapter, "can't be shown where it does not lead back: %s for %s, but %s comes first, with %s",
				spot{at, name}, who, e.m, quote(e.p.text))
			return true
		}
	}
	return false
}

// homesAsNames warns of homes that are also called something on their own
// adapter, where that leads elsewhere.
func (c *checker) homesAsNames(m *mapping) {
	for i, h := range m.homes {
		for e, name := range c.meets(h.p, h.at, &h.at.as) {
			who := spot{h.at, name}
			if e.m == m || c.told[[2]*Pattern{h.p, e.p}] || c.r.leadsTo(who, who) {
				continue
			}
			c.warn(m, homeKey(i), "matches as.%s = %s of %s, such as %s: what is addressed to it goes elsewhere",
				h.at.adapter, quote(e.p.text), e.m, who)
			break
		}
	}
}

// meets gives the entries with which p shares a name, and such a name.
func (c *checker) meets(p *Pattern, at *space, x *index) iter.Seq2[entry, Name] {
	return func(yield func(entry, Name) bool) {
		if name, ok := p.Literal(); ok {
			for e := range x.match(name, make([]string, c.r.width)) {
				if !yield(e, name) {
					return
				}
			}
			return
		}
		for _, e := range x.all {
			name, ok := e.p.Literal()
			switch {
			case ok:
				ok = p.Match(name)
			default:
				name, ok = c.overlaps.names(p, e.p, at.naming)
			}
			if ok && !yield(e, name) {
				return
			}
		}
	}
}

// samePlaces reports whether two lists are the same as written.
func samePlaces(a, b []place) bool {
	return slices.EqualFunc(a, b, func(p, q place) bool { return p.at == q.at && p.p.text == q.p.text })
}
