package wire

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

const testHeader = `<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' ` +
	`xmlns:stream='http://etherx.jabber.org/streams' id='s1' from='under_score.example' xml:lang='de'>`

const plainHeader = `<stream:stream xmlns='jabber:component:accept' ` +
	`xmlns:stream='http://etherx.jabber.org/streams' id='s1'>`

const good = `<message from='a@b' to='c@d' id='1' type='chat'><body>hello</body></message>`

// read gives what comes out of a reader, and what it dropped.
func read(src io.Reader, lim Limits) (string, []Drop, error) {
	var drops []Drop
	r := NewReader(src, lim, func(d Drop) { drops = append(drops, d) })
	out, err := io.ReadAll(r)
	return string(out), drops, err
}

func TestStanzasPassUnchangedHoweverTheyArrive(t *testing.T) {
	t.Parallel()
	in := testHeader + "\n" + good + "  " + `<presence from="a@b/>" to='d'/>` + "<iq\nid='2'><q xmlns='x'><![CDATA[<&>]]></q></iq>" + "</stream:stream>"
	want := plainHeader + good + `<presence from="a@b/>" to='d'/>` + "<iq\nid='2'><q xmlns='x'><![CDATA[<&>]]></q></iq>" + "</stream:stream>"
	for name, src := range map[string]io.Reader{
		"at once":        strings.NewReader(in),
		"byte by byte":   iotest.OneByteReader(strings.NewReader(in)),
		"in halves":      iotest.HalfReader(strings.NewReader(in)),
		"with its error": iotest.DataErrReader(strings.NewReader(in)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, drops, err := read(src, Defaults())
			if err != nil || out != want || len(drops) != 0 {
				t.Errorf("got %q, drops %v, error %v; want %q", out, drops, err, want)
			}
		})
	}
}

func TestOneBadStanzaIsDroppedAndTheNextPasses(t *testing.T) {
	t.Parallel()
	lim := Limits{Bytes: 2000, Depth: 5, Attrs: 6, Value: 100, Elements: 20}
	head := Head{Name: "message", ID: "7", From: "evil@x", To: "me@y", Type: "chat"}
	open := `<message id='7' from='evil@x' to='me@y' type='chat'>`
	for _, tt := range []struct {
		name, in string
		reason   Reason
		head     Head
	}{
		{"too many bytes", open + "<body>" + strings.Repeat("x", 3000) + "</body></message>", TooLarge, head},
		{"too deep", open + strings.Repeat("<a>", 6) + strings.Repeat("</a>", 6) + "</message>", TooDeep, head},
		{"too many elements", open + strings.Repeat("<a/>", 21) + "</message>", TooMany, head},
		{"too many attributes", open + "<a b='' c='' d='' e='' f='' g='' h=''/></message>", TooMany, head},
		{"too many attributes of its own", `<message a='' b='' c='' d='' e='' f='' g='' h=''/>`, TooMany, Head{}},
		{"a long value", open + "<a b='" + strings.Repeat("x", 101) + "'/></message>", ValueLong, head},
		{"a long value of its own", "<message id='" + strings.Repeat("x", 101) + "' from='evil@x'/>", ValueLong, Head{}},
		{"a comment", open + "<!-- x --></message>", Restricted, head},
		{"a comment with a tag in it", open + "<!-- </message> --></message>", Restricted, head},
		{"an instruction", open + "<?php </message> ?></message>", Restricted, head},
		{"a stream error of theirs", open + "<error xmlns='http://etherx.jabber.org/streams'/></message>", Restricted, head},
		{"a stream error of theirs by prefix", open + "<stream:error/></message>", Restricted, head},
		{"a stream end of theirs", open + "<x xmlns='http://etherx.jabber.org/streams'/></message>", Restricted, head},
		{"an unknown entity", open + "&bomb;</message>", Malformed, head},
		{"a bare ampersand", open + "a & b</message>", Malformed, head},
		{"ends crossed", open + "<a><b></a></b></message>", Malformed, head},
		{"a value without quotes", open + "<a b=c></a></message>", Malformed, head},
		{"a control character", open + "<body>\x01</body></message>", Malformed, head},
		{"bytes that are no UTF-8", open + "<body>\xff\xfe</body></message>", Malformed, head},
		{"CDATA's end in text", open + "]]></message>", Malformed, head},
		{"no name", "<></>", Malformed, Head{}},
		{"an element of no kind", "<features id='1'/>", NoStanza, Head{Name: "features", ID: "1"}},
		{"a stream in the stream", "<stream:stream></stream:stream>", NoStanza, Head{Name: "stream"}},
		{"a comment between", "<!-- <message/> -->", Stray, Head{}},
		{"an instruction between", "<?xml version='1.0'?>", Stray, Head{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out, drops, err := read(strings.NewReader(testHeader+tt.in+good+"</stream:stream>"), lim)
			if err != nil || out != plainHeader+good+"</stream:stream>" {
				t.Errorf("got %q, error %v", out, err)
			}
			if len(drops) != 1 || drops[0] != (Drop{tt.reason, tt.head}) {
				t.Errorf("dropped %+v, want %v of %+v", drops, tt.reason, tt.head)
			}
		})
	}
}

