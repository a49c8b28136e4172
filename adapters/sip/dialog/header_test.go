package dialog

import (
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"gateway/adapters/sip/wire"
)

// message makes a message with some headers and a body.
func message(t testing.TB, body string, lines ...string) *wire.Message {
	t.Helper()
	text := "INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n"
	for _, l := range lines {
		text += l + "\r\n"
	}
	m, err := wire.Parse([]byte(text + "Content-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestTheSessionIsFoundInTheBody(t *testing.T) {
	t.Parallel()
	const part = "--zz\r\nContent-Type: application/isup\r\n\r\nbinary\r\n--zz\r\nContent-Type: application/sdp\r\n%\r\nv=0\r\n--zz--\r\n"
	for _, row := range []struct {
		name, kind, body string
		want             string
		err              error
	}{
		{"none", "", "", "", nil},
		{"plain", "Content-Type: application/sdp", "v=0", "v=0", nil},
		{"with parameters", "c: Application/SDP;charset=utf-8", "v=0", "v=0", nil},
		{"a part", "Content-Type: multipart/mixed;boundary=zz", strings.Replace(part, "%", "", 1), "v=0", nil},
		{"an encoded part", "Content-Type: multipart/mixed;boundary=zz", strings.Replace(part, "%", "Content-Transfer-Encoding: base64\r\n", 1), "", errEncoding},
		{"no such part", "Content-Type: multipart/mixed;boundary=yy", part, "", nil},
		{"no boundary", "Content-Type: multipart/mixed", part, "", errContent},
		{"something else", "Content-Type: text/plain", "v=0", "", errContent},
		{"no type", "X: y", "v=0", "", errContent},
	} {
		lines := []string{}
		if row.kind != "" {
			lines = append(lines, row.kind)
		}
		got, err := session(message(t, row.body, lines...))
		if string(got) != row.want || err != row.err {
			t.Errorf("%s: %q, %v", row.name, got, err)
		}
	}
}

func TestReasonsAreRead(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		in   []string
		want []Reason
	}{
		{nil, nil},
		{[]string{`SIP;cause=200;text="Call completed elsewhere"`}, []Reason{{"SIP", 200, "Call completed elsewhere"}}},
		{[]string{`q.850 ; Cause = 16`, `sip;text="a;b\"c"`}, []Reason{{"Q.850", 16, ""}, {"SIP", -1, `a;b"c`}}},
		{[]string{`Q.850;cause=16, SIP;cause=487`}, []Reason{{"Q.850", 16, ""}, {"SIP", 487, ""}}},
		{[]string{`Q.850;cause=99999`, `"x";cause=1`, strings.Repeat("x", maxValue+1)}, []Reason{{"Q.850", -1, ""}}},
	} {
		if got := ParseReason(row.in); !reflect.DeepEqual(got, row.want) {
			t.Errorf("%q: %+v", row.in, got)
		}
	}
}

func TestReferToIsRead(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		in, uri, method string
		replaces        *Replaces
		ok              bool
	}{
		{"<sip:carol@example.org>", "sip:carol@example.org", "INVITE", nil, true},
		{`"Carol" <sip:carol@example.org;user=phone>;x=y`, "sip:carol@example.org;user=phone", "INVITE", nil, true},
		{"sip:carol@example.org;method=INVITE", "sip:carol@example.org", "INVITE", nil, true},
		{"<sip:carol@example.org;method=BYE>", "sip:carol@example.org", "BYE", nil, true},
		{
			"<sip:carol@example.org?Replaces=1%402%3Bto-tag%3Da%3Bfrom-tag%3Db&Subject=x>", "sip:carol@example.org", "INVITE",
			&Replaces{CallID: "1@2", ToTag: "a", FromTag: "b"}, true,
		},
		{"<sip:carol@example.org?Replaces=nonsense>", "", "", nil, false},
		{"<sip:carol@example.org?Replaces=1%3Bto-tag%3Da%3Bfrom-tag%3Db&Replaces=1%3Bto-tag%3Da%3Bfrom-tag%3Db>", "", "", nil, false},
		{"<sip:carol@example.org", "", "", nil, false},
		{"<tel:+49301234>", "tel:+49301234", "INVITE", nil, true},
		{"", "", "", nil, false},
	} {
		got, err := ParseReferTo(row.in)
		if (err == nil) != row.ok {
			t.Errorf("%s: %v", row.in, err)
			continue
		}
		if !row.ok {
			continue
		}
		if u := got.URI.String(); u != row.uri || got.Method != row.method || !reflect.DeepEqual(got.Replaces, row.replaces) {
			t.Errorf("%s: %s %+v", row.in, u, got)
		}
	}
}

