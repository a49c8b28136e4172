package wire

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

func TestWishesAreReadByNamespace(t *testing.T) {
	t.Parallel()
	const inside = "\n\nContent-Type: text/plain\n\nx"
	all := Ask{ID: "id1", Delivered: true, Failed: true, Displayed: true}
	for _, row := range []struct {
		name, headers string
		want          Ask
	}{
		{"usual", "NS: imdn <urn:ietf:params:imdn>\nimdn.Message-ID: id1\nimdn.Disposition-Notification: positive-delivery, negative-delivery,display", all},
		{"other prefix", "NS: x <urn:ietf:params:imdn>\nx.Message-ID: id1\nx.Disposition-Notification: DISPLAY;p=1 , processing", Ask{ID: "id1", Displayed: true}},
		{"no prefix", "From: <sip:a@b>\nNS: <urn:ietf:params:imdn>\nMessage-ID: id1\nDisposition-Notification: display", Ask{ID: "id1", Displayed: true}},
		{"prefix of another", "NS: imdn <urn:x>\nimdn.Message-ID: id1\nimdn.Disposition-Notification: display", Ask{}},
		{"prefix too late", "imdn.Message-ID: id1\nimdn.Disposition-Notification: display\nNS: imdn <urn:ietf:params:imdn>", Ask{}},
		{"no id", "NS: imdn <urn:ietf:params:imdn>\nimdn.Disposition-Notification: display", Ask{}},
		{"bad id", "NS: imdn <urn:ietf:params:imdn>\nimdn.Message-ID: a b\nimdn.Disposition-Notification: display", Ask{}},
		{"long id", "NS: imdn <urn:ietf:params:imdn>\nimdn.Message-ID: " + strings.Repeat("x", 161) + "\nimdn.Disposition-Notification: display", Ask{}},
		{"time", "DateTime: 2026-11-22T10:00:00.5+01:00", Ask{DateTime: "2026-11-22T10:00:00.5+01:00"}},
		{"no time", "DateTime: yesterday", Ask{}},
		{"required and known", "NS: imdn <urn:ietf:params:imdn>\nRequire: To, imdn.Message-ID", Ask{}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			c, err := ReadContent("message/cpim", "", []byte(row.headers+inside))
			if err != nil || c.Ask != row.want || c.Text != "x" {
				t.Errorf("got %+v, %v", c, err)
			}
		})
	}
	for name, row := range map[string]struct {
		headers string
		status  int
	}{
		"required and unknown":         {"Require: Self-Destruct", 415},
		"required of no one":           {"Require: imdn.Message-ID", 415},
		"more headers than make sense": {strings.Repeat("A: b\n", 200) + "C: d", 400},
	} {
		_, err := ReadContent("message/cpim", "", []byte(row.headers+inside))
		if f := new(StatusError); !errors.As(err, &f) || f.Status != row.status {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestWhatIsWrappedIsUnwrapped(t *testing.T) {
	t.Parallel()
	w := Wrapped{
		From: "sip:a@b", To: "sip:c@d", Sent: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC), Subject: `back\slash "quote"`,
		Ask: Ask{ID: "id1", Delivered: true, Displayed: true}, Type: TypeText, Lang: "de", Body: "Grüße\n\nund mehr",
	}
	c, err := ReadContent(TypeCPIM, "", w.Bytes())
	want := w.Ask
	want.DateTime = "2026-11-22T10:00:00Z"
	if err != nil || c.Text != w.Body || c.Subject != w.Subject || c.Lang != "de" || !c.Sent.Equal(w.Sent) || c.Ask != want {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestNotificationsSurviveTheWire(t *testing.T) {
	t.Parallel()
	for _, n := range []Notification{
		{ID: "a<&b", DateTime: "2026-11-22T10:00:00Z", Disposition: Delivered},
		{ID: "x", DateTime: "2026-11-22T10:00:00Z", Disposition: Displayed},
		{ID: "x", DateTime: "2026-11-22T10:00:00Z", Disposition: Failed},
		{ID: "x", DateTime: "2026-11-22T10:00:00Z", Disposition: Failed, Code: 404, Reason: "<not> found"},
	} {
		c, err := ReadContent(TypeNotification, "", []byte(n.XML()))
		if err != nil || c.Notification == nil || *c.Notification != n {
			t.Errorf("%+v became %+v, %v", n, c.Notification, err)
		}
	}
	c, err := ReadContent(TypeNotification+"; charset=UTF-8", "", []byte(
		`<i:imdn xmlns:i="urn:ietf:params:xml:ns:imdn"><!-- x --><i:message-id> id </i:message-id><i:other><x/></i:other>
		<i:delivery-notification><i:status><i:forbidden/></i:status></i:delivery-notification></i:imdn>`))
	if err != nil || *c.Notification != (Notification{ID: "id", Disposition: Forbidden}) {
		t.Errorf("%+v, %v", c.Notification, err)
	}
	// The examples of RFC 5438 have no namespace.
	c, err = ReadContent(TypeNotification, "", []byte("<imdn><message-id>34jk324j</message-id><display-notification><status><displayed/></status></display-notification></imdn>"))
	if err != nil || c.Notification.Disposition != Displayed {
		t.Errorf("%+v, %v", c.Notification, err)
	}
}

func TestTypingSurvivesTheWire(t *testing.T) {
	t.Parallel()
	for _, want := range []Composing{{Active: true, Refresh: 90 * time.Second}, {}} {
		c, err := ReadContent(TypeComposing, "", []byte(want.XML()))
		if err != nil || c.Composing == nil || *c.Composing != want {
			t.Errorf("%+v became %+v, %v", want, c.Composing, err)
		}
	}
	c, err := ReadContent(TypeComposing, "", []byte("<isComposing><state>musing</state><refresh>soon</refresh></isComposing>"))
	if err != nil || c.Composing.Active || c.Composing.Refresh != 0 {
		t.Errorf("%+v, %v", c.Composing, err)
	}
}

func TestXMLThatIsNoneOrTooMuchIsRefused(t *testing.T) {
	t.Parallel()
	const good = "<isComposing><state>idle</state>%</isComposing>"
	for name, doc := range map[string]string{
		"nothing":       "",
		"no end":        "<isComposing><state>idle</state>",
		"two roots":     strings.ReplaceAll(good, "%", "") + "<",
		"other root":    "<imdn><state>idle</state></imdn>",
		"other space":   `<isComposing xmlns="urn:x"><state>idle</state></isComposing>`,
		"no state":      "<isComposing/>",
		"doctype":       `<!DOCTYPE isComposing [<!ENTITY a "b">]>` + strings.ReplaceAll(good, "%", ""),
		"entity":        strings.ReplaceAll(good, "%", "&a;"),
		"deep":          strings.ReplaceAll(good, "%", strings.Repeat("<a>", 20)+strings.Repeat("</a>", 20)),
		"wide":          strings.ReplaceAll(good, "%", strings.Repeat("<a/>", 300)),
		"long":          strings.ReplaceAll(good, "%", strings.Repeat(" ", 17<<10)),
		"other charset": `<?xml version="1.0" encoding="koi8-r"?>` + strings.ReplaceAll(good, "%", ""),
	} {
		_, err := ReadContent(TypeComposing, "", []byte(doc))
		if f := new(StatusError); !errors.As(err, &f) || f.Status != 400 {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for name, doc := range map[string]string{
		"no id": "<imdn><message-id> </message-id></imdn>", "long id": "<imdn><message-id>" + strings.Repeat("x", 200) + "</message-id></imdn>",
	} {
		if _, err := ReadContent(TypeNotification, "", []byte(doc)); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func TestCodingsAreUndoneWithinBounds(t *testing.T) {
	t.Parallel()
	codings := map[string]func(w io.Writer) io.WriteCloser{
		"deflate": func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) },
		"GZIP":    func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
		" Deflate": func(w io.Writer) io.WriteCloser {
			raw, err := flate.NewWriter(w, 9)
			if err != nil {
				t.Fatal(err)
			}
			return raw
		},
	}
	for name, coder := range codings {
		for text, status := range map[string]int{"Grüße": 0, strings.Repeat("x", MaxMessage): 0, strings.Repeat("x", 10<<20): 413} {
			var b bytes.Buffer
			w := coder(&b)
			_, err := io.WriteString(w, text)
			if err = errors.Join(err, w.Close()); err != nil {
				t.Fatal(err)
			}
			c, err := ReadContent("text/plain", name, b.Bytes())
			wrong := new(StatusError)
			if errors.As(err, &wrong); wrong.Status != status || status == 0 && c.Text != text {
				t.Errorf("%s of %d bytes: %v", name, len(text), err)
			}
		}
	}
}

func FuzzWrapped(f *testing.F) {
	f.Add("subject", "id1", "de", "text")
	f.Fuzz(func(t *testing.T, subject, id, lang, text string) {
		w := Wrapped{From: "sip:a@b", To: "sip:c@d", Subject: subject, Ask: Ask{ID: id}, Type: TypeText, Lang: lang, Body: text}
		if !visible(id) || len(id) > maxMessageID || strings.ToValidUTF8(text, "") != text {
			return
		}
		c, err := ReadContent(TypeCPIM, "", w.Bytes())
		if err != nil || c.Text != Tidy(text) || c.Subject != Subject(subject) || c.Ask.ID != id {
			t.Errorf("%+v became %+v, %v", w, c, err)
		}
	})
}
