package wire

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"strings"
	"testing"
)

func TestBulkIsReadAsWritten(t *testing.T) {
	t.Parallel()
	offer := Offer{Size: 3000, Block: 1024, Sum: [32]byte{1, 2, 3}, Name: "übung.wav"}
	for _, row := range []struct {
		name  string
		value []byte
		hex   string // its beginning
		want  Bulk
	}{
		{"offer", AppendOffer(nil, 7, offer), "4201000000070000000000000bb80400010203", Bulk{Op: BulkOffer, Transfer: 7, Offer: offer}},
		{"want", AppendWant(nil, 8, "a"), "42020000000861", Bulk{Op: BulkWant, Transfer: 8, Text: []byte("a")}},
		{"get", AppendGet(nil, 9, []Span{{1, 2}, {65536, 3}}), "420300000009000000010002000100000003",
			Bulk{Op: BulkGet, Transfer: 9, Spans: []byte{0, 0, 0, 1, 0, 2, 0, 1, 0, 0, 0, 3}}},
		{"data", AppendData(nil, 9, 2, 239, []byte("xyz")), "4204000000090000000200ef78797a",
			Bulk{Op: BulkData, Transfer: 9, Block: 2, Offset: 239, Data: []byte("xyz")}},
		{"done", AppendDone(nil, 9, BulkGivenUp), "42050000000903", Bulk{Op: BulkDone, Transfer: 9, Code: BulkGivenUp}},
		{"error", AppendError(nil, 9, BulkUnknown, "no"), "420600000009016e6f", Bulk{Op: BulkError, Transfer: 9, Code: BulkUnknown, Text: []byte("no")}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			if got := hex.EncodeToString(row.value); !strings.HasPrefix(got, row.hex) {
				t.Errorf("%s, want %s", got, row.hex)
			}
			got, ok := ReadBulk(row.value)
			if !ok || !reflect.DeepEqual(got, row.want) {
				t.Errorf("%+v, %v; want %+v", got, ok, row.want)
			}
			for n := range row.value {
				if short, ok := ReadBulk(row.value[:n]); ok && reflect.DeepEqual(short, got) {
					t.Errorf("%d bytes of it say the same", n)
				}
			}
		})
	}
}

func TestBulkThatCannotBeIsNotRead(t *testing.T) {
	t.Parallel()
	offer := func(change func(o *Offer)) []byte {
		o := Offer{Size: 1, Block: 1024, Name: "a"}
		change(&o)
		return AppendOffer(nil, 1, o)
	}
	for name, v := range map[string][]byte{
		"an offer without a name":       offer(func(o *Offer) { o.Name = "" }),
		"blocks of nothing":             offer(func(o *Offer) { o.Block = 0 }),
		"blocks that fit no packet":     offer(func(o *Offer) { o.Block = 1025 }),
		"more blocks than have numbers": offer(func(o *Offer) { o.Size = 1 << 63 }),
		"a name that is no text":        append(offer(func(*Offer) {})[:offerHead], 0xff),
		"a wish for nothing":            AppendWant(nil, 1, ""),
		"a request for nothing":         AppendGet(nil, 1, nil),
		"half a span":                   AppendGet(nil, 1, []Span{{1, 1}})[:bulkHead+3],
		"no data":                       AppendData(nil, 1, 1, 0, nil),
		"data beyond a block":           AppendData(nil, 1, 1, 1000, make([]byte, 200)),
		"an unknown op":                 {OpBulk, 9, 0, 0, 0, 0},
	} {
		if m, ok := ReadBulk(v); ok {
			t.Errorf("%s: %+v", name, m)
		}
	}
	if n := len(AppendOffer(nil, 1, Offer{Block: 64, Name: strings.Repeat("ü", 500)})); n > MaxValue {
		t.Errorf("an offer of %d bytes", n)
	}
	if n := len(AppendGet(nil, 1, make([]Span, 500))); n > MaxValue {
		t.Errorf("a request of %d bytes", n)
	}
}

func FuzzBulk(f *testing.F) {
	f.Add(AppendOffer(nil, 7, Offer{Size: 3000, Block: 1024, Name: "a"}))
	f.Add(AppendGet(nil, 9, []Span{{1, 2}, {65536, 3}}))
	f.Add(AppendData(nil, 9, 2, 239, []byte("xyz")))
	f.Add(AppendDone(nil, 1, 0))
	f.Add(AppendError(nil, 9, 1, "no"))
	f.Add(AppendWant(nil, 9, "x"))
	f.Fuzz(func(t *testing.T, v []byte) {
		m, ok := ReadBulk(v)
		if !ok {
			return
		}
		var again []byte
		switch m.Op {
		case BulkOffer:
			if o := &m.Offer; o.Size > 0 && o.Length(o.Blocks()-1) == 0 || o.Length(o.Blocks()) != 0 {
				t.Fatalf("%+v has %d blocks", o, o.Blocks())
			}
			if again = AppendOffer(nil, m.Transfer, m.Offer); len(again) > 48 {
				again[48] = v[48] // flags
			}
		case BulkWant:
			again = AppendWant(nil, m.Transfer, string(m.Text))
		case BulkGet:
			var spans []Span
			m.EachSpan(func(s Span) { spans = append(spans, s) })
			if len(spans) > MaxSpans {
				return
			}
			again = AppendGet(nil, m.Transfer, spans)
		case BulkData:
			again = AppendData(nil, m.Transfer, m.Block, m.Offset, m.Data)
		default:
			return
		}
		if !bytes.Equal(again, v) {
			t.Errorf("%x, %x", v, again)
		}
	})
}
