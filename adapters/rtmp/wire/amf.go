package wire

import (
	"errors"
	"fmt"
)

// An AMF value is one of nil (null), Undefined, bool, float64, string, Object,
// []any (a strict or dense array), Date, XML or []byte (AMF3's ByteArray, and its vectors of
// numbers as they lie on the wire).
type (
	// Undefined is ActionScript's undefined.
	Undefined struct{}
	// Date is a time in ms since 1970, UTC.
	Date float64
	// XML is an XML document, as text.
	XML string
)

// An Object has named fields in an order.
type Object struct {
	Class  string // "" for an anonymous one
	Assoc  bool   // an associative ("ECMA") array
	Fields []Field
}

// A Field is one of an object's.
type Field struct {
	Name  string
	Value any
}

// Get is the value of the first field of that name; nil if there is none.
func (o Object) Get(name string) any {
	for _, f := range o.Fields {
		if f.Name == name {
			return f.Value
		}
	}
	return nil
}

// Obj makes an anonymous object of names and values by turns.
func Obj(namesAndValues ...any) Object {
	var o Object
	for i := 0; i+1 < len(namesAndValues); i += 2 {
		if name, ok := namesAndValues[i].(string); ok {
			o.Fields = append(o.Fields, Field{name, namesAndValues[i+1]})
		}
	}
	return o
}

// Text is v if it is a string, else "".
func Text(v any) string {
	s, _ := v.(string)
	return s
}

// Number is v if it is a number, else 0.
func Number(v any) float64 {
	f, _ := v.(float64)
	return f
}

var (
	errShort = errors.New("an AMF value ends early")
	errDepth = errors.New("AMF values nested too deep")
	errMany  = errors.New("too many AMF values")
	errText  = errors.New("an AMF string is too long")
	errForm  = errors.New("no AMF value")
	errRef   = errors.New("a reference to no AMF value")
)

// A reader takes values off a message's body within bounds. A body is one
// context for both encodings.
type reader struct {
	b      []byte
	left   Bounds // Depth: how much deeper it may go
	failed error

	complexes []complexValue // what AMF0 references mean
}

// A complexValue is an object or array, which can be referred to. Its weight is how many
// values are in it: a reference to it costs as much, else a few bytes could mean
// millions of values.
type complexValue struct {
	value  any
	weight int
	whole  bool
}

func (r *reader) fail(err error) {
	if r.failed == nil {
		r.failed = err
		r.b = nil
	}
}

// take is the next n bytes; nil if they are not there.
func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.fail(errShort)
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

// count charges n values.
func (r *reader) count(n int) bool {
	if n > r.left.Elements {
		r.fail(errMany)
		return false
	}
	r.left.Elements -= n
	return r.failed == nil
}

// text is a string of n bytes.
func (r *reader) text(n int) string {
	if n > r.left.Text {
		r.fail(errText)
		return ""
	}
	return string(r.take(n))
}

// deeper runs f one level further in.
func (r *reader) deeper(f func()) {
	if r.left.Depth <= 0 {
		r.fail(errDepth)
		return
	}
	r.left.Depth--
	f()
	r.left.Depth++
}

// remember keeps a complex value in table for references: f builds it. A
// reference to it from inside of itself finds it not whole.
func (r *reader) remember(table *[]complexValue, f func() any) any {
	at, before := len(*table), r.left.Elements
	*table = append(*table, complexValue{})
	v := f()
	(*table)[at] = complexValue{value: v, weight: before - r.left.Elements, whole: true}
	return v
}

// refer is what a reference means. One into itself is undefined: legal, and of
// no use to anybody here.
func (r *reader) refer(table []complexValue, i int) any {
	if i < 0 || i >= len(table) {
		r.fail(fmt.Errorf("%w: %d", errRef, i))
		return nil
	}
	c := table[i]
	if !c.whole {
		return Undefined{}
	}
	if !r.count(c.weight) {
		return nil
	}
	return c.value
}
