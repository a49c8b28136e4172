package wire

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/yutopp/go-amf0"
)

func TestAMF0(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		b    []byte
		want any
	}{
		{"number", cat("\x00\x3f\xf8\x00\x00\x00\x00\x00\x00"), 1.5},
		{"true", cat("\x01\x01"), true},
		{"string", cat("\x02\x00\x03abc"), "abc"},
		{"object", cat("\x03\x00\x01a\x05\x00\x01b\x06\x00\x00\x09"), Obj("a", nil, "b", Undefined{})},
		{"null", cat("\x05"), nil},
		{"associative array", cat("\x08\x00\x00\x00\x01\x00\x01a\x01\x00\x00\x00\x09"), Object{Assoc: true, Fields: []Field{{"a", false}}}},
		{"one whose count is wrong", cat("\x08\xff\xff\xff\xff\x00\x01a\x01\x00\x00\x00\x09"), Object{Assoc: true, Fields: []Field{{"a", false}}}},
		{"one without its end", cat("\x08\x00\x00\x00\x01\x00\x01a\x01\x00"), Object{Assoc: true, Fields: []Field{{"a", false}}}},
		{"strict array", cat("\x0a\x00\x00\x00\x02\x05\x02\x00\x01x"), []any{nil, "x"}},
		{"date", cat("\x0b\x40\x59\x00\x00\x00\x00\x00\x00\x00\x00"), Date(100)},
		{"long string", cat("\x0c\x00\x00\x00\x02ab"), "ab"},
		{"unsupported", cat("\x0d"), Undefined{}},
		{"xml", cat("\x0f\x00\x00\x00\x04<a/>"), XML("<a/>")},
		{"typed object", cat("\x10\x00\x01C\x00\x01a\x05\x00\x00\x09"), Object{Class: "C", Fields: []Field{{"a", nil}}}},
		{"a reference", cat("\x0a\x00\x00\x00\x02\x03\x00\x01a\x05\x00\x00\x09\x07\x00\x01"), []any{Obj("a", nil), Obj("a", nil)}},
		{"a reference to what it is in", cat("\x03\x00\x01a\x07\x00\x00\x00\x00\x09"), Obj("a", Undefined{})},
		{"an empty name that is no end", cat("\x03\x00\x00\x05\x00\x00\x09"), Obj("", nil)},
		{"AMF3 inside", cat("\x11\x06\x07abc"), "abc"},
	} {
		got, err := ParseAMF0(tt.b, Defaults().AMF)
		if err != nil || len(got) != 1 || !reflect.DeepEqual(got[0], tt.want) {
			t.Errorf("%s: %#v, %v; want %#v", tt.name, got, err, tt.want)
		}
	}
}

