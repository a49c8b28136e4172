package wire

// Limits bound one stanza before it is parsed.
type Limits struct {
	Bytes    int // of the whole stanza, as it is on the wire
	Depth    int // elements within each other, the stanza itself being 1
	Attrs    int // attributes of one element, namespace declarations among them
	Value    int // bytes of one attribute's value, as it is on the wire
	Elements int // in one stanza
}

// Defaults are the limits of a component's stream: as many bytes as the common
// servers let pass, and far more of the rest than any extension uses.
func Defaults() Limits {
	return Limits{Bytes: 512 << 10, Depth: 64, Attrs: 64, Value: 64 << 10, Elements: 10_000}
}

// maxHeader bounds the stream's own start tag.
const maxHeader = 16 << 10

// A Reason says why a stanza was dropped: a word for logs and metrics.
type Reason string

// The reasons.
const (
	TooLarge   Reason = "too-large"  // more than Limits.Bytes
	TooDeep    Reason = "too-deep"   // more than Limits.Depth
	TooMany    Reason = "too-many"   // more than Limits.Attrs or Limits.Elements
	ValueLong  Reason = "value-long" // more than Limits.Value
	Malformed  Reason = "malformed"  // does not decode
	Restricted Reason = "restricted" // has what RFC 6120 section 11.1 forbids
	Stray      Reason = "stray"      // a comment or the like between stanzas
	NoStanza   Reason = "no-stanza"  // an element that is none of this stream's
)

// OverLimit reports whether r is about a limit of ours rather than about the
// stanza's form.
func (r Reason) OverLimit() bool {
	return r == TooLarge || r == TooDeep || r == TooMany || r == ValueLong
}

// A Drop is a stanza that was not let through.
type Drop struct {
	Reason Reason
	// Head is what its start tag said; zero if that could not be read
	// within the limits.
	Head Head
}

// A Head is what the start tag of a stanza says, raw.
type Head struct {
	Name, ID, From, To, Type string
}
