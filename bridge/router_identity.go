package bridge

import "fmt"

// An identity is what a sender is called on an adapter.
type identity struct {
	name spot
	by   *mapping // whose pattern says so; nil: the sender is shown as itself
	p    *Pattern
	key  string // the key of p in by
}

// identify says what sender is called at an adapter where t sends something.
func (r *Router) identify(sender spot, t taking, at *space) (identity, error) {
	p, ok := t.m.shown[at.adapter]
	if !ok {
		return r.nameOf(sender, at)
	}
	id := identity{by: t.m, p: p, key: "shown." + at.adapter}
	name, err := p.build(at.naming, t.vals)
	if err != nil {
		return id, fmt.Errorf("%s: %w", id.key, err)
	}
	id.name = spot{at, name}
	if !p.literal() && r.borrows(sender, id.name) {
		return id, errBorrowed
	}
	return id, nil
}

// nameOf says what sender is called at an adapter by the maps it lives in. The
// first that has a name there decides, also when that name is refused.
func (r *Router) nameOf(sender spot, at *space) (identity, error) {
	if sender.at == at && !at.naming.Foreign {
		return identity{name: sender}, nil
	}
	b := make([]string, r.width)
	for e := range sender.at.home.match(sender.name, b) {
		p, ok := e.m.as[at.adapter]
		if !ok {
			continue
		}
		id := identity{by: e.m, p: p, key: "as." + at.adapter}
		name, err := p.build(at.naming, b)
		if err != nil {
			return id, fmt.Errorf("%s: %w", id.key, err)
		}
		id.name = spot{at, name}
		switch {
		case !p.literal() && r.borrows(sender, id.name):
			return id, errBorrowed
		case !r.leadsTo(id.name, sender):
			return id, errAstray
		}
		return id, nil
	}
	return identity{}, errNameless
}

// Shown is what parties are called on an adapter by the maps they live in, in their order;
// who has no name there is left out.
func (r *Router) Shown(all []Address, adapter string) []Address {
	var shown []Address
	at := r.adapters[adapter]
	for _, a := range all {
		who, err := r.locate(a)
		if err != nil || at == nil {
			continue
		}
		if id, err := r.nameOf(who, at); err == nil {
			shown = append(shown, id.name.address())
		}
	}
	return shown
}

// borrows reports whether name is the home of a party that sender is not.
func (r *Router) borrows(sender, name spot) bool {
	b := make([]string, r.width)
	taken := false
	for e := range name.at.home.match(name.name, b) {
		if e.m.livesAt(sender, b) {
			return false
		}
		taken = true
	}
	return taken
}

// leadsTo reports whether what is addressed to name goes to homes with who
// among them, whoever addresses it.
func (r *Router) leadsTo(name, who spot) bool {
	b := make([]string, r.width)
	for e := range name.at.as.match(name.name, b) {
		return e.m.livesAt(who, b)
	}
	return false
}
