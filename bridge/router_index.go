package bridge

import "iter"

// A space is the name space of one adapter.
type space struct {
	adapter string
	namer   Namer
	naming  Naming
	home    index // of the parties that live here
	as      index // of what parties that live elsewhere are called here
}

// An entry is a pattern of a map in an index.
type entry struct {
	m     *mapping
	p     *Pattern
	key   string // of p in m
	order int    // in the mapping file
}

// An index finds the patterns that match a name, in the order of the file,
// without trying all of them: literals by the whole name, and patterns whose
// Main is literal by that.
type index struct {
	all    []entry
	exact  map[Name][]entry
	byMain map[string][]entry
	rest   []entry
}

func (x *index) add(m *mapping, p *Pattern, key string) {
	e := entry{m: m, p: p, key: key, order: len(x.all)}
	x.all = append(x.all, e)
	if name, ok := p.Literal(); ok {
		if x.exact == nil {
			x.exact = map[Name][]entry{}
		}
		x.exact[name.bare()] = append(x.exact[name.bare()], e)
		return
	}
	if main, ok := p.main.Literal(); ok {
		if x.byMain == nil {
			x.byMain = map[string][]entry{}
		}
		x.byMain[main] = append(x.byMain[main], e)
		return
	}
	x.rest = append(x.rest, e)
}

// match gives the entries that match the folded name n. While one is looked
// at, b holds its values.
func (x *index) match(n Name, b []string) iter.Seq[entry] {
	return func(yield func(entry) bool) {
		for e := range merge(x.exact[n.bare()], x.byMain[n.Main], x.rest) {
			if e.p.match(n, b) && !yield(e) {
				return
			}
		}
	}
}

// merge gives the entries of three ordered lists in order.
func merge(lists ...[]entry) iter.Seq[entry] {
	return func(yield func(entry) bool) {
		at := [3]int{}
		for {
			next := -1
			for i, l := range lists {
				if at[i] < len(l) && (next < 0 || l[at[i]].order < lists[next][at[next]].order) {
					next = i
				}
			}
			if next < 0 || !yield(lists[next][at[next]]) {
				return
			}
			at[next]++
		}
	}
}
