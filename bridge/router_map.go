package bridge

// A MapSpec is a [[map]] as the mapping file says it. Home, From and Allow
// are ADAPTER:PATTERN; As and Shown are patterns by adapter.
type MapSpec struct {
	Home        []string
	As          map[string]string
	From, Allow []string
	Shown       map[string]string
	Name        string
	// Receipts is "" or "phone": a message counts as delivered when its
	// recipient's device says so; or "hop": when the next hop has it.
	Receipts string
	// Calls are the terms of calls to the homes.
	Calls Terms
}

// A mapping is a MapSpec, compiled.
type mapping struct {
	n           int // index in the file
	name        string
	hop         bool
	homes       []place
	as          map[string]*Pattern // by adapter
	from, allow []place
	shown       map[string]*Pattern // by adapter
	own         []bool              // by slot: a variable of the homes
	terms       Terms
}

// number is what people call the map.
func (m *mapping) number() int { return m.n + 1 }

// A place is a pattern on an adapter.
type place struct {
	at *space
	p  *Pattern
}

// String is the form of the mapping file.
func (p place) String() string { return p.at.adapter + ":" + p.p.text }

// admits gives the first of list, the map's `from` or `allow`, that matches
// who, and leaves its values in b; nil if none does.
func admits(list []place, who spot, b []string) *Pattern {
	for _, l := range list {
		if l.at == who.at && l.p.match(who.name, b) {
			return l.p
		}
	}
	return nil
}

// borrow takes over the values of the variables that p, of the map's `from` or
// `allow`, has and the homes have not: `shown` may use them.
func (m *mapping) borrow(p *Pattern, b, theirs []string) {
	for _, slot := range p.slots {
		if !m.own[slot] {
			b[slot] = theirs[slot]
		}
	}
}

// livesAt reports whether who is a home of the map when its variables have the
// values b.
func (m *mapping) livesAt(who spot, b []string) bool {
	for _, h := range m.homes {
		if h.at != who.at {
			continue
		}
		if name, err := h.p.build(h.at.naming, b); err == nil && name.bare() == who.name.bare() {
			return true
		}
	}
	return false
}
