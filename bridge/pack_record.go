package bridge

// packs reports whether a record of the outbox has a packed form: that of a text that somebody
// has written.
func (r *record) packs() bool {
	m := r.Message
	return m != nil && r.Group != nil && r.Mark == nil && r.Watch == nil && r.Caps == nil &&
		m.Kind == Text && m.Of == "" && m.Cause == 0 && m.Reason == "" && !m.Active && m.Hops >= 0 && r.Group.Copies >= 0
}

// pack appends it to b.
func (r *record) pack(b []byte) ([]byte, error) {
	m := r.Message
	p := packer{b: append(b, packVersion, packText)}
	p.text(m.ID)
	p.text(m.Ref)
	p.party(m.From)
	p.party(m.To)
	p.bodies(m.Subject)
	p.bodies(m.Bodies)
	p.text(m.Thread)
	p.time(m.Sent)
	p.time(m.At)
	p.number(uint64(m.Hops))
	p.flags(m.Want.Delivered, m.Want.Displayed, m.Want.Failed, m.Hop, m.Once)
	p.group(r.Group)
	return p.b, p.err
}

// unpackRecord reads what pack has written.
func unpackRecord(b []byte) (record, error) {
	u := unpacker{b: b[2:]}
	var m Message
	m.ID, m.Ref = u.text(), u.text()
	m.From, m.To = u.party(), u.party()
	m.Subject, m.Bodies = u.bodies(), u.bodies()
	m.Thread, m.Sent, m.At = u.text(), u.time(), u.time()
	m.Hops = u.count()
	u.flags(&m.Want.Delivered, &m.Want.Displayed, &m.Want.Failed, &m.Hop, &m.Once)
	g := u.group()
	return record{Message: &m, Group: &g}, u.end()
}

// pack appends the page of a copy to b.
func (e *passed) pack(b []byte) ([]byte, error) {
	p := packer{b: append(b, packVersion, packCopy)}
	p.text(e.ID)
	p.group(&e.Group)
	p.address(e.Home)
	p.time(e.At)
	p.number(uint64(e.Outcome))
	return p.b, p.err
}

// unpackPage reads what pack has written.
func unpackPage(b []byte) (page, error) {
	u := unpacker{b: b[2:]}
	var e passed
	e.ID, e.Group, e.Home, e.At = u.text(), u.group(), u.address(), u.time()
	if n := u.number(); n <= uint64(Arrived) {
		e.Outcome = Outcome(n)
	} else {
		u.fail()
	}
	return page{Copy: &e}, u.end()
}

// size is about how long a packed record of a copy is.
func (g *groupInfo) size() int {
	const rest = 120
	return rest + len(g.ID) + len(g.Ref) + 2*len(g.Origin.Name) + 2*len(g.Dest.Name) + len(g.Origin.Display) + len(g.Dest.Display)
}
