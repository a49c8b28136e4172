package config

import (
	"reflect"
	"strings"

	"gateway/bridge"
)

// fileSuffix makes the key that names the file of a secret.
const fileSuffix = "_file"

// field is one key of a table: a field of a struct with a toml tag.
type field struct {
	key    string
	index  []int // for reflect.Value.FieldByIndex
	secret bool  // key_file is a key too
	quiet  bool  // not printed if it is zero: ",omitempty"
}

// fieldsOf lists the keys of a struct, those of embedded structs among them.
func fieldsOf(t reflect.Type) []field {
	var list []field
	for i := range t.NumField() {
		f := t.Field(i)
		key, option, _ := strings.Cut(f.Tag.Get("toml"), ",")
		switch {
		case f.Anonymous && key == "" && f.Type.Kind() == reflect.Struct:
			for _, in := range fieldsOf(f.Type) {
				in.index = append([]int{i}, in.index...)
				list = append(list, in)
			}
		case key != "" && key != "-" && f.IsExported():
			list = append(list, field{
				key: key, index: []int{i}, secret: f.Type == reflect.TypeFor[bridge.Secret](), quiet: option == "omitempty",
			})
		}
	}
	return list
}

// fieldNamed finds the field that key is for; of a secret's file that is the
// secret's.
func fieldNamed(fields []field, key string) (field, bool) {
	for _, f := range fields {
		if f.key == key {
			return f, true
		}
	}
	for _, f := range fields {
		if f.secret && f.key+fileSuffix == key {
			return f, true
		}
	}
	return field{}, false
}

func knownKeys(fields []field) []string {
	var keys []string
	for _, f := range fields {
		keys = append(keys, f.key)
		if f.secret {
			keys = append(keys, f.key+fileSuffix)
		}
	}
	return keys
}
