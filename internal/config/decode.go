package config

import (
	"encoding"
	"reflect"
	"strconv"
	"strings"
	"time"

	"gateway/bridge"

	"github.com/pelletier/go-toml/v2/unstable"
)

// oneOrMore is a list that a file may also give as a single string.
type oneOrMore []string

// decoder puts nodes into Go values by their types and toml tags. What can't be
// put there is reported and left as it was.
type decoder struct {
	probs   *problems
	secrets *secrets
	// later are the keys that are planned but not built, as schema has them.
	later map[string]bool
}

// decode puts n into v, which must be settable. schema is n's key from the
// table that later speaks of, with "[]" for an element and "*" for a name of
// the user's.
func (d *decoder) decode(n *node, v reflect.Value, schema string) {
	d.decodeOne(n, v, schema)
	for _, twin := range n.again {
		if twin.isTable() != n.isTable() || twin.isArray() != n.isArray() {
			continue
		}
		d.decode(twin, reflect.New(v.Type()).Elem(), schema)
	}
}

func (d *decoder) decodeOne(n *node, v reflect.Value, schema string) {
	switch v.Type() {
	case reflect.TypeFor[time.Duration]():
		d.duration(n, v)
		return
	case reflect.TypeFor[bridge.Secret]():
		d.secret(n, v)
		return
	case reflect.TypeFor[oneOrMore]():
		if n.kind == unstable.String {
			v.Set(reflect.ValueOf(oneOrMore{n.text}))
			return
		}
	}
	if t, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if d.want(n, unstable.String) {
			if err := t.UnmarshalText([]byte(n.text)); err != nil {
				d.probs.value(n, "%v", err)
			}
		}
		return
	}
	switch v.Kind() {
	case reflect.String:
		if d.want(n, unstable.String) {
			v.SetString(n.text)
		}
	case reflect.Bool:
		if d.want(n, unstable.Bool) {
			v.SetBool(n.text == "true")
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		d.integer(n, v)
	case reflect.Slice:
		d.list(n, v, schema)
	case reflect.Map:
		d.names(n, v, schema)
	case reflect.Struct:
		d.table(n, v, schema)
	default:
		d.probs.value(n, "is of a type that can't be read from a file: %s", v.Type())
	}
}

// want checks that n is a scalar of this kind.
func (d *decoder) want(n *node, kind unstable.Kind) bool {
	if n.kind != kind {
		want := kindWord(kind)
		if kind == unstable.Bool {
			want = "true or false"
		}
		d.probs.value(n, "want %s, not %s", want, kindWord(n.kind))
		return false
	}
	return true
}

func (d *decoder) integer(n *node, v reflect.Value) {
	if !d.want(n, unstable.Integer) {
		return
	}
	i, err := strconv.ParseInt(strings.ReplaceAll(n.text, "_", ""), 0, 64)
	if err != nil || v.OverflowInt(i) {
		d.probs.value(n, "does not fit in %d bits", v.Type().Bits())
		return
	}
	v.SetInt(i)
}

func (d *decoder) duration(n *node, v reflect.Value) {
	if n.kind != unstable.String {
		d.probs.value(n, `want a duration in quotes, as in "30s", not %s`, kindWord(n.kind))
		return
	}
	t, err := time.ParseDuration(n.text)
	switch {
	case err != nil:
		d.probs.value(n, `want a duration, as in "500ms", "30s" or "1h30m", not %q`, clip(n.text))
	case t < 0:
		d.probs.value(n, "a duration can't be negative")
	default:
		v.SetInt(int64(t))
	}
}

func (d *decoder) list(n *node, v reflect.Value, schema string) {
	if !n.isArray() {
		want := "an array"
		if v.Type() == reflect.TypeFor[oneOrMore]() {
			want = "a string or an array of strings"
		} else if v.Type().Elem().Kind() == reflect.Struct {
			want = "an array of tables"
		}
		d.probs.value(n, "want %s, not %s", want, kindWord(n.kind))
		return
	}
	list := reflect.MakeSlice(v.Type(), len(n.items), len(n.items))
	for i, item := range n.items {
		d.decode(item, list.Index(i), schema+"[]")
	}
	v.Set(list)
}

// names decodes a table whose keys are the user's.
func (d *decoder) names(n *node, v reflect.Value, schema string) {
	if !n.isTable() {
		d.probs.value(n, "want a table, not %s", kindWord(n.kind))
		return
	}
	if v.IsNil() {
		v.Set(reflect.MakeMapWithSize(v.Type(), len(n.keys)))
	}
	for _, name := range n.keys {
		elem := reflect.New(v.Type().Elem()).Elem()
		d.decode(n.kids[name], elem, join(schema, "*"))
		v.SetMapIndex(reflect.ValueOf(name).Convert(v.Type().Key()), elem)
	}
}

// table decodes a table whose keys are ours.
func (d *decoder) table(n *node, v reflect.Value, schema string) {
	if !n.isTable() {
		d.probs.value(n, "want a table, not %s", kindWord(n.kind))
		return
	}
	fields := fieldsOf(v.Type())
	for _, key := range n.keys {
		kid := n.kids[key]
		f, ok := fieldNamed(fields, key)
		switch {
		case !ok && d.later[join(schema, key)]:
			d.probs.key(kid, "not in this version")
		case !ok:
			d.unknown(kid, knownKeys(fields))
		case f.key != key:
			d.secretFile(n, kid, f, v)
		default:
			d.decode(kid, v.FieldByIndex(f.index), join(schema, key))
		}
	}
}

// unknown reports a key that is none, with the known one that was most likely
// meant. That one is then not reported as missing.
func (d *decoder) unknown(n *node, known []string) {
	meant := nearest(n.name, known)
	if meant == "" {
		d.probs.key(n, "unknown key")
		return
	}
	d.probs.key(n, "unknown key, did you mean %q?", meant)
	d.probs.blame(join(n.parent.path(), meant))
}

func join(schema, key string) string {
	if schema == "" {
		return key
	}
	return schema + "." + key
}

func kindWord(k unstable.Kind) string {
	switch k {
	case unstable.String:
		return "a string"
	case unstable.Bool:
		return "a boolean"
	case unstable.Integer:
		return "an integer"
	case unstable.Float:
		return "a float"
	case unstable.LocalDate, unstable.LocalTime, unstable.LocalDateTime, unstable.DateTime:
		return "a date or time"
	case unstable.Array:
		return "an array"
	case unstable.ArrayTable:
		return "an array of tables"
	default:
		return "a table"
	}
}

// clip keeps a value short in a message.
func clip(s string) string { return cut(s, 128) }
