package bridge

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

// fillFields sets all that is in v to something else than zero.
func fillFields(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Date(2025, 7, 1, 12, 30, 15, 123456789, time.FixedZone("", -3600))))
			return
		}
		for i := range v.NumField() {
			fillFields(v.Field(i))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fillFields(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fillFields(v.Index(i))
		}
	case reflect.String:
		v.SetString("text \x00 ü")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int:
		v.SetInt(3)
	case reflect.Uint8, reflect.Uint64:
		v.SetUint(2)
	default:
		panic(v.Type())
	}
}

// textRecord is a record with all that one of a text can have.
func textRecord() record {
	var r record
	fillFields(reflect.ValueOf(&r.Message).Elem())
	fillFields(reflect.ValueOf(&r.Group).Elem())
	m := r.Message
	m.Kind, m.Of, m.Cause, m.Reason, m.Active, m.Try = Text, "", 0, "", false, 0
	return r
}

// same compares what comes from the disk, where times have no name of their zone.
func sameOnDisk(t *testing.T, a, b any) bool {
	t.Helper()
	x, err1 := json.Marshal(a)
	y, err2 := json.Marshal(b)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	return string(x) == string(y)
}

func TestARecordComesBackWhole(t *testing.T) {
	t.Parallel()
	packs := textRecord()
	all := map[string]record{"a text": packs, "an empty text": {Message: &Message{}, Group: &groupInfo{}}}
	for name, change := range map[string]func(*record){
		"a failure":           func(r *record) { r.Message.Kind, r.Message.Cause, r.Message.Reason = Failed, NotFound, "why" },
		"a text of something": func(r *record) { r.Message.Of = "x" },
		"one with a cause":    func(r *record) { r.Message.Cause = Busy },
		"one with a reason":   func(r *record) { r.Message.Reason = "why" },
		"an active one":       func(r *record) { r.Message.Active = true },
		"one without a group": func(r *record) { r.Group = nil },
		"one with a mark":     func(r *record) { r.Mark = &mark{Relayed: 3} },
		"a mark":              func(r *record) { *r = record{Mark: &mark{Settled: "x", At: time.Unix(5, 0)}} },
		"a strange zone":      func(r *record) { r.Message.Sent = time.Date(2025, 1, 1, 0, 0, 0, 0, time.FixedZone("", 12*3600+30)) },
	} {
		r := textRecord()
		change(&r)
		all[name] = r
	}
	for name, r := range all {
		b, err := r.encode()
		if err != nil {
			t.Error(name, err)
			continue
		}
		if got, err := decodeRecord(b); err != nil || !sameOnDisk(t, got, r) {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, r)
		}
	}
	if b, _ := packs.encode(); !packed(b, packText) || len(b) > 400 {
		t.Errorf("a text is not packed: %q", b)
	}
	// What an earlier version of the program has left.
	old, err := json.Marshal(packs)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := decodeRecord(old); err != nil || !sameOnDisk(t, got, packs) {
		t.Errorf("a text in JSON: %+v, %v", got, err)
	}
}

// TestEveryFieldOfATextIsPacked fails where a field comes to Message or groupInfo that pack
// does not know.
func TestEveryFieldOfATextIsPacked(t *testing.T) {
	t.Parallel()
	empty := record{Message: &Message{}, Group: &groupInfo{}}
	none, err := empty.encode()
	if err != nil {
		t.Fatal(err)
	}
	for _, half := range []string{"Message", "Group"} {
		typ := reflect.ValueOf(empty).FieldByName(half).Type().Elem()
		for i := range typ.NumField() {
			if typ.Field(i).Tag.Get("json") == "-" {
				continue
			}
			r := record{Message: &Message{}, Group: &groupInfo{}}
			fillFields(reflect.ValueOf(r).FieldByName(half).Elem().Field(i))
			b, err := r.encode()
			if err != nil || string(b) == string(none) {
				t.Errorf("%s.%s makes no difference (%v)", half, typ.Field(i).Name, err)
			}
			if got, err := decodeRecord(b); err != nil || !sameOnDisk(t, got, r) {
				t.Errorf("%s.%s: %+v, %v", half, typ.Field(i).Name, got, err)
			}
		}
	}
}

func TestAPageComesBackWhole(t *testing.T) {
	t.Parallel()
	var full passed
	fillFields(reflect.ValueOf(&full).Elem())
	strange := full
	strange.At = time.Date(2025, 1, 1, 0, 0, 0, 0, time.FixedZone("", 12*3600+30))
	for name, p := range map[string]page{
		"a copy": {Copy: &full}, "an empty copy": {Copy: &passed{}}, "a strange zone": {Copy: &strange},
		"news": {Told: &told{Group: "x", Kind: Displayed, At: time.Unix(5, 0)}},
	} {
		b, err := p.encode()
		if err != nil {
			t.Error(name, err)
			continue
		}
		if got, err := decodePage(b); err != nil || !sameOnDisk(t, got, p) {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, p)
		}
		old, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := decodePage(old); err != nil || !sameOnDisk(t, got, p) {
			t.Errorf("%s in JSON: %+v, %v; want %+v", name, got, err, p)
		}
	}
	typ := reflect.TypeFor[passed]()
	for i := range typ.NumField() {
		var one passed
		fillFields(reflect.ValueOf(&one).Elem().Field(i))
		b, err := page{Copy: &one}.encode()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := decodePage(b); err != nil || !sameOnDisk(t, got, page{Copy: &one}) {
			t.Errorf("%s: %+v, %v", typ.Field(i).Name, got, err)
		}
	}
}

func TestADamagedRecordIsAnError(t *testing.T) {
	t.Parallel()
	r := textRecord()
	b, err := r.encode()
	if err != nil {
		t.Fatal(err)
	}
	for n := range b {
		if _, err := decodeRecord(b[:n]); err == nil {
			t.Errorf("%d bytes of %d are a record", n, len(b))
		}
	}
	huge := "\x01t\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
	for _, bad := range []string{string(b) + "x", huge, "\x01c", "\x02t", strings.Repeat("\x01t", 9)} {
		if _, err := decodeRecord([]byte(bad)); err == nil {
			t.Errorf("%q is a record", bad)
		}
		if _, err := decodePage([]byte(bad)); err == nil {
			t.Errorf("%q is a page", bad)
		}
	}
}

// FuzzRecord reads anything; what can be read is written and read again as the same.
func FuzzRecord(f *testing.F) {
	r := textRecord()
	for _, r := range []record{r, {Message: &Message{}, Group: &groupInfo{}}} {
		b, err := r.encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	page, err := page{Copy: &passed{ID: "x"}}.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(page)
	f.Add([]byte(`{"mark":{"settled":"x","at":"2025-01-01T00:00:00Z"}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := decodeRecord(b); err == nil && r.packs() {
			b, err := r.encode()
			if err != nil {
				t.Fatal(err)
			}
			if again, err := decodeRecord(b); err != nil || !sameOnDisk(t, again, r) {
				t.Fatalf("%+v became %+v, %v", r, again, err)
			}
		}
		if p, err := decodePage(b); err == nil && p.Copy != nil {
			b, err := p.encode()
			if err != nil {
				t.Fatal(err)
			}
			if again, err := decodePage(b); err != nil || !sameOnDisk(t, again, p) {
				t.Fatalf("%+v became %+v, %v", p, again, err)
			}
		}
	})
}
