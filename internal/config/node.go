package config

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// A node is one value of the file and its place.
type node struct {
	// kind is that of a value; Table and ArrayTable are what headers and
	// dotted keys make.
	kind unstable.Kind
	made how // of a Table
	key  int // offset of the key; in an array, of the value
	val  int // offset of the value; of a Table, of its key

	parent *node
	name   string // the key, in a table
	index  int    // in an array

	text  string           // of a scalar; of a string what it stands for
	keys  []string         // of a table, in the file's order
	kids  map[string]*node // of a table
	items []*node          // of an array
	// again are further nodes with the same key: reported when they were
	// found, kept so that what is wrong inside them is told too.
	again []*node
}

// how says what made a table, and so what may still add to it (TOML 1.0,
// "Table").
type how uint8

const (
	byValue  how = iota // an inline table: nothing
	byDots              // a dotted key: further dotted keys
	byPath              // part of a longer header: its own header
	byHeader            // its own header: headers of tables inside
)

func (n *node) isTable() bool {
	return n.kind == unstable.Table || n.kind == unstable.InlineTable
}

func (n *node) isArray() bool {
	return n.kind == unstable.Array || n.kind == unstable.ArrayTable
}

// add puts a new node into the table n.
func (n *node) add(kid *node) {
	if n.kids == nil {
		n.kids = map[string]*node{}
	}
	n.kids[kid.name] = kid
	n.keys = append(n.keys, kid.name)
}

// maxPath bounds a key in a message, in bytes and roughly: a file could make
// them as long as itself.
const maxPath = 256

// path is the whole key, "map[2].as.chat".
func (n *node) path() string {
	var parts []string
	size := 0
	for ; n.parent != nil; n = n.parent {
		part := ""
		switch {
		case n.parent.isArray():
			part = "[" + strconv.Itoa(n.index) + "]"
		case n.parent.parent == nil:
			part = quoteKey(n.name)
		default:
			part = "." + quoteKey(n.name)
		}
		parts = append(parts, part)
		if size += len(part); size > maxPath && n.parent.parent != nil {
			parts = append(parts, "…")
			break
		}
	}
	slices.Reverse(parts)
	return strings.Join(parts, "")
}

// quoteKey gives a key as a file would have it, cut if it is long.
func quoteKey(s string) string {
	if isBare(s) && len(s) <= maxPath {
		return s
	}
	return quoteString(cut(s, maxPath))
}

// cut shortens a text to at most n bytes and a mark that it was longer.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}

func isBare(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return s != ""
}

// find walks key, as in "lines.7001.user" or "home[1]", from n as far as the
// file goes. rest is what of it the file does not have.
func (n *node) find(key string) (at *node, rest string) {
	for key != "" {
		var kid *node
		kid, rest = n.step(key)
		if kid == nil {
			return n, key
		}
		n, key = kid, strings.TrimPrefix(rest, ".")
	}
	return n, ""
}

// step walks the first part of a key. The parts of a key may have dots in
// them, and adapters write them without quotes: the longest that is there wins.
func (n *node) step(key string) (kid *node, rest string) {
	if key[0] == '[' {
		end := strings.IndexByte(key, ']')
		i, err := strconv.Atoi(key[1:max(1, end)])
		switch {
		case err != nil || i < 0:
			return nil, key
		case i == 0 && !n.isArray() && !n.isTable(): // one value instead of an array of one
			return n, key[end+1:]
		case i >= len(n.items):
			return nil, key
		}
		return n.items[i], key[end+1:]
	}
	for end := len(key); end > 0; end = strings.LastIndexAny(key[:end], ".[") {
		name := key[:end]
		if q, err := strconv.Unquote(name); err == nil {
			name = q
		}
		for _, name := range []string{name, name + fileSuffix} {
			if kid := n.kids[name]; kid != nil {
				return kid, key[end:]
			}
		}
	}
	return nil, key
}
