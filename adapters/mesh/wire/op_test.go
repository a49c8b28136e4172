package wire

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestTextsAreBytesOfTheirOwn(t *testing.T) {
	t.Parallel()
	text := Text{Kind: TextSaid, Message: 0x01020304, Part: 1, Parts: 2, Body: []byte("hi")}
	data := text.Append(nil)
	if want := fromHex(t, "54 01 01020304 01 02 6869"); !bytes.Equal(data, want) {
		t.Errorf("%x, want %x", data, want)
	}
	if got, ok := ReadText(data); !ok || !reflect.DeepEqual(got, text) {
		t.Errorf("%+v, %v", got, ok)
	}
	for _, bad := range []string{"", "54", "54010102030401", "5401010203040202", "42010102030400016869"} {
		if got, ok := ReadText(fromHex(t, bad)); ok {
			t.Errorf("%s is %+v", bad, got)
		}
	}
	if _, ok := ReadText(append(data, bytes.Repeat([]byte("x"), MaxText)...)); ok {
		t.Error("a part is too long, and taken")
	}
}

func TestTextsAreCutBetweenCharacters(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "short", strings.Repeat("a", 240), strings.Repeat("a", 241), strings.Repeat("€", 1000), "x" + strings.Repeat("😀", 999)} {
		parts, ok := SplitText(s)
		if !ok || strings.Join(parts, "") != s {
			t.Errorf("%d bytes come back as %d", len(s), len(strings.Join(parts, "")))
		}
		for _, p := range parts {
			if len(p) > MaxText || !utf8.ValidString(p) {
				t.Errorf("a part of %d bytes: %q", len(p), p)
			}
		}
	}
	if _, ok := SplitText(strings.Repeat("a", MaxText*MaxParts+1)); ok {
		t.Error("a text without end is taken")
	}
}

