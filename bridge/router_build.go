package bridge

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// A Problem is a mistake in a map, or a warning of one.
type Problem struct {
	Map  int    // index of the map in the file, from 0
	Key  string // as in "home[0]", "as.chat" or "from[1]"; "" is the map itself
	Warn bool   // it works, but probably not as it was meant
	Msg  string
}

// NewRouter compiles the maps of a mapping file, for adapters by name. The
// Router is nil if any of the problems is more than a warning. All problems
// come at once, in the order of the maps.
func NewRouter(specs []MapSpec, adapters map[string]Namer) (*Router, []Problem) {
	b := &builder{r: &Router{adapters: make(map[string]*space, len(adapters))}}
	for name, namer := range adapters {
		b.r.adapters[name] = &space{adapter: name, namer: namer, naming: namer.Naming()}
	}
	for i := range specs {
		b.add(i, &specs[i])
	}
	problems := append(b.problems, check(b.r)...)
	slices.SortStableFunc(problems, func(p, q Problem) int { return p.Map - q.Map })
	for _, p := range problems {
		if !p.Warn {
			return nil, problems
		}
	}
	return b.r, problems
}

// A builder compiles one map after the other.
type builder struct {
	r        *Router
	problems []Problem
}

func (b *builder) bad(n int, key, msg string) {
	b.problems = append(b.problems, Problem{Map: n, Key: key, Msg: msg})
}

// A use is one pattern of a map.
type use struct {
	role Role
	key  string
	at   *space
	raw  *rawPattern
	p    *Pattern
}

// add compiles a map. One with a mistake is left out of the router.
func (b *builder) add(n int, spec *MapSpec) {
	before := len(b.problems)
	sc := newScope()
	uses := b.lex(n, spec)
	for i := range uses {
		if err := sc.add(uses[i].raw); err != nil {
			b.bad(n, uses[i].key, err.Error())
		}
	}
	if len(spec.Home) == 0 {
		b.bad(n, "home", "a map needs a home: where its party lives")
	}
	if len(spec.As) == 0 {
		b.bad(n, "as", "a map needs a name for its party elsewhere")
	}
	if len(spec.Name) > maxPart || strings.ContainsFunc(spec.Name, unicode.IsControl) {
		b.bad(n, "name", fmt.Sprintf("want one line of at most %d bytes", maxPart))
	}
	for _, p := range spec.Calls.problems() {
		b.bad(n, p.Key, p.Msg)
	}
	b.sameVariables(n, uses)
	b.shownVariables(n, uses)
	b.compile(n, uses, sc)
	b.repeatedHomes(n, uses)
	if len(b.problems) > before {
		return
	}
	b.enter(n, spec, uses, sc)
}

// lex reads the patterns of a map, those of its homes first.
func (b *builder) lex(n int, spec *MapSpec) []use {
	var uses []use
	one := func(role Role, key, adapter, text string) {
		at, ok := b.r.adapters[adapter]
		if !ok {
			b.bad(n, key, "no adapter is called "+quote(adapter))
			return
		}
		raw, err := lexPattern(at.naming, text)
		if err != nil {
			b.bad(n, key, err.Error())
			return
		}
		uses = append(uses, use{role: role, key: key, at: at, raw: raw})
	}
	list := func(role Role, key string, texts []string) {
		for i, text := range texts {
			key := fmt.Sprintf("%s[%d]", key, i)
			a, err := ParseAddress(text)
			if err != nil {
				b.bad(n, key, err.Error())
				continue
			}
			one(role, key, a.Adapter, a.Name)
		}
	}
	table := func(role Role, key string, texts map[string]string) {
		for _, adapter := range slices.Sorted(maps.Keys(texts)) {
			one(role, key+"."+adapter, adapter, texts[adapter])
		}
	}
	list(RoleHome, "home", spec.Home)
	table(RoleAs, "as", spec.As)
	list(RoleFrom, "from", spec.From)
	list(RoleAllow, "allow", spec.Allow)
	table(RoleShown, "shown", spec.Shown)
	return uses
}