func TestAMF3(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		b    []byte
		want any
	}{
		{"undefined", cat("\x00"), Undefined{}},
		{"null", cat("\x01"), nil},
		{"false", cat("\x02"), false},
		{"true", cat("\x03"), true},
		{"integer of one byte", cat("\x04\x7f"), 127.0},
		{"of two", cat("\x04\x81\x00"), 128.0},
		{"of three", cat("\x04\x81\x80\x00"), 16384.0},
		{"of four", cat("\x04\x80\xc0\x80\x00"), 2097152.0},
		{"the least", cat("\x04\xc0\x80\x80\x00"), -268435456.0},
		{"minus one", cat("\x04\xff\xff\xff\xff"), -1.0},
		{"double", cat("\x05\x3f\xf8\x00\x00\x00\x00\x00\x00"), 1.5},
		{"string", cat("\x06\x07abc"), "abc"},
		{"xml", cat("\x0b\x09<a/>"), XML("<a/>")},
		{"date", cat("\x08\x01\x40\x59\x00\x00\x00\x00\x00\x00"), Date(100)},
		{"array", cat("\x09\x05\x01\x04\x01\x06\x03x"), []any{1.0, "x"}},
		{"associative array", cat("\x09\x03\x03a\x04\x01\x01\x04\x02"), Object{Assoc: true, Fields: []Field{{"a", 1.0}, {"0", 2.0}}}},
		{"a string again", cat("\x09\x05\x01\x06\x03x\x06\x00"), []any{"x", "x"}},
		{"anonymous object", cat("\x0a\x0b\x01\x03a\x04\x01\x01"), Obj("a", 1.0)},
		{"sealed object, and its traits again", cat("\x09\x05\x01\x0a\x13\x03C\x03a\x04\x01\x0a\x01\x04\x02"),
			[]any{Object{Class: "C", Fields: []Field{{"a", 1.0}}}, Object{Class: "C", Fields: []Field{{"a", 2.0}}}}},
		{"an object again", cat("\x09\x05\x01\x0a\x0b\x01\x03a\x04\x01\x01\x0a\x02"), []any{Obj("a", 1.0), Obj("a", 1.0)}},
		{"a reference to what it is in", cat("\x09\x03\x01\x09\x00"), []any{Undefined{}}},
		{"bytes", cat("\x0c\x05ab"), []byte("ab")},
		{"vector of int", cat("\x0d\x03\x00\x00\x00\x00\x01"), []byte{0, 0, 0, 1}},
		{"vector of double", cat("\x0f\x03\x00\x3f\xf8\x00\x00\x00\x00\x00\x00"), []byte{0x3f, 0xf8, 0, 0, 0, 0, 0, 0}},
		{"vector of objects", cat("\x10\x03\x00\x01\x04\x01"), []any{1.0}},
		{"dictionary", cat("\x11\x05\x00\x06\x03a\x04\x01\x04\x02\x04\x03"), Object{Assoc: true, Fields: []Field{{"a", 1.0}, {"2", 3.0}}}},
		{"a collection of Flex", cat("\x0a\x07\x43flex.messaging.io.ArrayCollection\x09\x03\x01\x04\x01"), []any{1.0}},
	} {
		got, err := ParseAMF3(tt.b, Defaults().AMF)
		if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %#v, %v; want %#v", tt.name, got, err, tt.want)
		}
	}
}

func TestAMFOutOfBoundsIsRefused(t *testing.T) {
	t.Parallel()
	deep3 := strings.Repeat("\x09\x03\x01", 100_000)
	share := "\x0a\x00\x00\x00\x02" + strings.Repeat("\x0a\x00\x00\x00\x09"+strings.Repeat("\x05", 9), 1)
	for i := range 20 { // each array holds the one before it nine times more
		share += "\x0a\x00\x00\x00\x09" + strings.Repeat("\x07\x00"+string(rune(i+1)), 9)
	}
	for _, tt := range []struct {
		name string
		b    []byte
		want error
	}{
		{"the array that kills go-rtmp", cat("\x0a\x7f\xff\xff\xf0"), errShort},
		{"objects within each other, which kill go-rtmp", cat(strings.Repeat("\x03\x00\x01a", 4_000_000)), errDepth},
		{"arrays within each other", cat(strings.Repeat("\x0a\x00\x00\x00\x01", 100_000)), errDepth},
		{"AMF3 within AMF0", cat("\x11" + deep3), errDepth},
		{"too many values", cat("\x0a\x00\x00\x10\x00" + strings.Repeat("\x05", 4096)), errMany},
		{"too many in a row", cat(strings.Repeat("\x05", 4096)), errMany},
		{"too many by references", cat(share), errMany},
		{"too many by count", cat("\x11\x09\x81\x80\x01\x01" + strings.Repeat("\x01", 16384)), errMany},
		{"a string too long", cat("\x0c\x00\x02\x00\x00" + strings.Repeat("x", 0x20000)), errText},
		{"a string as long as can be said", cat("\x0c\xff\xff\xff\xff"), errText},
		{"a string that is cut", cat("\x02\x00\x05abc"), errShort},
		{"an object without end", cat("\x03\x00\x01a\x05"), errShort},
		{"a reference to nothing", cat("\x07\x00\x09"), errRef},
		{"a reference of AMF3 to nothing", cat("\x11\x0a\x08"), errRef},
		{"traits of nothing", cat("\x11\x0a\x05"), errRef},
		{"a movie clip", cat("\x04"), errForm},
		{"an end", cat("\x09"), errForm},
		{"an unknown marker", cat("\x42"), errForm},
		{"an unknown marker of AMF3", cat("\x11\x42"), errForm},
		{"a class that writes itself", cat("\x11\x0a\x07\x03X"), errForm},
	} {
		if got, err := ParseAMF0(tt.b, Defaults().AMF); !errors.Is(err, tt.want) {
			t.Errorf("%s: %.80v, %v; want %v", tt.name, got, err, tt.want)
		}
	}
}