func TestFieldsOfMeta(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		meta, want string
		ok         bool
	}{
		{`{"peer": "lab-3"}`, "lab-3", true},
		{` { "a" : { "peer" : "no", "b": [1, {"x": "]}"}] } , "peer":"yes" } `, "yes", true},
		{`{"127.0.0.1-23456": {"stats": {"rtt": 0}, "sin": ["127.0.0.1", 23456]}, "peer": "Grüße"}`, "Grüße", true},
		{`{"peer": "a\"b\\c\u00e4"}`, `a"b\cä`, true},
		{`{"peer": "one", "peer": "two"}`, "two", true},
		{`{"peer": 3}`, "", false},
		{`{"peer": {"peer": "x"}}`, "", false},
		{`{"beer": "x"}`, "", false},
		{`{"peer": "x"`, "", false},
		{`{"peer": "x"} x`, "", false},
		{`{"peer" "x"}`, "", false},
		{`{{{`, "", false},
		{`["peer", "x"]`, "", false},
		{`"peer"`, "", false},
		{``, "", false},
		{`{}`, "", false},
		{`{"peer": "x\`, "", false},
		{`{"peer": "\q"}`, "", false},
	} {
		got, ok := Field([]byte(row.meta), KeyPeer)
		if string(got) != row.want || ok != row.ok {
			t.Errorf("%s: %q, %v", row.meta, got, ok)
		}
	}
}

func TestMetaFits(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"127.0.0.1", strings.Repeat("long.", 10) + "example.net", strings.Repeat("x", 300)} {
		for _, server := range []string{"127.0.0.1:23456", "[2001:db8:1234:5678:9abc:def0:1234:5678]:65535"} {
			for _, peer := range []string{"", "lab-3", strings.Repeat(`"`, maxPeer), strings.Repeat("€", maxPeer/3)} {
				l := Link{Server: netip.MustParseAddrPort(server), Name: host, Sent: 1e6, Rcvd: 1e6, Ackd: 1e6, RTT: 0.123456, At: 1795303652.672724}
				meta := AppendLink(nil, l, peer)
				if len(meta) > MaxValue || !json.Valid(meta) {
					t.Errorf("%d bytes: %s", len(meta), meta)
				}
				if got, ok := Field(meta, KeyPeer); string(got) != peer || ok != (peer != "") {
					t.Errorf("%q in %s", got, meta)
				}
			}
		}
	}
	both := AppendNames(nil, [2]string{KeyFrom, strings.Repeat(`"`, maxPeer)}, [2]string{KeyPeer, strings.Repeat(`\`, maxPeer)}, [2]string{KeyTo, "\n"})
	if len(both) > MaxValue || !json.Valid(both) {
		t.Errorf("%d bytes: %s", len(both), both)
	}
}

func TestExtensionsComeBack(t *testing.T) {
	t.Parallel()
	reach := []Reach{
		{UUID: clientOne, Path: Direct, RTT: 20 * time.Millisecond, Jitter: 3 * time.Microsecond, Loss: 1},
		{UUID: clientTwo, Path: Unreached},
	}
	var back []Reach
	if !EachReach(AppendReaches(nil, reach), func(r Reach) { back = append(back, r) }) || !reflect.DeepEqual(back, reach) {
		t.Errorf("%+v", back)
	}
	for _, n := range []NAT{{}, {Mapping: Dependent, Filtering: AddressDependent, Port: 7000, Seen: addr("192.0.2.1:5")}, {Mapping: NoNAT, Seen: addr("[2001:db8::5]:1")}} {
		if got, ok := ReadNAT(n.Append(nil)); !ok || got != n {
			t.Errorf("%+v, %v", got, ok)
		}
	}
	if p, ok := ReadPart((Part{7, 1, 3}).Append(nil)); !ok || p != (Part{7, 1, 3}) {
		t.Errorf("%+v, %v", p, ok)
	}
	if f, ok := ReadForward((Forward{clientOne}).Append(nil)); !ok || f.UUID != clientOne {
		t.Errorf("%+v, %v", f, ok)
	}
	var b Builder
	b.Server(Extended, 1, clientOne)
	e := Entry{External: addr("192.0.2.1:5"), Identity: Identity{UUID: clientTwo, Version: Extended, Port: 7000, Name: "lab-3"}}
	b.Entry(e)
	var p Packet
	if err := p.Read(b.Packet()); err != nil || len(p.List) != 1 || p.List[0] != e || len(p.CC) != 0 {
		t.Errorf("%+v, %v", p, err)
	}
}

func FuzzCC(f *testing.F) {
	f.Add(Text{Kind: TextSaid, Message: 1, Parts: 1, Body: []byte("hi")}.Append(nil))
	f.Add(AppendReaches(nil, []Reach{{UUID: clientOne, Path: Direct}}))
	f.Add(NAT{Mapping: NoNAT, Seen: netip.MustParseAddrPort("192.0.2.1:5")}.Append(nil))
	f.Add(Part{1, 0, 2}.Append(nil))
	f.Add(Forward{clientOne}.Append(nil))
	f.Add(Identity{UUID: clientOne, Version: 3, Name: "lab"}.append(nil)[2:])
	f.Fuzz(func(t *testing.T, v []byte) {
		if text, ok := ReadText(v); ok && !bytes.Equal(text.Append(nil), v) {
			t.Errorf("%x is %+v", v, text)
		}
		if p, ok := ReadPart(v); ok && !bytes.Equal(p.Append(nil), v) {
			t.Errorf("%x is %+v", v, p)
		}
		if w, ok := ReadForward(v); ok && !bytes.Equal(w.Append(nil), v) {
			t.Errorf("%x is %+v", v, w)
		}
		if n, ok := ReadNAT(v); ok {
			if again, ok := ReadNAT(n.Append(nil)); !ok || again != n {
				t.Errorf("%x is %+v, then %+v", v, n, again)
			}
		}
		EachReach(v, func(r Reach) {
			if r.Loss < 0 || r.Loss > 1 || r.RTT < 0 {
				t.Errorf("%x has %+v", v, r)
			}
		})
		if id, ok := readIdentity(v); ok && id.Name != "" && !IsName(id.Name) {
			t.Errorf("%x is %+v", v, id)
		}
	})
}

func FuzzMeta(f *testing.F) {
	for _, s := range []string{`{"peer": "lab-3"}`, `{"a": {"b": [1, "]"]}, "peer":"x\u0041"}`, `{`, `{"peer": "x"} `, `{"peer":null}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, meta []byte) {
		got, ok := Field(meta, KeyPeer)
		var all map[string]json.RawMessage
		if json.Unmarshal(meta, &all) != nil || all == nil || !utf8.Valid(meta) {
			return // what stands in no JSON is anybody's guess
		}
		for k := range all {
			if k != KeyPeer && strings.EqualFold(k, KeyPeer) || bytes.Contains(meta, []byte(`\u`)) {
				return
			}
		}
		var plain string
		there := len(all[KeyPeer]) > 0 && all[KeyPeer][0] == '"' && json.Unmarshal(all[KeyPeer], &plain) == nil
		if ok != there || string(got) != plain {
			t.Errorf("%s: %q, %v, want %q, %v", meta, got, ok, plain, there)
		}
	})
}
