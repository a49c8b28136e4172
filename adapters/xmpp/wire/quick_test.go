package wire

import (
	"bytes"
	"encoding/xml"
	"reflect"
	"strings"
	"testing"
)

// asXML is what package xml reads of a stanza alone.
func asXML(h *header, stanza []byte) (tokens []xml.Token, why Reason) {
	r := &Reader{hdr: h, buf: stanza}
	why = r.decode()
	return r.tokens, why
}

func quickHeader(t testing.TB, tag string) *header {
	t.Helper()
	h, err := parseHeader([]byte(tag))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// held holds what is read quickly against package xml, and says whether it is.
func held(t *testing.T, h *header, stanza []byte) bool {
	t.Helper()
	r := &Reader{hdr: h, buf: stanza}
	if !r.quickly() {
		return false
	}
	want, why := asXML(h, stanza)
	if why != "" || !reflect.DeepEqual(r.tokens, want) {
		t.Errorf("of %q\ngot  %#v\nwant %#v, %s", stanza, r.tokens, want, why)
	}
	return true
}

const quickTag = `<s:stream xmlns:s='http://etherx.jabber.org/streams' xmlns='jabber:component:accept' xmlns:x='urn:x' id='1'>`

func TestWhatIsPlainIsReadQuickly(t *testing.T) {
	t.Parallel()
	h := quickHeader(t, quickTag)
	for _, plain := range []string{
		good,
		"<message/>", "<iq type=\"get\"\n\tid='1' ><q xmlns='urn:q' a='' b='&lt;\"&amp;&gt;&apos;&quot;'/></iq>",
		"<message><body xml:lang='de'>f\u00fcr 2 &lt; 3 ]] ></body>\n<x:y x:z='1' z='2'/></message>",
		"<message xmlns:x='urn:1'><x:a xmlns:x='urn:2' xmlns='urn:3'><b x:c=''/></x:a><x:a/><b xmlns=''/><n:o n:p=''/></message>",
		"<message xmlns:xml='urn:other'><a xml:b='1' xmlns:c='d' xmlns:c='e'><c:f/></a></message>",
		"<presence><c xmlns='http://jabber.org/protocol/caps' node='a' ver='b=' hash='sha-1'/></presence>",
		"<message><body>\U0001F600\uFFFD\x7f\u0085</body></message>",
	} {
		if !held(t, h, []byte(plain)) {
			t.Errorf("%s is not read", plain)
		}
	}
	for _, other := range []string{
		"", " <message/>", "<message/> ", "<message>", "</message>", "<message></iq>", "<message><a></message></a>", "<message/><message/>",
		"<message><!-- --></message>", "<message><![CDATA[x]]></message>", "<message><?x?></message>", "<message>&#65;</message>",
		"<message>&nosuch;</message>", "<message>&lt</message>", "<message>]]></message>", "<message>\r</message>", "<message>\x01</message>",
		"<message>\xff</message>", "<message>\uFFFE</message>", "<message>\uFFFF</message>", "<message a='<'/>", "<message a=b/>",
		"<message a = 'b'/>", "<message a='b'c='d'/>", "<message a/>", "<message a='b/>", "<message / >", "<1/>", "<a:/>", "<:a/>", "<a:b:c/>",
		"<features/>", "<message><s:error/></message>", "<message><error xmlns='http://etherx.jabber.org/streams'/></message>", "<m\u00e9/>",
		"<message a='\r'/>", "<message a='\xff'/>", "<message><xmlns xmlns='a' xmlns:xmlns='b'/></message>", "<message></message >", "<", "<message", "<message a", "<message a=", "<message a='",
	} {
		if held(t, h, []byte(other)) {
			t.Errorf("%s is read", other)
		}
	}
}

// TestAReaderCanReadQuicklyAgain: nothing is left of what was read before, or could not be.
func TestAReaderCanReadQuicklyAgain(t *testing.T) {
	t.Parallel()
	h := quickHeader(t, quickTag)
	r := &Reader{hdr: h}
	for i := range 20 {
		for _, s := range []string{"<message xmlns='urn:a'><a xmlns:x='urn:b'><x:c", good, "<message><x:a/></message>"} {
			want, why := asXML(h, []byte(s))
			r.buf = []byte(s)
			if ok := r.quickly(); ok != (why == "") || ok && !reflect.DeepEqual(r.tokens, want) {
				t.Fatalf("%s, for time %d: %v, %#v", s, i, ok, r.tokens)
			}
		}
	}
}

func FuzzQuick(f *testing.F) {
	for _, s := range []string{
		good, "<message xmlns:a='b'><a:c d='e&amp;'>&lt;f</a:c></message>", "<iq xmlns='c' xmlns:xml='d'><xml:x xml:y=''/></iq>",
		"<message><xmlns xmlns='a' xmlns:xmlns='b'/><a xmlns:='c'/></message>", "<message><body>\u00fc]]&gt;</body></message>",
		"<s:error><a/></s:error>", "<message xmlns:q='http://etherx.jabber.org/streams'><q:a/></message>", "<presence to='a'\n\tb=\"'\"  />",
	} {
		f.Add([]byte(s))
	}
	h := quickHeader(f, quickTag)
	f.Fuzz(func(t *testing.T, stanza []byte) { held(t, h, stanza) })
}

func BenchmarkStanza(b *testing.B) {
	stanza := []byte("<message xmlns='jabber:component:accept' type='chat' id='m12345' from='u1@example.org/client' to='1001@phones.example.org'>" +
		"<body>" + strings.Repeat("letters ", 10) + "</body><origin-id xmlns='urn:xmpp:sid:0' id='m12345'/></message>")
	for name, read := range map[string]func(*Reader) bool{"quick": (*Reader).quickly, "package xml": func(r *Reader) bool { return r.decode() == "" }} {
		b.Run(name, func(b *testing.B) {
			r := &Reader{hdr: quickHeader(b, quickTag), buf: bytes.Clone(stanza)}
			b.ReportAllocs()
			for b.Loop() {
				if !read(r) {
					b.Fatal("it is not read")
				}
			}
		})
	}
}
