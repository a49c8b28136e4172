package peer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// An OSCMessage is one message of OSC 1.0.
type OSCMessage struct {
	Address string
	// Args are int32, int64, float32, float64, string, []byte, bool or nil: the
	// type tags i, h, f, d, s, b, T or F, and N.
	Args []any
}

// oscBundle begins a bundle, and the time tag behind it means "at once".
const (
	oscBundle  = "#bundle\x00"
	oscAtOnce  = 1
	oscDeepest = 8 // bundles within bundles that are read
)

var errOSC = errors.New("not OSC")

// Packet is the message as it stands in a datagram of its own. An argument of
// another type than the above is written as the text that fmt makes of it.
func (m OSCMessage) Packet() []byte {
	b := appendOSCString(nil, m.Address)
	tags, args := []byte{','}, []byte(nil)
	for _, a := range m.Args {
		switch v := a.(type) {
		case int32:
			tags, args = append(tags, 'i'), binary.BigEndian.AppendUint32(args, uint32(v))
		case int64:
			tags, args = append(tags, 'h'), binary.BigEndian.AppendUint64(args, uint64(v))
		case float32:
			tags, args = append(tags, 'f'), binary.BigEndian.AppendUint32(args, math.Float32bits(v))
		case float64:
			tags, args = append(tags, 'd'), binary.BigEndian.AppendUint64(args, math.Float64bits(v))
		case []byte:
			tags, args = append(tags, 'b'), binary.BigEndian.AppendUint32(args, uint32(len(v)))
			args = padOSC(append(args, v...))
		case bool:
			if tags = append(tags, 'F'); v {
				tags[len(tags)-1] = 'T'
			}
		case nil:
			tags = append(tags, 'N')
		default:
			tags, args = append(tags, 's'), appendOSCString(args, fmt.Sprint(v))
		}
	}
	return append(appendOSCString(b, string(tags)), args...)
}

// OSCBundle is messages in one datagram, to be taken at once.
func OSCBundle(messages ...OSCMessage) []byte {
	b := binary.BigEndian.AppendUint64([]byte(oscBundle), oscAtOnce)
	for _, m := range messages {
		p := m.Packet()
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(p))), p...)
	}
	return b
}

// ParseOSC gives the messages of a datagram, those of bundles and of bundles in
// them too, in their order.
func ParseOSC(packet []byte) ([]OSCMessage, error) { return parseOSC(packet, 0) }

func parseOSC(packet []byte, depth int) ([]OSCMessage, error) {
	if !bytes.HasPrefix(packet, []byte(oscBundle)) {
		m, err := parseOSCMessage(packet)
		if err != nil {
			return nil, err
		}
		return []OSCMessage{m}, nil
	}
	if len(packet) < 16 || depth == oscDeepest {
		return nil, fmt.Errorf("%w: a bundle that is cut off or too deep", errOSC)
	}
	var all []OSCMessage
	for rest := packet[16:]; len(rest) > 0; {
		if len(rest) < 4 {
			return nil, fmt.Errorf("%w: an element without a size", errOSC)
		}
		n := int64(binary.BigEndian.Uint32(rest))
		if rest = rest[4:]; n > int64(len(rest)) {
			return nil, fmt.Errorf("%w: an element of %d bytes where %d are left", errOSC, n, len(rest))
		}
		messages, err := parseOSC(rest[:n], depth+1)
		if err != nil {
			return nil, err
		}
		all, rest = append(all, messages...), rest[n:]
	}
	return all, nil
}

func parseOSCMessage(packet []byte) (m OSCMessage, err error) {
	if len(packet) == 0 || packet[0] != '/' || len(packet)%4 != 0 {
		return m, fmt.Errorf("%w: %d bytes without an address", errOSC, len(packet))
	}
	var rest []byte
	if m.Address, rest, err = cutOSCString(packet); err != nil {
		return m, err
	}
	tags, rest, err := cutOSCString(rest)
	if err != nil || tags == "" || tags[0] != ',' {
		return m, fmt.Errorf("%w: no type tags", errOSC)
	}
	for _, tag := range []byte(tags[1:]) {
		var a any
		if a, rest, err = cutOSCArg(tag, rest); err != nil {
			return m, err
		}
		m.Args = append(m.Args, a)
	}
	if len(rest) > 0 {
		return m, fmt.Errorf("%w: %d bytes behind the arguments", errOSC, len(rest))
	}
	return m, nil
}

// cutOSCArg takes one argument off b.
func cutOSCArg(tag byte, b []byte) (any, []byte, error) {
	size := map[byte]int{'i': 4, 'f': 4, 'h': 8, 'd': 8, 'b': 4}[tag]
	if len(b) < size {
		return nil, nil, fmt.Errorf("%w: an argument is cut off", errOSC)
	}
	switch tag {
	case 'i':
		return int32(binary.BigEndian.Uint32(b)), b[4:], nil
	case 'f':
		return math.Float32frombits(binary.BigEndian.Uint32(b)), b[4:], nil
	case 'h':
		return int64(binary.BigEndian.Uint64(b)), b[8:], nil
	case 'd':
		return math.Float64frombits(binary.BigEndian.Uint64(b)), b[8:], nil
	case 'b':
		n := int64(binary.BigEndian.Uint32(b))
		if padded := (n + 3) &^ 3; padded <= int64(len(b)-4) {
			return b[4 : 4+n], b[4+padded:], nil
		}
		return nil, nil, fmt.Errorf("%w: a blob is cut off", errOSC)
	case 's':
		s, rest, err := cutOSCString(b)
		return s, rest, err
	case 'T', 'F':
		return tag == 'T', b, nil
	case 'N':
		return nil, b, nil
	default:
		return nil, nil, fmt.Errorf("%w: type tag %q", errOSC, tag)
	}
}

// appendOSCString writes s, a NUL and as many more as fill four bytes. A NUL
// within s ends it.
func appendOSCString(b []byte, s string) []byte {
	if i := bytes.IndexByte([]byte(s), 0); i >= 0 {
		s = s[:i]
	}
	return padOSC(append(append(b, s...), 0))
}

// padOSC fills up four bytes; b must begin where four bytes begin.
func padOSC(b []byte) []byte {
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

func cutOSCString(b []byte) (string, []byte, error) {
	i := bytes.IndexByte(b, 0)
	if i < 0 || (i+4)&^3 > len(b) {
		return "", nil, fmt.Errorf("%w: a string without an end", errOSC)
	}
	return string(b[:i]), b[(i+4)&^3:], nil
}
