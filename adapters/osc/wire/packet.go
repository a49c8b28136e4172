package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// Bounds on packets, in bytes.
const (
	// MaxPacket is what one UDP datagram over IPv4 can carry.
	MaxPacket = 65507
	// MaxMember is the longest packet that the members of a group are sent:
	// OscGroupClient reads into 4098 bytes and ends at what was cut.
	MaxMember = 4096
)

// maxDepth bounds how deep bundles may lie in one another.
const maxDepth = 8

const bundleHeader = 16 // "#bundle", NUL, and the time tag

var bundleMark = []byte("#bundle\x00")

// Why a packet is none.
var (
	errSize    = errors.New("the size is not a multiple of 4")
	errShort   = errors.New("ends too early")
	errAddress = errors.New("begins with neither an address nor #bundle")
	errString  = errors.New("a string has no end, or is padded with something")
	errTags    = errors.New("no type tags")
	errTag     = errors.New("an unknown type tag")
	errArray   = errors.New("brackets that do not match")
	errDepth   = errors.New("bundles too deep in one another")
)

// Check says what is wrong with a packet, a message or a bundle, down to its
// last element (OSC 1.0, "OSC Packets"). It is stricter than the book in one
// point: messages must have type tags, and strings be padded with NUL, for
// there are programs that end at the sight of others. What follows the last
// argument does not matter. It allocates nothing.
func Check(p []byte) error { return check(p, 0) }

func check(p []byte, depth int) error {
	if len(p)%4 != 0 {
		return errSize
	}
	if !IsBundle(p) {
		var m Message
		return m.read(p)
	}
	if depth >= maxDepth {
		return errDepth
	}
	for rest := p[bundleHeader:]; len(rest) > 0; {
		element, more, err := cutElement(rest)
		if err != nil {
			return err
		}
		if err := check(element, depth+1); err != nil {
			return err
		}
		rest = more
	}
	return nil
}

// IsBundle reports whether p begins as a bundle does.
func IsBundle(p []byte) bool { return len(p) >= bundleHeader && bytes.HasPrefix(p, bundleMark) }

// cutElement takes the first element from what follows a bundle's header.
func cutElement(p []byte) (element, rest []byte, err error) {
	if len(p) < 4 {
		return nil, nil, errShort
	}
	n := binary.BigEndian.Uint32(p)
	if n%4 != 0 {
		return nil, nil, errSize
	}
	if uint64(n) > uint64(len(p)-4) {
		return nil, nil, errShort
	}
	return p[4 : 4+n], p[4+n:], nil
}

// A Message is a view of one message: parts of the packet, which it does not
// own.
type Message struct {
	Raw     []byte // the whole of it
	Address []byte // without its padding, e.g. "/fader/1"
	Tags    []byte // without the comma
	args    []byte
}

// Parse reads a packet that is a single message, and checks that every
// argument is there.
func Parse(p []byte) (Message, error) {
	var m Message
	if err := m.read(p); err != nil {
		return Message{}, err
	}
	return m, nil
}

// read is Parse, in place: packets that are only handed on are read so.
func (m *Message) read(p []byte) error {
	if len(p)%4 != 0 {
		return errSize
	}
	if len(p) == 0 || p[0] != '/' {
		return errAddress
	}
	var rest []byte
	var ok bool
	m.Raw = p
	if m.Address, rest, ok = cutString(p); !ok {
		return errString
	}
	if len(rest) == 0 || rest[0] != ',' {
		return errTags
	}
	if m.Tags, m.args, ok = cutString(rest); !ok {
		return errString
	}
	m.Tags = m.Tags[1:]
	return checkArguments(m.Tags, m.args)
}

// checkArguments checks that all arguments are there, and brackets match.
func checkArguments(tags, data []byte) error {
	depth := 0
	for _, tag := range tags {
		_, _, next, err := span(tag, data)
		if err != nil {
			return err
		}
		data = data[next:]
		switch tag {
		case '[':
			depth++
		case ']':
			if depth--; depth < 0 {
				return errArray
			}
		}
	}
	if depth != 0 {
		return errArray
	}
	return nil
}

