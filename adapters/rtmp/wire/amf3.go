package wire

import (
	"fmt"
	"math"
	"strconv"
)

// The markers of AMF3 (section 3.1).
const (
	amf3Undefined    = 0x00
	amf3Null         = 0x01
	amf3False        = 0x02
	amf3True         = 0x03
	amf3Integer      = 0x04
	amf3Double       = 0x05
	amf3String       = 0x06
	amf3XMLDoc       = 0x07
	amf3Date         = 0x08
	amf3Array        = 0x09
	amf3Object       = 0x0a
	amf3XML          = 0x0b
	amf3ByteArray    = 0x0c
	amf3VectorInt    = 0x0d
	amf3VectorUint   = 0x0e
	amf3VectorDouble = 0x0f
	amf3VectorObject = 0x10
	amf3Dictionary   = 0x11
)

// traits describe objects of one class (section 3.12).
type traits struct {
	class    string
	names    []string
	dynamic  bool
	external bool
}

// amf3 reads values of AMF3. Its tables are of one value in an AMF0 body, as
// Flash has it.
type amf3 struct {
	*reader
	strings []string
	traits  []traits
	objects []complexValue
}

// amf3Value reads one value of AMF3 with tables of its own.
func (r *reader) amf3Value() any { return (&amf3{reader: r}).value() }

// ParseAMF3 reads one value.
func ParseAMF3(b []byte, bounds Bounds) (any, error) {
	r := reader{b: b, left: bounds}
	v := r.amf3Value()
	if r.failed != nil {
		return nil, fmt.Errorf("read AMF3: %w", r.failed)
	}
	return v, nil
}

func (a *amf3) value() any {
	if !a.count(1) {
		return nil
	}
	switch marker := a.byte(); marker {
	case amf3Undefined:
		return Undefined{}
	case amf3Null:
		return nil
	case amf3False:
		return false
	case amf3True:
		return true
	case amf3Integer:
		return float64(int32(a.u29()) << 3 >> 3) // 29 bits with a sign
	case amf3Double:
		return a.number()
	case amf3String:
		return a.string()
	case amf3XMLDoc, amf3XML:
		return a.object(func(n int) any { return XML(a.text(n)) })
	case amf3Date:
		return a.object(func(int) any { return Date(a.number()) })
	case amf3Array:
		return a.object(a.array)
	case amf3Object:
		return a.object(a.fields)
	case amf3ByteArray:
		return a.object(func(n int) any { return a.bytes(n) })
	case amf3VectorInt, amf3VectorUint:
		return a.object(func(n int) any { return a.vector(n, 4) })
	case amf3VectorDouble:
		return a.object(func(n int) any { return a.vector(n, 8) })
	case amf3VectorObject:
		return a.object(a.vectorObject)
	case amf3Dictionary:
		return a.object(a.dictionary)
	default:
		a.fail(fmt.Errorf("%w: marker %#x of AMF3", errForm, marker))
		return nil
	}
}

// u29 is a number of up to four bytes (section 1.3.1).
func (a *amf3) u29() (n uint32) {
	for i := range 4 {
		c := a.byte()
		if i == 3 {
			return n<<8 | uint32(c)
		}
		n = n<<7 | uint32(c&0x7f)
		if c < 0x80 {
			break
		}
	}
	return n
}

// head is a U29 whose lowest bit says whether the rest is a length, or where
// what is meant stands in its table.
func (a *amf3) head() (n int, here bool) {
	u := a.u29()
	return int(u >> 1), u&1 != 0
}

func (a *amf3) string() string {
	n, here := a.head()
	if !here {
		if n >= len(a.strings) {
			a.fail(errRef)
			return ""
		}
		return a.strings[n]
	}
	s := a.text(n)
	if s != "" { // the empty one is never referred to
		a.strings = append(a.strings, s)
	}
	return s
}

// object reads a value that can be referred to; f gets what its head says.
func (a *amf3) object(f func(n int) any) any {
	n, here := a.head()
	if !here {
		return a.refer(a.objects, n)
	}
	return a.remember(&a.objects, func() (v any) {
		a.deeper(func() { v = f(n) })
		return v
	})
}