func TestWhatWeComposeIsReadByGoAMF0(t *testing.T) {
	t.Parallel()
	b := AppendAMF0(nil, "name", 1.5, true, nil, Obj("a", "x", "b", 2), Object{Assoc: true, Fields: []Field{{"c", uint32(3)}}}, []any{false, "y"})
	d := amf0.NewDecoder(bytes.NewReader(b))
	for i, want := range []any{"name", 1.5, true, nil, map[string]any{"a": "x", "b": 2.0}, amf0.ECMAArray{"c": 3.0}, []any{false, "y"}} {
		var got any
		if err := d.Decode(&got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("value %d: %#v, %v; want %#v", i, got, err, want)
		}
	}
}

func TestAMF0ComesBack(t *testing.T) {
	t.Parallel()
	want := []any{
		Date(5), XML("<x/>"), Undefined{}, strings.Repeat("l", 65_536), Object{Class: "C", Fields: []Field{{"", []any{Obj()}}}}, math.Inf(-1),
	}
	got, err := ParseAMF0(AppendAMF0(nil, want...), Bounds{Depth: 4, Elements: 20, Text: 1 << 20})
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%.200v, %v", got, err)
	}
	if got := AppendAMF0(nil, struct{}{}); !bytes.Equal(got, []byte{amf0Undefined}) {
		t.Errorf("what has no form is written as %x", got)
	}
}

func TestWholeNumbers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		v    any
		want uint32
		ok   bool
	}{
		{3.0, 3, true}, {0.0, 0, true}, {4294967295.0, math.MaxUint32, true}, {4294967296.0, 0, false}, {-1.0, 0, false}, {1.5, 0, false},
		{math.NaN(), 0, false}, {math.Inf(1), 0, false}, {"3", 0, false}, {nil, 0, false},
	} {
		if got, ok := Whole(tt.v, math.MaxUint32); got != tt.want || ok != tt.ok {
			t.Errorf("%v: %d, %v", tt.v, got, ok)
		}
	}
}

func FuzzAMF0(f *testing.F) {
	f.Add(AppendAMF0(nil, "connect", 1, Obj("app", "sip/alice@example.org", "fpad", false, "n", nil), "alice", []any{1.5, Date(1)}))
	f.Add(cat("\x0a\x7f\xff\xff\xf0"))
	f.Add(cat(strings.Repeat("\x03\x00\x01a", 50)))
	f.Add(cat("\x0a\x00\x00\x00\x02\x03\x00\x01a\x05\x00\x00\x09\x07\x00\x01"))
	f.Add(cat("\x11\x0a\x13\x03C\x03a\x04\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		bounds := Defaults().AMF
		row, err := ParseAMF0(b, bounds)
		if err != nil {
			return
		}
		if n := elements(row) - 1; n > bounds.Elements {
			t.Fatalf("%d values", n)
		}
		// What came from AMF3 has other forms: once written it stays the same.
		once := AppendAMF0(nil, row...)
		back, err := ParseAMF0(once, Bounds{Depth: 100, Elements: 1 << 20, Text: 1 << 30})
		if err != nil || !bytes.Equal(AppendAMF0(nil, back...), once) {
			t.Fatalf("%x became %x, %v", once, AppendAMF0(nil, back...), err)
		}
	})
}

func FuzzAMF3(f *testing.F) {
	f.Add(cat("\x09\x05\x01\x0a\x13\x03C\x03a\x04\x01\x0a\x01\x04\x02"))
	f.Add(cat("\x11\x05\x00\x06\x03a\x04\x01\x04\x02\x04\x03"))
	f.Add(cat("\x0a\x0b\x01\x03a\x04\x01\x01"))
	f.Add(cat("\x0d\x03\x00\x00\x00\x00\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		bounds := Defaults().AMF
		v, err := ParseAMF3(b, bounds)
		if n := elements(v); err == nil && n > bounds.Elements {
			t.Fatalf("%d values", n)
		}
	})
}

// elements counts the values in v.
func elements(v any) int {
	n := 1
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			n += elements(e)
		}
	case Object:
		for _, f := range v.Fields {
			n += elements(f.Value)
		}
	}
	return n
}

