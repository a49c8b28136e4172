package wire

import (
	"reflect"
	"strings"
	"testing"

	gosip "github.com/emiago/sipgo/sip"
)

// quickRows are headers, and whether a glance is enough for them.
var quickRows = []struct {
	name, value string
	plain       bool
}{
	{"Via", "SIP/2.0/UDP 192.0.2.1:5064;branch=z9hG4bK-1-0", true},
	{"Via", "SIP/2.0/TCP gw.example.org;branch=z9hG4bKa;rport", true},
	{"Via", "SIP/2.0/UDP [2001:db8::1]:5060;branch=z9hG4bKa", false},
	{"Via", "SIP/2.0/UDP 192.0.2.1;branch=a, SIP/2.0/UDP 192.0.2.2", false},
	{"Via", "SIP / 2.0 / UDP 192.0.2.1", false},
	{"Via", "SIP/2.0/UDP 192.0.2.1:0", false},
	{"Via", "SIP/2.0/UDP 192.0.2.1;", false},
	{"Via", "SIP/2.0/UDP 192.0.2.1;received=\"x\"", false},
	{"From", "<sip:2001@192.0.2.1:5064>;tag=1a1", true},
	{"From", "<sip:gw.example.org>", true},
	{"From", "<sip:a%20b@x;transport=tcp;lr>;tag=1;x", true},
	{"To", "<sip:a:b@x>", false},
	{"To", "<sip:a@x?subject=y>", false},
	{"To", "<tel:+49301234>", false},
	{"To", "sip:a@x;tag=1", false},
	{"To", "Alice <sip:a@x>", false},
	{"To", "<sip:a@x>;tag=", false},
	{"To", "<sip:@x>", false},
	{"To", "<sip:a@x>trail", false},
	{"Contact", "<sip:a@192.0.2.1:5070;ob>;expires=3600", true},
	{"Contact", "<sip:a@x>, <sip:b@x>", false},
	{"Contact", "*", false},
	{"Call-ID", "a@b", true},
	{"CSeq", "1 INVITE", true},
	{"CSeq", "1  INVITE", false},
	{"CSeq", "4294967296 INVITE", false},
	{"Max-Forwards", "70", true},
	{"Max-Forwards", "-1", false},
	{"Content-Length", "0", true},
	{"Content-Type", "application/sdp", true},
	{"Subject", "x", false},
}

func TestAGlanceSeesWhatSipgoWould(t *testing.T) {
	t.Parallel()
	for _, row := range quickRows {
		f := Field{row.name, row.value}
		if h := glanceAt(t, f); (h != nil) != row.plain {
			t.Errorf("%v: %v", f, h)
		}
	}
}

// glanceAt is what a glance sees in f, after it has been held against sipgo.
func glanceAt(t *testing.T, f Field) gosip.Header {
	t.Helper()
	h := new(glance).begin().header(&f)
	if h == nil {
		return nil
	}
	all, err := typed(f)
	if err != nil || len(all) != 1 {
		t.Fatalf("%v: a glance sees %v, sipgo %v, %v", f, h, all, err)
	}
	if got, want := settled(h), settled(all[0]); !reflect.DeepEqual(got, want) {
		t.Fatalf("%v: a glance sees %#v, sipgo %#v", f, got, want)
	}
	return h
}

// settled is a header with nil for parameters that there are none of.
func settled(h gosip.Header) gosip.Header {
	none := func(all ...*gosip.HeaderParams) {
		for _, p := range all {
			if len(*p) == 0 {
				*p = nil
			}
		}
	}
	switch h := h.(type) {
	case *gosip.ViaHeader:
		none(&h.Params)
	case *gosip.FromHeader:
		none(&h.Params, &h.Address.UriParams, &h.Address.Headers)
	case *gosip.ToHeader:
		none(&h.Params, &h.Address.UriParams, &h.Address.Headers)
	case *gosip.ContactHeader:
		none(&h.Params, &h.Address.UriParams, &h.Address.Headers)
	}
	return h
}

func TestASecondViaIsNotTheFirst(t *testing.T) {
	t.Parallel()
	m, err := Parse([]byte(strings.Replace(good, "Via:", "Via: SIP/2.0/UDP first.example;branch=z9hG4bKb\r\nVia:", 1)))
	if err != nil || m.Request.Via().Host != "first.example" || len(m.Request.GetHeaders("Via")) != 2 {
		t.Errorf("%v, %v", m.Request.GetHeaders("Via"), err)
	}
}

