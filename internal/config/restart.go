package config

import "reflect"

// NeedsRestart lists the tables, as "gateway" or "sip.pbx", that differ between
// f and next and that can't change while the gateway runs: all but maps,
// limits and what [tls] names. Secrets are compared, not shown.
func (f *File) NeedsRestart(next *File) []string {
	var list []string
	if !sameTable(reflect.ValueOf(f.Gateway), reflect.ValueOf(next.Gateway)) {
		list = append(list, "gateway")
	}
	if !sameTable(reflect.ValueOf(f.Media), reflect.ValueOf(next.Media)) {
		list = append(list, "media")
	}
	if (f.certificate == nil) != (next.certificate == nil) {
		list = append(list, "tls") // else it is renewed
	}
	was := map[string]Adapter{}
	for _, a := range f.Adapters {
		was[a.table()] = a
	}
	is := map[string]bool{}
	for _, a := range next.Adapters {
		is[a.table()] = true
		old, ok := was[a.table()]
		if !ok || !sameTable(reflect.ValueOf(old.Config).Elem(), reflect.ValueOf(a.Config).Elem()) {
			list = append(list, a.table())
		}
	}
	for _, a := range f.Adapters {
		if !is[a.table()] {
			list = append(list, a.table())
		}
	}
	return list
}

// sameTable compares what the file says, which is not all that a Config may
// keep: Check may have left something there.
func sameTable(a, b reflect.Value) bool {
	switch a.Kind() {
	case reflect.Struct:
		fields := fieldsOf(a.Type())
		for _, f := range fields {
			if !sameTable(a.FieldByIndex(f.index), b.FieldByIndex(f.index)) {
				return false
			}
		}
		return len(fields) > 0 || reflect.DeepEqual(a.Interface(), b.Interface())
	case reflect.Map:
		if a.Len() != b.Len() {
			return false
		}
		for _, k := range a.MapKeys() {
			if other := b.MapIndex(k); !other.IsValid() || !sameTable(a.MapIndex(k), other) {
				return false
			}
		}
		return true
	case reflect.Slice:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !sameTable(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	default:
		return reflect.DeepEqual(a.Interface(), b.Interface())
	}
}