// sameVariables checks that each home and each `as` can be made of any other.
func (b *builder) sameVariables(n int, uses []use) {
	first := -1
	for i := range uses {
		switch {
		case uses[i].role != RoleHome && uses[i].role != RoleAs:
		case first < 0:
			first = i
		case !maps.Equal(uses[i].raw.vars(), uses[first].raw.vars()):
			b.bad(n, uses[i].key, fmt.Sprintf("has %s, but %s has %s: every home and every `as` of a map have the same",
				variables(uses[i].raw.vars()), uses[first].key, variables(uses[first].raw.vars())))
		}
	}
}

// shownVariables checks that each variable of a `shown` will have a value: from
// the homes, or from whichever of `from` or `allow` matches the sender.
func (b *builder) shownVariables(n int, uses []use) {
	var home map[string]bool
	for _, u := range uses {
		if u.role == RoleHome {
			home = u.raw.vars()
			break
		}
	}
	from, allow := common(uses, RoleFrom), common(uses, RoleAllow)
	for _, u := range uses {
		if u.role != RoleShown {
			continue
		}
		for _, v := range slices.Sorted(maps.Keys(u.raw.vars())) {
			if !home[v] && !from[v] && !allow[v] {
				b.bad(n, u.key, "{"+v+"} stands in no home, and neither in each `from` nor in each `allow`")
			}
		}
	}
}

// common gives the variables that all patterns of one role have.
func common(uses []use, role Role) map[string]bool {
	var all map[string]bool
	for _, u := range uses {
		if u.role != role {
			continue
		}
		vars := u.raw.vars()
		if all == nil {
			all = vars
			continue
		}
		maps.DeleteFunc(all, func(v string, _ bool) bool { return !vars[v] })
	}
	return all
}

func (b *builder) compile(n int, uses []use, sc *scope) {
	for i := range uses {
		u := &uses[i]
		p, err := compilePattern(u.at.naming, u.raw, sc)
		if err != nil {
			b.bad(n, u.key, err.Error())
			continue
		}
		u.p = p
		if msg := u.at.namer.CheckName(u.role, *p); msg != "" {
			b.bad(n, u.key, msg)
		}
	}
}

func (b *builder) repeatedHomes(n int, uses []use) {
	for i, u := range uses {
		if u.role != RoleHome || u.p == nil {
			continue
		}
		for _, o := range uses[:i] {
			if o.p != nil && o.at == u.at && o.p.shape() == u.p.shape() && slices.Equal(o.p.vars, u.p.vars) {
				b.bad(n, u.key, "is the same as "+o.key)
				break
			}
		}
	}
}

// enter makes the mapping, all of whose patterns are good.
func (b *builder) enter(n int, spec *MapSpec, uses []use, sc *scope) {
	m := &mapping{n: n, name: spec.Name, hop: spec.Receipts == "hop", as: map[string]*Pattern{}, shown: map[string]*Pattern{}, own: make([]bool, len(sc.slots))}
	for _, u := range uses {
		switch u.role {
		case RoleHome:
			m.homes = append(m.homes, place{u.at, u.p})
			u.at.home.add(m, u.p, u.key)
			for _, slot := range u.p.slots {
				m.own[slot] = true
			}
		case RoleAs:
			m.as[u.at.adapter] = u.p
			u.at.as.add(m, u.p, u.key)
		case RoleFrom:
			m.from = append(m.from, place{u.at, u.p})
		case RoleAllow:
			m.allow = append(m.allow, place{u.at, u.p})
		case RoleShown:
			m.shown[u.at.adapter] = u.p
		}
	}
	m.terms = spec.Calls.complete(spec)
	b.r.maps = append(b.r.maps, m)
	b.r.width = max(b.r.width, len(sc.slots))
}

// vars is the set of the pattern's variables.
func (raw *rawPattern) vars() map[string]bool {
	set := map[string]bool{}
	for _, part := range raw.parts {
		for _, g := range part {
			if g.name != "" {
				set[g.name] = true
			}
		}
	}
	return set
}

func variables(set map[string]bool) string {
	if len(set) == 0 {
		return "no variable"
	}
	return "{" + strings.Join(slices.Sorted(maps.Keys(set)), "}, {") + "}"
}