func TestABrokenStreamIsAnError(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, in string }{
		{"text between stanzas", testHeader + "hello"},
		{"a document type", `<!DOCTYPE x [<!ENTITY a "b">]>` + testHeader},
		{"a document type within", testHeader + `<message><!DOCTYPE x></message>`},
		{"CDATA between stanzas", testHeader + "<![CDATA[x]]>"},
		{"no stream", "<html xmlns='http://www.w3.org/1999/xhtml'>"},
		{"another namespace", "<stream:stream xmlns:stream='urn:x'>"},
		{"a prefix of nothing", "<stream:stream xmlns='jabber:component:accept'>"},
		{"nothing in it", "<stream:stream xmlns:stream='http://etherx.jabber.org/streams'/>"},
		{"an end only", "</stream:stream>"},
		{"a header without end", "<stream:stream id='" + strings.Repeat("x", maxHeader)},
		{"not XML", "HTTP/1.1 400 Bad Request\r\n\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if _, _, err := read(strings.NewReader(tt.in), Defaults()); !errors.Is(err, ErrBroken) {
				t.Errorf("error %v, want ErrBroken", err)
			}
		})
	}
}

func TestAnErrorOfTheStreamItselfPasses(t *testing.T) {
	t.Parallel()
	const end = `<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>`
	out, drops, err := read(strings.NewReader(testHeader+end), Defaults())
	if out != plainHeader+end || len(drops) != 0 || err != nil {
		t.Errorf("got %q, %v, %v", out, drops, err)
	}
}

func TestAnotherPrefixForTheStreamIsUnderstood(t *testing.T) {
	t.Parallel()
	in := `<s:stream xmlns:s='http://etherx.jabber.org/streams' xmlns='jabber:component:accept' id='&quot;&lt;'>` +
		good + `<message><s:error/></message></s:stream>`
	out, drops, err := read(strings.NewReader(in), Defaults())
	want := `<stream:stream xmlns:s='http://etherx.jabber.org/streams' xmlns='jabber:component:accept' ` +
		`xmlns:stream='http://etherx.jabber.org/streams' id='&#34;&lt;'>` + good + "</stream:stream>"
	if out != want || err != nil || len(drops) != 1 {
		t.Errorf("got %q, %v, %v; want %q", out, drops, err, want)
	}
}

func TestTheStreamsLanguageIsKnown(t *testing.T) {
	t.Parallel()
	r := NewReader(strings.NewReader(testHeader), Defaults(), nil)
	if r.Lang() != "" {
		t.Error("a language before the stream")
	}
	if _, err := r.Read(make([]byte, 1)); err != nil || r.Lang() != "de" {
		t.Errorf("language %q, error %v", r.Lang(), err)
	}
}