// span is where the value of an argument with that tag begins and ends in data, and
// where the next argument begins.
func span(tag byte, data []byte) (from, to, next int, err error) {
	switch tag {
	case 'i', 'f', 'c', 'r', 'm':
		to = 4
	case 'h', 'd', 't':
		to = 8
	case 's', 'S':
		s, rest, ok := cutString(data)
		if !ok {
			return 0, 0, 0, errString
		}
		return 0, len(s), len(data) - len(rest), nil
	case 'b':
		if len(data) < 4 {
			return 0, 0, 0, errShort
		}
		n := binary.BigEndian.Uint32(data)
		if uint64(n) > uint64(len(data)-4) {
			return 0, 0, 0, errShort
		}
		from, to = 4, 4+int(n)
	case 'T', 'F', 'N', 'I', '[', ']':
	default:
		return 0, 0, 0, errTag
	}
	if next = (to + 3) / 4 * 4; next > len(data) {
		return 0, 0, 0, errShort
	}
	return from, to, next, nil
}

// cutString takes an OSC-string from p: bytes, a NUL, and more of them up to a
// multiple of 4.
func cutString(p []byte) (s, rest []byte, ok bool) {
	end := bytes.IndexByte(p, 0)
	if end < 0 {
		return nil, nil, false
	}
	next := end/4*4 + 4
	if next > len(p) {
		return nil, nil, false
	}
	for _, c := range p[end:next] {
		if c != 0 {
			return nil, nil, false
		}
	}
	return p[:end], p[next:], true
}

// A Cursor walks through a message's arguments.
type Cursor struct {
	tags, data []byte
	// Value is the last argument's: of s and S without the padding, of b
	// without size and padding, of i f c r m 4 bytes, of h d t 8, else none.
	Value []byte
}

// Arguments begins before the first argument.
func (m Message) Arguments() Cursor { return Cursor{tags: m.Tags, data: m.args} }

// Next goes to the next argument and gives its type tag. ok is false behind the
// last one.
func (c *Cursor) Next() (tag byte, ok bool) {
	if len(c.tags) == 0 {
		return 0, false
	}
	tag, c.tags, c.Value = c.tags[0], c.tags[1:], nil
	from, to, next, err := span(tag, c.data)
	if err != nil {
		return tag, false
	}
	if to > 0 {
		c.Value = c.data[from:to]
	}
	c.data = c.data[next:]
	return tag, true
}

// Int is the value of an i, or of an h that fits.
func (c *Cursor) Int() int64 {
	switch len(c.Value) {
	case 4:
		return int64(int32(binary.BigEndian.Uint32(c.Value)))
	case 8:
		return int64(binary.BigEndian.Uint64(c.Value))
	}
	return 0
}

// Each calls f for the messages of a packet that Check has passed, those of
// bundles in the order of their bytes.
func Each(p []byte, f func(Message)) { each(p, 0, f) }

func each(p []byte, depth int, f func(Message)) {
	if !IsBundle(p) {
		if m, err := Parse(p); err == nil {
			f(m)
		}
		return
	}
	for rest := p[bundleHeader:]; len(rest) > 0 && depth < maxDepth; {
		element, more, err := cutElement(rest)
		if err != nil {
			return
		}
		each(element, depth+1, f)
		rest = more
	}
}

// First is a packet's first message, as far as it can be told without looking
// at the rest of the packet.
func First(p []byte) (Message, bool) {
	first, ok := cutFirst(p)
	if !ok {
		return Message{}, false
	}
	m, err := Parse(first)
	return m, err == nil
}

// FirstAddress is the address of a packet's first message, if it has one. It looks
// at nothing else, so it is for packets that Check has passed.
func FirstAddress(p []byte) ([]byte, bool) {
	first, ok := cutFirst(p)
	if !ok || len(first) == 0 || first[0] != '/' {
		return nil, false
	}
	address, _, ok := cutString(first)
	return address, ok
}

// cutFirst is the part of a packet that should be its first message.
func cutFirst(p []byte) ([]byte, bool) {
	for range maxDepth {
		if !IsBundle(p) {
			return p, true
		}
		if len(p) == bundleHeader {
			return nil, false
		}
		element, _, err := cutElement(p[bundleHeader:])
		if err != nil {
			return nil, false
		}
		p = element
	}
	return nil, false
}