func (a *amf3) bytes(n int) []byte {
	if n > a.left.Text {
		a.fail(errText)
		return nil
	}
	return append([]byte{}, a.take(n)...)
}

// vector is one of n numbers of size bytes each, as they lie there.
func (a *amf3) vector(n, size int) any {
	a.byte() // whether its length is fixed
	return a.bytes(n * size)
}

func (a *amf3) vectorObject(n int) any {
	a.byte()
	a.string() // the class of its values
	return a.row(n)
}

// row reads n values. Each takes at least a byte.
func (a *amf3) row(n int) []any {
	if n > len(a.b) || n > a.left.Elements {
		a.fail(errMany)
		return nil
	}
	row := make([]any, 0, n)
	for len(row) < n && a.failed == nil {
		row = append(row, a.value())
	}
	return row
}

// array reads an array: names with values, and then values. One with names is
// an associative array here.
func (a *amf3) array(n int) any {
	var o Object
	o.Assoc = true
	for a.failed == nil {
		name := a.string()
		if name == "" {
			break
		}
		o.Fields = append(o.Fields, Field{name, a.value()})
	}
	row := a.row(n)
	if len(o.Fields) == 0 {
		return row
	}
	for i, v := range row {
		o.Fields = append(o.Fields, Field{strconv.Itoa(i), v})
	}
	return o
}

// dictionary keeps what has a string or a number for its key.
func (a *amf3) dictionary(n int) any {
	a.byte() // whether its keys are weak
	o := Object{Assoc: true}
	for i := 0; i < n && a.failed == nil; i++ {
		key, v := a.value(), a.value()
		switch key := key.(type) {
		case string:
			o.Fields = append(o.Fields, Field{key, v})
		case float64:
			o.Fields = append(o.Fields, Field{strconv.FormatFloat(key, 'g', -1, 64), v})
		}
	}
	return o
}

func (a *amf3) fields(head int) any {
	t := a.traitsOf(head)
	if a.failed != nil {
		return nil
	}
	o := Object{Class: t.class}
	if t.external {
		return a.externalOf(t)
	}
	for _, name := range t.names {
		o.Fields = append(o.Fields, Field{name, a.value()})
		if a.failed != nil {
			return nil
		}
	}
	for t.dynamic && a.failed == nil {
		name := a.string()
		if name == "" {
			break
		}
		o.Fields = append(o.Fields, Field{name, a.value()})
	}
	return o
}

// traitsOf reads the traits that an object's head announces.
func (a *amf3) traitsOf(head int) traits {
	if head&1 == 0 {
		i := head >> 1
		if i >= len(a.traits) {
			a.fail(errRef)
			return traits{}
		}
		return a.traits[i]
	}
	t := traits{external: head&2 != 0, dynamic: head&4 != 0, class: a.string()}
	n := head >> 3
	if !t.external {
		if n > len(a.b) || n > a.left.Elements || !a.count(n) { // each takes at least a byte, and stays in the table
			a.fail(errMany)
			return traits{}
		}
		for range n {
			t.names = append(t.names, a.string())
		}
	}
	a.traits = append(a.traits, t)
	return t
}

// externalOf reads an object that writes itself. Of the classes that do,
// Flex's collections are known to hold one value.
func (a *amf3) externalOf(t traits) any {
	switch t.class {
	case "flex.messaging.io.ArrayCollection", "flex.messaging.io.ObjectProxy", "flex.messaging.io.ArrayList":
		return a.value()
	}
	a.fail(fmt.Errorf("%w: an object of a class that writes itself", errForm))
	return nil
}

// maxSafe is the largest whole number that a value is sure to hold.
const maxSafe = float64(1 << 53)

// Whole is v if it is a whole number from 0 to max, and whether it is.
func Whole(v any, max uint32) (uint32, bool) {
	f, ok := v.(float64)
	if !ok || math.IsNaN(f) || f < 0 || f > float64(max) || f > maxSafe || f != math.Trunc(f) {
		return 0, false
	}
	return uint32(f), true
}