// endless gives head, then n bytes of fill, then tail, and watches what the
// reader keeps.
type endless struct {
	head, fill, tail string
	n                int
	most             int
	r                *Reader
}

func (e *endless) Read(p []byte) (int, error) {
	e.most = max(e.most, cap(e.r.buf))
	if e.head != "" {
		n := copy(p, e.head)
		e.head = e.head[n:]
		return n, nil
	}
	if e.n > 0 {
		n := 0
		for n+len(e.fill) <= len(p) && e.n > 0 {
			n += copy(p[n:], e.fill)
			e.n -= len(e.fill)
		}
		return n, nil
	}
	n := copy(p, e.tail)
	e.tail = e.tail[n:]
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func TestABombIsSkippedInBoundedMemory(t *testing.T) {
	t.Parallel()
	open := `<message id='7' from='evil@x' to='me@y' type='chat'>`
	for _, tt := range []struct {
		name string
		src  endless
		why  Reason
	}{
		{"an attribute of 64 MiB", endless{head: open + "<a b='", fill: strings.Repeat("x", 1024), n: 64 << 20, tail: "'/></message>"}, ValueLong},
		{"a text of 64 MiB", endless{head: open, fill: strings.Repeat("x", 1024), n: 64 << 20, tail: "</message>"}, TooLarge},
		{"a name of 2 MiB", endless{head: open + "<", fill: strings.Repeat("x", 1024), n: 2 << 20, tail: "/></message>"}, TooLarge},
		{"a million elements deep", endless{head: open, fill: "<a>", n: 3 << 20, tail: strings.Repeat("</a>", 1<<20) + "</message>"}, TooDeep},
		{"a million elements", endless{head: open, fill: "<a/>", n: 4 << 20, tail: "</message>"}, TooMany},
		{"a comment of 2 MiB", endless{head: "<!--", fill: strings.Repeat("x", 1024), n: 2 << 20, tail: "--><message><!----></message>"}, TooLarge},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			src := tt.src
			src.head = testHeader + src.head
			src.tail += good + "</stream:stream>"
			var drops []Drop
			src.r = NewReader(&src, Defaults(), func(d Drop) { drops = append(drops, d) })
			out, err := io.ReadAll(src.r)
			if err != nil || string(out) != plainHeader+good+"</stream:stream>" {
				t.Errorf("got %q, error %v", out, err)
			}
			if len(drops) == 0 || drops[0].Reason != tt.why && drops[0].Reason != Stray {
				t.Errorf("dropped %+v, want %v", drops, tt.why)
			}
			if bound := 2 * Defaults().Bytes; src.most > bound {
				t.Errorf("kept %d bytes, bound %d", src.most, bound)
			}
		})
	}
}

// FuzzReader checks for any input that what is let through decodes and that no
// more is kept than allowed.
func FuzzReader(f *testing.F) {
	for _, s := range []string{
		good, "<message><!-- --></message>", "<a><![CDATA[]]]]><b/>", "</stream:stream>", "<?x?>", "<>", "</>",
		"<message a='<'/>", "<message/ >", "<a:b:c/>", "<message xmlns:a=''><a:b/></message>", "<message a=b/>",
		"<message><a></b></message>", "<message \"\"/>", "<stream:error/>", "<message><stream:error/></message>",
		"<message xmlns='http://etherx.jabber.org/streams'/>", "&lt;", "<message>&#0;</message>", "<!", "<!-",
	} {
		f.Add([]byte(s), true)
		f.Add([]byte(s+good), true)
		f.Add([]byte(testHeader+s), false)
	}
	lim := Limits{Bytes: 300, Depth: 4, Attrs: 4, Value: 40, Elements: 8}
	f.Fuzz(func(t *testing.T, in []byte, header bool) {
		if header {
			in = append([]byte(testHeader), in...)
		}
		r := NewReader(bytes.NewReader(in), lim, func(Drop) {})
		kept := 0
		d := xml.NewDecoder(watch{r, &kept})
		for {
			tok, err := d.Token()
			if err != nil {
				var syntax *xml.SyntaxError
				// An end before its time is the source's own.
				if !errors.Is(err, ErrBroken) && errors.As(err, &syntax) && !strings.Contains(syntax.Msg, "unexpected EOF") {
					t.Fatalf("what was let through does not decode: %v", err)
				}
				break
			}
			switch tok.(type) {
			case xml.Comment, xml.ProcInst, xml.Directive:
				t.Fatalf("%T was let through", tok)
			}
		}
		if bound := max(lim.Bytes, maxHeader); kept > bound {
			t.Fatalf("kept %d bytes, bound %d", kept, bound)
		}
	})
}