func TestWhoRefreshesIsAgreedOn(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		lines  []string
		now    string
		status int
		want   interval
	}{
		{"nothing asked", nil, "", 0, interval{usualInterval, "uas"}},
		{"timers known", []string{"Supported: timer"}, "", 0, interval{usualInterval, "uac"}},
		{"least of another", []string{"Supported: timer", "Min-SE: 7200"}, "", 0, interval{2 * time.Hour, "uac"}},
		{"asked", []string{"k: timer", "x: 90;refresher=uas"}, "", 0, interval{90 * time.Second, "uas"}},
		{"kept", []string{"k: timer", "x: 90"}, "uas", 0, interval{90 * time.Second, "uas"}},
		{"too small", []string{"k: timer", "x: 89"}, "", 422, interval{}},
		{"too small for who knows none", []string{"x: 10"}, "", 0, interval{90 * time.Second, "uas"}},
		{"huge", []string{"k: timer", "x: 4294967295"}, "", 0, interval{mostInterval, "uac"}},
		{"malformed", []string{"k: timer", "x: -1"}, "", 400, interval{}},
	} {
		got, status := agree(message(t, "", row.lines...), leastInterval, row.now)
		if status != row.status || status == 0 && got != row.want {
			t.Errorf("%s: %+v %d", row.name, got, status)
		}
	}
}

func FuzzReplaces(f *testing.F) {
	f.Add("1@2;to-tag=a;from-tag=b")
	f.Add(`x;to-tag="a";from-tag=b;early-only;y`)
	f.Add("a,b;from-tag=1;to-tag=2")
	f.Fuzz(func(t *testing.T, in string) {
		r, err := ParseReplaces(in)
		if err != nil {
			return
		}
		again, err := ParseReplaces(r.String())
		if err != nil || again != r {
			t.Errorf("%q: %+v, again %+v, %v", in, r, again, err)
		}
	})
}

func FuzzReferTo(f *testing.F) {
	f.Add("<sip:carol@example.org?Replaces=1%402%3Bto-tag%3Da%3Bfrom-tag%3Db>")
	f.Add(`"x>" <sip:a;method=REFER>;y`)
	f.Add("tel:+1")
	f.Fuzz(func(t *testing.T, in string) {
		r, err := ParseReferTo(in)
		if err != nil {
			return
		}
		text := r.URI.String()
		if strings.ContainsAny(text, "<>\" \t\r\n") || len(r.URI.Headers) > 0 {
			t.Errorf("%q is not fit for a header", text)
		}
		if r.Replaces != nil && !callID(r.Replaces.CallID) {
			t.Errorf("%q: %+v", in, r.Replaces)
		}
	})
}

func FuzzReason(f *testing.F) {
	f.Add(`SIP;cause=200;text="Call completed elsewhere"`)
	f.Add(`Q.850;cause=16,SIP ;text="a\"b`)
	f.Fuzz(func(t *testing.T, in string) {
		all := ParseReason([]string{in})
		if len(all) > maxReasons {
			t.Errorf("%d", len(all))
		}
		for _, r := range all {
			v := r.Field().Value
			again := ParseReason([]string{v})
			if strings.ContainsAny(v, "\r\n\x00") || len(again) != 1 || again[0] != r {
				t.Errorf("%q: %+v, again %+v", in, r, again)
			}
		}
	})
}