func FuzzQuick(f *testing.F) {
	for i, row := range quickRows {
		f.Add(i, row.value)
	}
	f.Fuzz(func(t *testing.T, i int, value string) {
		h, err := scan("x\r\n" + quickRows[uint(i)%uint(len(quickRows))].name + ": " + value)
		if err == nil && len(h.fields) == 1 {
			glanceAt(t, h.fields[0])
		}
	})
}

// FuzzQuickInMessages holds what glances see of a whole message against sipgo.
func FuzzQuickInMessages(f *testing.F) {
	f.Add(good)
	f.Add(strings.Replace(good, "Via:", "Via: SIP/2.0/UDP first.example;branch=z9hG4bKb;a;b;c;d\r\nContact: <sip:a@b;x=1>\r\nm: <sip:c@d>\r\nVia:", 1))
	f.Fuzz(func(t *testing.T, data string) {
		m, err := Parse([]byte(data))
		if err != nil {
			return
		}
		var want []gosip.Header
		for _, field := range m.Fields {
			values, err := typed(field)
			if err != nil {
				t.Fatalf("%v is taken, sipgo says: %v", field, err)
			}
			want = append(want, values...)
		}
		var got []gosip.Header
		if m.Request != nil {
			got = m.Request.Headers()
		} else {
			got = m.Response.Headers()
		}
		if len(got) < len(want) { // a body brings a Content-Length
			t.Fatalf("glances see %v, sipgo %v", got, want)
		}
		for i := range want {
			if !reflect.DeepEqual(settled(got[i]), settled(want[i])) {
				t.Fatalf("a glance sees %#v, sipgo %#v", got[i], want[i])
			}
		}
	})
}

// FuzzQuickURI holds what is read of a URI at a glance against sipgo.
func FuzzQuickURI(f *testing.F) {
	for _, s := range []string{
		"sip:a@b", "sip:192.0.2.1:5060;transport=udp;lr", "sip:a%20b@x;a;b;c;d;e;f", "sip:a@x;a;A", "sip:a@x;a=", "sip:a@x;;", "sip:a;b@c;d=e",
		"sips:a@x;lr", "sip:a@x:0;lr", "sip:a@[2001:db8::1];lr", "sip:a@x;p?h=v", "tel:+49;phone-context=x", "sip:;a@x;lr", "sip:a@x;a=b=c",
		"sip:a@x;a;b;c;d;e;f;g",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := ParseURI(s)
		want, wrong := anyURI(s)
		if (err == nil) != (wrong == nil) {
			t.Fatalf("%q: %v, sipgo %v", s, err, wrong)
		}
		if err != nil {
			return
		}
		for _, uri := range []*gosip.Uri{&got, &want} {
			if len(uri.UriParams) == 0 {
				uri.UriParams = nil
			}
			if len(uri.Headers) == 0 {
				uri.Headers = nil
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: %#v, sipgo %#v", s, got, want)
		}
	})
}

// TestWhatIsAddedToAHeaderGoesIntoNoOther: the parameters of all headers that are read at a glance stand side by side.
func TestWhatIsAddedToAHeaderGoesIntoNoOther(t *testing.T) {
	t.Parallel()
	m, err := Parse([]byte("OPTIONS sip:x@192.0.2.2;a=0;b=0 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n" +
		"From: <sip:a@192.0.2.1;c=1>;tag=2\r\nTo: <sip:x@192.0.2.2>;d=3\r\nContact: <sip:a@192.0.2.1;e=4>\r\n" +
		"Call-ID: c\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	r := m.Request
	all := []*gosip.HeaderParams{
		&r.Recipient.UriParams, &r.Via().Params, &r.From().Address.UriParams, &r.From().Params, &r.To().Params, &r.Contact().Address.UriParams,
	}
	for _, p := range all {
		p.Add("more", "x")
	}
	want := []string{"a=0;b=0;more=x", "branch=z9hG4bK1;more=x", "c=1;more=x", "tag=2;more=x", "d=3;more=x", "e=4;more=x"}
	for i, p := range all {
		if got := p.ToString(';'); got != want[i] {
			t.Errorf("%q, want %q", got, want[i])
		}
	}
}
