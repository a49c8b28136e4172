package bridge

import (
	"encoding/binary"
	"errors"
	"time"
)

// Records of texts are packed: a version, what it is, and then the fields in the order of their
// types; numbers as varints, texts with their length before them, times as package time writes them.
// All other records are JSON, as those of texts once were: a record of that form begins with a brace.
const (
	packVersion = 1
	packText    = 't' // of the outbox: a copy on its way
	packCopy    = 'c' // of the ledger: a copy that was handed on
)

var errPacked = errors.New("a record that is cut off or damaged")

// packed reports whether a record is one of these.
func packed(b []byte, kind byte) bool { return len(b) >= 2 && b[0] == packVersion && b[1] == kind }

// A packer appends fields.
type packer struct {
	b   []byte
	err error
}

func (p *packer) number(n uint64) { p.b = binary.AppendUvarint(p.b, n) }
func (p *packer) text(s string)   { p.b = append(binary.AppendUvarint(p.b, uint64(len(s))), s...) }

// time fails for zones that no place has.
func (p *packer) time(t time.Time) {
	b, err := t.AppendBinary(append(p.b, 0))
	if err != nil {
		p.err = err
		return
	}
	b[len(p.b)] = byte(len(b) - len(p.b) - 1)
	p.b = b
}

// flags takes eight at most.
func (p *packer) flags(all ...bool) {
	var b byte
	for i, on := range all {
		if on {
			b |= 1 << i
		}
	}
	p.b = append(p.b, b)
}

func (p *packer) address(a Address) {
	p.text(a.Adapter)
	p.text(a.Name)
}

func (p *packer) party(a Party) {
	p.address(a.Address)
	p.text(a.Display)
}

func (p *packer) bodies(all []Body) {
	p.number(uint64(len(all)))
	for _, b := range all {
		p.text(b.Lang)
		p.text(b.Text)
	}
}

func (p *packer) group(g *groupInfo) {
	p.text(g.ID)
	p.party(g.Origin)
	p.party(g.Dest)
	p.text(g.Ref)
	p.number(uint64(g.Copies))
	p.flags(g.Want.Delivered, g.Want.Displayed, g.Want.Failed, g.Settled)
}

// An unpacker reads them. Behind the first that is not there, all are zero.
type unpacker struct {
	b   []byte
	err error
}

func (u *unpacker) fail() {
	u.b, u.err = nil, errPacked
}

// take gives the next n bytes.
func (u *unpacker) take(n uint64) []byte {
	if n > uint64(len(u.b)) {
		u.fail()
		return nil
	}
	b := u.b[:n]
	u.b = u.b[n:]
	return b
}

func (u *unpacker) number() uint64 {
	n, size := binary.Uvarint(u.b)
	if size <= 0 {
		u.fail()
		return 0
	}
	u.b = u.b[size:]
	return n
}

// count is a number that an int holds.
func (u *unpacker) count() int {
	n := u.number()
	if n > 1<<31-1 {
		u.fail()
		return 0
	}
	return int(n)
}

func (u *unpacker) byte() byte {
	if b := u.take(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

func (u *unpacker) text() string { return string(u.take(u.number())) }

func (u *unpacker) time() (t time.Time) {
	b := u.take(uint64(u.byte()))
	if u.err != nil {
		return t
	}
	if t.UnmarshalBinary(b) != nil {
		u.fail()
		return t
	}
	if _, err := t.MarshalJSON(); err != nil { // a year or a zone that there is not
		u.fail()
	}
	return t
}

func (u *unpacker) flags(all ...*bool) {
	b := u.byte()
	for i, on := range all {
		*on = b&(1<<i) != 0
	}
	if b>>len(all) != 0 {
		u.fail()
	}
}

func (u *unpacker) address() Address {
	adapter := u.text()
	return Address{Adapter: adapter, Name: u.text()}
}

func (u *unpacker) party() Party {
	a := u.address()
	return Party{Address: a, Display: u.text()}
}

func (u *unpacker) bodies() (all []Body) {
	n := u.number()
	if n > uint64(len(u.b))/2 { // each has two lengths at least
		u.fail()
		return nil
	}
	for range n {
		lang := u.text()
		all = append(all, Body{Lang: lang, Text: u.text()})
	}
	return all
}

func (u *unpacker) group() (g groupInfo) {
	g.ID = u.text()
	g.Origin, g.Dest = u.party(), u.party()
	g.Ref, g.Copies = u.text(), u.count()
	u.flags(&g.Want.Delivered, &g.Want.Displayed, &g.Want.Failed, &g.Settled)
	return g
}

// end says what was wrong; what is left over is too.
func (u *unpacker) end() error {
	if len(u.b) > 0 {
		u.fail()
	}
	return u.err
}