func FuzzRAck(f *testing.F) {
	f.Add("1 2 INVITE")
	f.Add("4294967295 0  x")
	f.Fuzz(func(t *testing.T, in string) {
		r, ok := parseRAck([]string{in})
		if !ok {
			return
		}
		if again, ok := parseRAck([]string{r.String()}); !ok || again != r {
			t.Errorf("%q: %+v", in, r)
		}
	})
}

func FuzzSessionExpires(f *testing.F) {
	f.Add("90;refresher=uac")
	f.Add(" 1800 ; Refresher=uas;x")
	f.Fuzz(func(t *testing.T, in string) {
		m := &wire.Message{Fields: []wire.Field{{Name: "Session-Expires", Value: in}, {Name: "Supported", Value: "timer"}, {Name: "Min-SE", Value: in}}}
		i, _, ok := sessionExpires(m)
		if ok && (i.Duration < 0 || i.Duration > mostInterval || i.refresher != "" && i.refresher != "uac" && i.refresher != "uas") {
			t.Errorf("%q: %+v", in, i)
		}
		if i, status := agree(m, leastInterval, ""); status == 0 && (i.Duration < leastInterval || i.refresher == "") {
			t.Errorf("%q: %+v", in, i)
		}
	})
}

func FuzzRoutes(f *testing.F) {
	f.Add("<sip:p1@192.0.2.11;lr>, \"x,<\" <sip:p2;transport=tcp>;y", "<sip:bob@192.0.2.2>;expires=1")
	f.Add("<sip:a?b=c>", "sip:b;x")
	f.Fuzz(func(t *testing.T, record, at string) {
		m := &wire.Message{Fields: []wire.Field{{Name: "Record-Route", Value: record}, {Name: "Contact", Value: at}}}
		routes, ok := recorded(m)
		if !ok {
			return
		}
		target := contact(m)
		if len(target) > maxURI || strings.ContainsAny(target, "<> ?") {
			t.Errorf("target %q", target)
		}
		if target == "" {
			target = "sip:x"
		}
		uri, values, next := head(routes, target)
		if uri == "" || next == "" || strings.ContainsAny(uri, "<> ") || len(values) > maxRoutes {
			t.Errorf("%q %q %q", uri, values, next)
		}
	})
}

// A word is a Path of one transport, as far as a Contact is concerned.
type word struct {
	Path
	transport string
}

func (w word) Transport() string { return w.transport }
func (word) SentBy() string      { return "h:1" }

func TestOurContactSaysByWhatWeAreReached(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		transport string
		secure    bool
		want      string
	}{
		{"UDP", false, "<sip:u@h:1>"}, {"TCP", false, "<sip:u@h:1;transport=tcp>"}, {"TLS", false, "<sip:u@h:1;transport=tls>"},
		{"TLS", true, "<sips:u@h:1>"}, {"WS", false, "<sip:u@h:1;transport=ws>"}, {"WSS", true, "<sips:u@h:1;transport=ws>"},
	} {
		if got := (&Call{user: "u", secure: row.secure}).contact(word{transport: row.transport}); got.Value != row.want {
			t.Errorf("%s: %s, want %s", row.transport, got.Value, row.want)
		}
	}
}

func TestWhatIsAskedByASIPSURIIsAnsweredByOne(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		uri   string
		lines []string
		want  bool
	}{
		{"nothing", "sip:a@b", []string{"Contact: <sip:c@d>"}, false},
		{"the Request-URI", "sips:a@b", nil, true},
		{"the Contact", "sip:a@b", []string{"Contact: <SIPS:c@d>"}, true},
		{"the element before us", "sip:a@b", []string{"Record-Route: <sips:p;lr>, <sip:q;lr>", "Contact: <sip:c@d>"}, true},
		{"the Contact behind another", "sip:a@b", []string{"Record-Route: <sip:p;lr>", "Contact: <sips:c@d>"}, false},
	} {
		m := message(t, "", row.lines...)
		uri, err := wire.ParseURI(row.uri)
		if err != nil {
			t.Fatal(err)
		}
		m.Request.Recipient = uri
		routes, _ := recorded(m)
		if got := asksForSIPS(m, routes); got != row.want {
			t.Errorf("%s: %v", row.name, got)
		}
	}
}