func TestCommands(t *testing.T) {
	t.Parallel()
	want := Command{Name: "invite", ID: 7, Args: []any{"sip:bob@example.org", "pcmu"}, Stream: 0, Time: 5}
	for _, amf3 := range []bool{false, true} {
		want.AMF3 = amf3
		m := want.Message()
		if got, err := ParseCommand(m, Defaults().AMF); err != nil || !reflect.DeepEqual(got, want) || !m.IsCommand() {
			t.Errorf("%v, %v; want %v", got, err, want)
		}
		if got := want.Result(nil, 1.0); got.Name != "_result" || got.ID != 7 || got.AMF3 != amf3 || got.Arg(0) != 1.0 || got.Arg(1) != nil {
			t.Errorf("the answer is %v", got)
		}
	}
	short := Message{Type: TypeCommandAMF0, Body: AppendAMF0(nil, "bye")}
	if got, err := ParseCommand(short, Defaults().AMF); err != nil || got.Name != "bye" || got.ID != 0 {
		t.Errorf("a name alone: %v, %v", got, err)
	}
	for _, body := range [][]byte{nil, AppendAMF0(nil, 1), AppendAMF0(nil, ""), AppendAMF0(nil, nil, 1), {2, 0}} {
		if got, err := ParseCommand(Message{Type: TypeCommandAMF0, Body: body}, Defaults().AMF); err == nil {
			t.Errorf("%x is the command %v", body, got)
		}
	}
	status := Status(3, "error", "NetStream.Publish.BadName", "busy", "clientid", 1.0)
	if info := status.Arg(0).(Object); status.Name != "onStatus" || status.Stream != 3 || info.Get("code") != "NetStream.Publish.BadName" || info.Get("clientid") != 1.0 {
		t.Errorf("a status is %v", status)
	}
}

func TestData(t *testing.T) {
	t.Parallel()
	for _, want := range []Data{
		{Name: "onMetaData", Args: []any{Obj("audiocodecid", 11.0)}, Stream: 1, Time: 9},
		{Name: "@setDataFrame", Args: []any{"onMetaData", nil}, Stream: 1, AMF3: true},
	} {
		m := want.Message()
		if got, err := ParseData(m, Defaults().AMF); err != nil || !reflect.DeepEqual(got, want) || !m.IsData() {
			t.Errorf("%v, %v; want %v", got, err, want)
		}
	}
	if got, err := ParseData(Message{Type: TypeDataAMF0, Body: AppendAMF0(nil, 5)}, Defaults().AMF); err != nil || got.Name != "" || len(got.Args) != 1 {
		t.Errorf("data without a name: %v, %v", got, err)
	}
}

func FuzzCommand(f *testing.F) {
	f.Add(uint8(20), Command{Name: "connect", ID: 1, Object: Obj("app", "x"), Args: []any{"a"}}.Message().Body)
	f.Add(uint8(17), Command{Name: "play", ID: 4, Args: []any{"name", -2}, AMF3: true}.Message().Body)
	f.Add(uint8(18), Data{Name: "onMetaData", Args: []any{Object{Assoc: true}}}.Message().Body)
	f.Add(uint8(22), cat("\x08\x00\x00\x01\x00\x00\x05\x00\x00\x00\x00", "x", "\x00\x00\x00\x0c"))
	f.Fuzz(func(t *testing.T, kind uint8, body []byte) {
		m := Message{Type: Type(kind), Stream: 1, Time: 5, Body: body}
		if c, err := ParseCommand(m, Defaults().AMF); err == nil {
			again, err := ParseCommand(c.Message(), Bounds{Depth: 100, Elements: 1 << 20, Text: 1 << 30})
			if err != nil || again.Name != c.Name || len(again.Args) != len(c.Args) {
				t.Fatalf("%v became %v, %v", c, again, err)
			}
		}
		if d, err := ParseData(m, Defaults().AMF); err == nil && len(d.Args) > len(body) {
			t.Fatalf("%d values in %d bytes", len(d.Args), len(body))
		}
		total := 0
		for _, part := range partsOf(m) {
			total += len(part.Body) + tagHeader
		}
		if total > len(body) {
			t.Fatalf("parts of %d bytes in %d", total, len(body))
		}
	})
}
