package bridge

import (
	"errors"
	"strings"
)

// An Address names a party: an adapter of the mapping file and a name in that
// adapter's own form, e.g. {"chat", "alice@example.org"}.
type Address struct {
	Adapter string `json:"adapter"`
	// Name is the text form of a Name: parts joined by the separators of the
	// adapter's Naming, with a separator inside a part behind a backslash.
	Name string `json:"name"`
}

// String is the form of the mapping file, ADAPTER:NAME.
func (a Address) String() string { return a.Adapter + ":" + a.Name }

// IsZero reports whether a names nobody.
func (a Address) IsZero() bool { return a == Address{} }

// ParseAddress splits ADAPTER:NAME at the first colon. The name may be any
// text; the adapter's Naming says whether it is a good one.
func ParseAddress(s string) (Address, error) {
	adapter, name, ok := strings.Cut(s, ":")
	if !ok || adapter == "" || name == "" {
		return Address{}, errors.New("want ADAPTER:NAME, got " + quote(s))
	}
	return Address{Adapter: adapter, Name: name}, nil
}

// A Party is an address and what to call it where people read.
type Party struct {
	Address
	Display string `json:"display,omitempty"` // "" if none is known
}

// A Name is an address's name in its parts, unescaped. Which of them a kind of
// adapter has, Naming says; the others stay empty.
type Name struct {
	Lead string // before the first separator: a person within Main
	Main string // never empty
	Tail string // behind the last separator: one device of Lead
}

// bare is n without its Tail: what two names are compared by.
func (n Name) bare() Name { return Name{Lead: n.Lead, Main: n.Main} }

// maxPart bounds each part of a name, in bytes. It is what the strictest of
// the networks that have a bound takes (RFC 7622 section 3.1, rounded up).
const maxPart = 1024

// Naming is the form of one adapter's names, as values: the router works on
// names of every kind without knowing any.
type Naming struct {
	LeadSep byte // ends Lead; 0: names have no Lead
	TailSep byte // begins Tail; 0: names have no Tail
	// NeedLead refuses names without a Lead.
	NeedLead bool
	// Foreign: the adapter can't speak as its own network's parties, so a
	// sender of that network is shown there by `as` too.
	Foreign bool
	// Fold gives a name's canonical form, by which names compare, or an
	// error if it can't be a name at all. Folding twice is folding once.
	// nil: byte for byte.
	Fold func(Name) (Name, error)
	// Made says what is wrong with a folded name that a pattern, as it is written,
	// has become with what its variables stand for: a caller may have chosen
	// that. nil: nothing.
	Made func(pattern string, n Name) error
}

var errName = errors.New("not a name")

// Parse reads a name's text form, and folds it. A part is at most 1024 bytes.
func (n Naming) Parse(s string) (Name, error) {
	if len(s) > 3*2*maxPart { // every byte of every part behind a backslash
		return Name{}, errName
	}
	lead, main, tail, ok := n.split(s)
	if !ok {
		return Name{}, errName
	}
	return n.fold(Name{Lead: n.unescape(lead), Main: n.unescape(main), Tail: n.unescape(tail)})
}

// fold checks the bounds of name, and folds it.
func (n Naming) fold(name Name) (Name, error) {
	if !n.fits(name) {
		return Name{}, errName
	}
	if n.Fold == nil {
		return name, nil
	}
	folded, err := n.Fold(name)
	if err != nil {
		return Name{}, err
	}
	if !n.fits(folded) {
		return Name{}, errName
	}
	return folded, nil
}

// fits reports whether name has the parts that it must have and no others,
// and none too long.
func (n Naming) fits(name Name) bool {
	return name.Main != "" && (name.Lead != "" || !n.NeedLead) &&
		(name.Lead == "" || n.LeadSep != 0) && (name.Tail == "" || n.TailSep != 0) &&
		len(name.Lead) <= maxPart && len(name.Main) <= maxPart && len(name.Tail) <= maxPart
}

// Text is the inverse of Parse.
func (n Naming) Text(name Name) string {
	if name.Lead == "" && name.Tail == "" && !n.anySpecial(name.Main) {
		return name.Main
	}
	var b strings.Builder
	if name.Lead != "" && n.LeadSep != 0 {
		n.escape(&b, name.Lead)
		b.WriteByte(n.LeadSep)
	}
	n.escape(&b, name.Main)
	if name.Tail != "" && n.TailSep != 0 {
		b.WriteByte(n.TailSep)
		n.escape(&b, name.Tail)
	}
	return b.String()
}

// split cuts at the first separators that stand outside an escape and outside
// the braces of a pattern. ok is false where a part that is there is empty.
func (n Naming) split(s string) (lead, main, tail string, ok bool) {
	main, ok = s, true
	if n.TailSep != 0 {
		if i := indexBare(main, n.TailSep); i >= 0 {
			main, tail = main[:i], main[i+1:]
			ok = tail != ""
		}
	}
	if n.LeadSep != 0 {
		if i := indexBare(main, n.LeadSep); i >= 0 {
			lead, main = main[:i], main[i+1:]
			ok = ok && lead != ""
		}
	}
	return lead, main, tail, ok && main != ""
}

// indexBare finds c outside escapes and outside balanced braces, or gives -1.
func indexBare(s string, c byte) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\':
			i++
		case s[i] == '{':
			depth++
		case s[i] == '}':
			depth--
		case s[i] == c && depth <= 0:
			return i
		}
	}
	return -1
}

// special reports whether c is written behind a backslash.
func (n Naming) special(c byte) bool {
	return c == '\\' || c == '{' || c == '}' || c != 0 && (c == n.LeadSep || c == n.TailSep)
}

func (n Naming) anySpecial(s string) bool {
	for i := range len(s) {
		if n.special(s[i]) {
			return true
		}
	}
	return false
}

func (n Naming) escape(b *strings.Builder, part string) {
	b.Grow(len(part) + 2)
	for i := 0; i < len(part); i++ {
		if n.special(part[i]) {
			b.WriteByte('\\')
		}
		b.WriteByte(part[i])
	}
}

// escapable are the bytes from which a backslash is taken away in the names of
// every adapter, its own separators apart. Any other backslash stays.
const escapable = `@/:{}\`

func (n Naming) unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && (n.special(s[i+1]) || strings.IndexByte(escapable, s[i+1]) >= 0) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
