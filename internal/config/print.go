package config

import (
	"bytes"
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"gateway/bridge"
)

// Print writes the file as it was understood, defaults filled in, in the form
// of a mapping file. Secrets are masked; one that came from a file or the
// environment shows from where. What is empty, and is so by default, is left out.
func (f *File) Print(w io.Writer) error {
	p := printer{shown: f.shown}
	p.table("[gateway]", "gateway", reflect.ValueOf(f.Gateway), reflect.Value{})
	p.table("[limits]", "limits", reflect.ValueOf(limits(f.Limits)), reflect.Value{})
	p.table("[media]", "media", reflect.ValueOf(f.Media), reflect.Value{})
	if f.certificate != nil {
		p.table("[tls]", "tls", reflect.ValueOf(f.TLS), reflect.Value{})
	}
	for _, a := range f.Adapters {
		p.table("["+a.table()+"]", a.table(), reflect.ValueOf(a.Config).Elem(), reflect.ValueOf(a.Kind.Config()).Elem())
	}
	for _, m := range f.Maps {
		p.table("[[map]]", "map", reflect.ValueOf(table(m)), reflect.Value{})
	}
	_, err := w.Write(bytes.TrimPrefix(p.out.Bytes(), []byte("\n")))
	return err
}

// printer writes tables.
type printer struct {
	out   bytes.Buffer
	shown map[string]shownSecret
}

// table writes a table with its header, a key a line. path is its key, def what
// it would be if the file said nothing, or no value for nothing.
func (p *printer) table(header, path string, v, def reflect.Value) {
	p.out.WriteString("\n" + header + "\n")
	for _, pair := range p.pairs(path, v, def) {
		p.out.WriteString(pair + "\n")
	}
}

// pairs gives the "key = value" of a struct or a map.
func (p *printer) pairs(path string, v, def reflect.Value) []string {
	var list []string
	add := func(key string, elem reflect.Value) {
		at := join(path, quoteKey(key))
		if elem.Type() == reflect.TypeFor[bridge.Secret]() {
			if elem.Len() == 0 {
				return
			}
			key += p.shown[at].suffix
		}
		list = append(list, quoteKey(key)+" = "+p.value(at, elem))
	}
	if v.Kind() == reflect.Map {
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, k := range keys {
			add(k.String(), v.MapIndex(k))
		}
		return list
	}
	for _, f := range fieldsOf(v.Type()) {
		elem := v.FieldByIndex(f.index)
		if f.quiet && elem.IsZero() {
			continue
		}
		if !isEmpty(elem) || def.IsValid() && !isEmpty(def.FieldByIndex(f.index)) {
			add(f.key, elem)
		}
	}
	return list
}

// isEmpty reports what stands for nothing: numbers and truths always mean
// something.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.String, reflect.Slice, reflect.Map:
		return v.Len() == 0
	default:
		return false
	}
}

func (p *printer) value(path string, v reflect.Value) string {
	switch x := v.Interface().(type) {
	case bridge.Secret:
		if from := p.shown[path].value; from != "" {
			return quoteString(from)
		}
		return quoteString(x.String())
	case time.Duration:
		return quoteDuration(x)
	case interface{ MarshalText() ([]byte, error) }:
		text, err := x.MarshalText()
		if err != nil {
			return quoteString(err.Error())
		}
		return quoteString(string(text))
	}
	switch v.Kind() {
	case reflect.String:
		return quoteString(v.String())
	case reflect.Bool:
		return strconv.FormatBool(v.Bool())
	case reflect.Slice:
		items := make([]string, v.Len())
		for i := range items {
			items[i] = p.value(path+"["+strconv.Itoa(i)+"]", v.Index(i))
		}
		return "[" + strings.Join(items, ", ") + "]"
	case reflect.Struct, reflect.Map:
		if pairs := p.pairs(path, v, reflect.Value{}); len(pairs) > 0 {
			return "{ " + strings.Join(pairs, ", ") + " }"
		}
		return "{}"
	default:
		return strconv.FormatInt(v.Int(), 10) // decode knows no other kinds
	}
}
