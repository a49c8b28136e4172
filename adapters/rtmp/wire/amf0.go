package wire

import (
	"encoding/binary"
	"fmt"
	"math"
)

// The markers of AMF0 (section 2.1).
const (
	amf0Number      = 0x00
	amf0Boolean     = 0x01
	amf0String      = 0x02
	amf0Object      = 0x03
	amf0MovieClip   = 0x04
	amf0Null        = 0x05
	amf0Undefined   = 0x06
	amf0Reference   = 0x07
	amf0Assoc       = 0x08
	amf0End         = 0x09
	amf0Array       = 0x0a
	amf0Date        = 0x0b
	amf0LongString  = 0x0c
	amf0Unsupported = 0x0d
	amf0RecordSet   = 0x0e
	amf0XML         = 0x0f
	amf0Typed       = 0x10
	amf0ToAMF3      = 0x11
)

// ParseAMF0 reads the values that b is a row of. Values of AMF3 may be among
// them (AMF0 section 3.1).
func ParseAMF0(b []byte, bounds Bounds) ([]any, error) {
	r := reader{b: b, left: bounds}
	var row []any
	for len(r.b) > 0 {
		row = append(row, r.amf0())
	}
	if r.failed != nil {
		return nil, fmt.Errorf("read AMF: %w", r.failed)
	}
	return row, nil
}

func (r *reader) amf0() any {
	if !r.count(1) {
		return nil
	}
	switch marker := r.byte(); marker {
	case amf0Number:
		return r.number()
	case amf0Boolean:
		return r.byte() != 0
	case amf0String:
		return r.text(r.uint16())
	case amf0Object:
		return r.amf0Object(Object{})
	case amf0Null:
		return nil
	case amf0Undefined, amf0Unsupported:
		return Undefined{}
	case amf0Reference:
		return r.refer(r.complexes, r.uint16())
	case amf0Assoc:
		r.uint32() // a hint of how many: the end is marked
		return r.amf0Object(Object{Assoc: true})
	case amf0Array:
		return r.amf0Array()
	case amf0Date:
		d := Date(r.number())
		r.uint16() // a time zone that is reserved
		return d
	case amf0LongString:
		return r.text(r.uint32())
	case amf0XML:
		return XML(r.text(r.uint32()))
	case amf0Typed:
		return r.amf0Object(Object{Class: r.text(r.uint16())})
	case amf0ToAMF3:
		return r.amf3Value()
	default: // MovieClip and RecordSet are reserved, too
		r.fail(fmt.Errorf("%w: marker %#x", errForm, marker))
		return nil
	}
}

// amf0Object reads fields up to the mark of their end, which an associative
// array may lack at the end of the body.
func (r *reader) amf0Object(o Object) any {
	return r.remember(&r.complexes, func() any {
		r.deeper(func() {
			for r.failed == nil {
				if o.Assoc && len(r.b) == 0 {
					return
				}
				name := r.text(r.uint16())
				if name == "" && len(r.b) > 0 && r.b[0] == amf0End {
					r.b = r.b[1:]
					return
				}
				o.Fields = append(o.Fields, Field{name, r.amf0()})
			}
		})
		return o
	})
}

// amf0Array reads an array. Each of its values takes at least a byte, so a count
// that is larger than what is left is refused before there is memory for it.
func (r *reader) amf0Array() any {
	n := r.uint32()
	if n > len(r.b) {
		r.fail(errShort)
		return nil
	}
	if n > r.left.Elements {
		r.fail(errMany)
		return nil
	}
	return r.remember(&r.complexes, func() any {
		row := make([]any, 0, n)
		r.deeper(func() {
			for len(row) < n && r.failed == nil {
				row = append(row, r.amf0())
			}
		})
		return row
	})
}

func (r *reader) uint16() int {
	if b := r.take(2); b != nil {
		return int(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (r *reader) uint32() int {
	if b := r.take(4); b != nil {
		return int(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (r *reader) number() float64 {
	if b := r.take(8); b != nil {
		return math.Float64frombits(binary.BigEndian.Uint64(b))
	}
	return 0
}

// AppendAMF0 writes values. Whole numbers and strings may also be of Go's int
// and uint32. What AMF0 has no form for is written as undefined.
func AppendAMF0(b []byte, values ...any) []byte {
	for _, v := range values {
		b = appendAMF0(b, v)
	}
	return b
}

func appendAMF0(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, amf0Null)
	case bool:
		if v {
			return append(b, amf0Boolean, 1)
		}
		return append(b, amf0Boolean, 0)
	case float64:
		return appendNumber(append(b, amf0Number), v)
	case int:
		return appendNumber(append(b, amf0Number), float64(v))
	case uint32:
		return appendNumber(append(b, amf0Number), float64(v))
	case string:
		if len(v) > math.MaxUint16 {
			return appendLong(append(b, amf0LongString), v)
		}
		return appendShort(append(b, amf0String), v)
	case XML:
		return appendLong(append(b, amf0XML), string(v))
	case Date:
		return append(appendNumber(append(b, amf0Date), float64(v)), 0, 0)
	case []any:
		b = binary.BigEndian.AppendUint32(append(b, amf0Array), uint32(len(v)))
		return AppendAMF0(b, v...)
	case Object:
		return appendObject(b, v)
	default:
		return append(b, amf0Undefined)
	}
}

func appendObject(b []byte, o Object) []byte {
	switch {
	case o.Class != "":
		b = appendShort(append(b, amf0Typed), o.Class)
	case o.Assoc:
		b = binary.BigEndian.AppendUint32(append(b, amf0Assoc), uint32(len(o.Fields)))
	default:
		b = append(b, amf0Object)
	}
	for _, f := range o.Fields {
		b = appendAMF0(appendShort(b, f.Name), f.Value)
	}
	return append(b, 0, 0, amf0End)
}

func appendNumber(b []byte, f float64) []byte {
	return binary.BigEndian.AppendUint64(b, math.Float64bits(f))
}

// appendShort writes a string with its length in two bytes; one that does not
// fit is cut.
func appendShort(b []byte, s string) []byte {
	s = s[:min(len(s), math.MaxUint16)]
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}

func appendLong(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}