// watch notes how many bytes its reader keeps.
type watch struct {
	r    *Reader
	kept *int
}

func (w watch) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	*w.kept = max(*w.kept, len(w.r.buf))
	return n, err
}

// tokensOf is what a decoder makes of a stream behind a reader, from the stream's own start
// tag on: all but white space between stanzas.
func tokensOf(in []byte, lim Limits) (all []xml.Token, err error) {
	d := xml.NewDecoder(NewReader(bytes.NewReader(in), lim, func(Drop) {}))
	for depth := 0; ; {
		tok, err := d.Token()
		if err != nil {
			return all, err
		}
		switch tok.(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			depth--
		}
		if start, ok := tok.(xml.StartElement); depth > 1 || depth == 1 && !ok || ok && start.Name.Space != nsStream {
			if _, white := tok.(xml.CharData); depth > 1 || !white {
				all = append(all, xml.CopyToken(tok))
			}
		}
	}
}

// stanzasOf is what a reader itself makes of it.
func stanzasOf(in []byte, lim Limits) (all []xml.Token, err error) {
	r := NewReader(bytes.NewReader(in), lim, func(Drop) {})
	for {
		st, err := r.Stanza()
		if err != nil {
			return all, err
		}
		for {
			tok, err := st.Token()
			if err != nil {
				break
			}
			all = append(all, tok)
		}
	}
}

func sameTokens(t *testing.T, in []byte, lim Limits) {
	t.Helper()
	want, err1 := tokensOf(in, lim)
	got, err2 := stanzasOf(in, lim)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("of %q\ngot  %v\nwant %v", in, got, want)
	}
	if !errors.Is(err1, err2) && !errors.Is(err2, ErrBroken) {
		t.Errorf("of %q: %v, and %v", in, err2, err1)
	}
}

func TestStanzasDecodeAsInTheirStream(t *testing.T) {
	t.Parallel()
	other := `<s:stream xmlns:s='http://etherx.jabber.org/streams' xmlns='jabber:component:accept' xmlns:x='urn:x' id='1'>`
	for _, in := range []string{
		testHeader + good + " " + good + "</stream:stream>",
		testHeader + "<message id='a&amp;b\n'><x:b xmlns:x='urn:y' x:c='d'/>&lt;&#x1F600;<![CDATA[<a>]]></message><presence/></stream:stream>",
		other + "<message><x:b x:c='d'/><b xmlns='' /><n:q/></message><iq xmlns='urn:other'><q/></iq></s:stream>",
		other + "<message><broken></message>" + good + "<message><!-- --></message>" + good + "<message>&nosuch;</message>" + good,
		testHeader + "<message>" + good,
		testHeader + "<error/><stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>" + "</stream:stream>",
	} {
		sameTokens(t, []byte(in), Defaults())
	}
}

func FuzzStanza(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte("<message xmlns:a='b'><a:c d='e&amp;'>&lt;f</a:c></message><iq/><message></iq>" + good))
	f.Add([]byte("<message xmlns='c' xmlns:xml='d'><stream:x/></message></stream:stream>"))
	f.Add([]byte("<stream:error><a/></stream:error><presence\r\nto=\"&#13;\">\r\n</presence>"))
	f.Fuzz(func(t *testing.T, in []byte) {
		sameTokens(t, append([]byte(testHeader), in...), Limits{Bytes: 2000, Depth: 6, Attrs: 6, Value: 100, Elements: 50})
	})
}
