package config

import (
	"errors"

	"github.com/pelletier/go-toml/v2/unstable"
)

// builder makes a tree of nodes of a file. go-toml's parser does not say where
// something is there twice, so the builder does (TOML 1.0, "Keys", "Table",
// "Inline Table", "Array of Tables").
type builder struct {
	parser unstable.Parser
	src    *source
	probs  *problems
	root   *node
	table  *node // what key-value lines go into
}

// parse gives the tree, or reports a mistake of syntax and gives nil.
func parse(src *source, probs *problems) *node {
	root := &node{kind: unstable.Table, made: byHeader}
	b := builder{src: src, probs: probs, root: root, table: root}
	b.parser.Reset(src.data)
	for b.parser.NextExpression() {
		switch e := b.parser.Expression(); e.Kind {
		case unstable.Table:
			b.table = b.header(e, b.openTable)
		case unstable.ArrayTable:
			b.table = b.header(e, b.openElement)
		default:
			b.keyValue(b.table, e)
		}
	}
	if err := b.parser.Error(); err != nil {
		// What was found before it may be a consequence of it.
		probs.list = nil
		probs.at(b.offset(err), "", "%s", err.Error())
		return nil
	}
	return root
}

// offset finds the place of a syntax error. Its highlight is a part of the
// file's bytes, so the room left behind it tells where it begins; the same is
// how the parser itself does it.
func (b *builder) offset(err error) int {
	var perr *unstable.ParserError
	if !errors.As(err, &perr) {
		return 0
	}
	if off := cap(b.src.data) - cap(perr.Highlight); off >= 0 && off < len(b.src.data) {
		return off
	}
	return len(b.src.data)
}

// header walks the key of a table's header up to its last part and has open
// find or make the table for that.
func (b *builder) header(e *unstable.Node, open func(in *node, name string, off int) *node) *node {
	t := b.root
	for it := e.Key(); it.Next(); {
		part := it.Node()
		name, off := string(part.Data), int(part.Raw.Offset)
		if it.IsLast() {
			return open(t, name, off)
		}
		kid := t.kids[name]
		switch {
		case kid == nil:
			kid = newTable(t, name, off, byPath)
			t.add(kid)
		case kid.kind == unstable.ArrayTable:
			kid = kid.items[len(kid.items)-1]
		case kid.kind != unstable.Table:
			b.twice(kid, off)
			return newTable(t, name, off, byHeader) // for the lines that follow
		}
		t = kid
	}
	return t
}

func (b *builder) openTable(in *node, name string, off int) *node {
	kid := in.kids[name]
	switch {
	case kid == nil:
		kid = newTable(in, name, off, byHeader)
		in.add(kid)
	case kid.kind == unstable.Table && kid.made == byPath:
		kid.made, kid.key, kid.val = byHeader, off, off
	default:
		b.twice(kid, off)
		twin := newTable(in, name, off, byHeader)
		kid.again = append(kid.again, twin)
		kid = twin
	}
	return kid
}

func (b *builder) openElement(in *node, name string, off int) *node {
	array := in.kids[name]
	switch {
	case array == nil:
		array = &node{kind: unstable.ArrayTable, key: off, val: off, parent: in, name: name}
		in.add(array)
	case array.kind != unstable.ArrayTable:
		b.twice(array, off)
		return newTable(in, name, off, byHeader)
	}
	item := newTable(array, "", off, byHeader)
	item.index = len(array.items)
	array.items = append(array.items, item)
	return item
}

func newTable(in *node, name string, off int, made how) *node {
	return &node{kind: unstable.Table, made: made, key: off, val: off, parent: in, name: name}
}

// keyValue puts what a line, or a pair of an inline table, says into t.
func (b *builder) keyValue(t *node, e *unstable.Node) {
	for it := e.Key(); it.Next(); {
		part := it.Node()
		name, off := string(part.Data), int(part.Raw.Offset)
		kid := t.kids[name]
		switch {
		case it.IsLast():
			n := &node{parent: t, name: name, key: off}
			if kid == nil {
				t.add(n)
			} else {
				b.twice(kid, off)
				kid.again = append(kid.again, n)
			}
			b.value(n, e.Value(), b.valueAt(e))
			return
		case kid == nil:
			kid = newTable(t, name, off, byDots)
			t.add(kid)
		case kid.kind != unstable.Table || kid.made != byDots:
			b.twice(kid, off)
			return
		}
		t = kid
	}
}

// value fills n with a value, which begins at off if it does not say so itself.
func (b *builder) value(n *node, v *unstable.Node, off int) {
	n.kind, n.val = v.Kind, off
	if v.Raw.Length > 0 {
		n.val = int(v.Raw.Offset)
	}
	if n.parent.isArray() {
		n.key = n.val
	}
	switch v.Kind {
	case unstable.Array:
		for it := v.Children(); it.Next(); {
			item := &node{parent: n, index: len(n.items)}
			n.items = append(n.items, item)
			b.value(item, it.Node(), n.val)
		}
	case unstable.InlineTable:
		for it := v.Children(); it.Next(); {
			b.keyValue(n, it.Node())
		}
	default:
		n.text = string(v.Data)
	}
}

// valueAt finds where the value of a key-value begins: the parser does not say
// it of arrays.
func (b *builder) valueAt(e *unstable.Node) int {
	off := int(e.Raw.Offset)
	for it := e.Key(); it.Next(); {
		off = int(it.Node().Raw.Offset + it.Node().Raw.Length)
	}
	for off < len(b.src.data) && (b.src.data[off] == ' ' || b.src.data[off] == '\t' || b.src.data[off] == '=') {
		off++
	}
	return off
}

// twice reports that what stands at off is there already, as first.
func (b *builder) twice(first *node, off int) {
	line, _ := b.src.position(first.key)
	b.probs.at(off, first.path(), "is there already, in line %d", line)
}
