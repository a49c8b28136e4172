package xmpp

import (
	"bytes"
	"encoding/xml"
	"errors"

	"mellium.im/xmlstream"
)

// maxStanza bounds, in bytes, what we send in one stanza: half of what the
// common servers take from a component before they close its stream.
const maxStanza = 256 << 10

// nsXML is what the prefix xml stands for.
const nsXML = "http://www.w3.org/XML/1998/namespace"

var errTooLarge = errors.New("the stanza is too large")

// element builds an element. In ns "" it inherits its parent's namespace.
func element(ns, name string, attrs []xml.Attr, children ...xml.TokenReader) xml.TokenReader {
	return xmlstream.Wrap(xmlstream.MultiReader(children...),
		xml.StartElement{Name: xml.Name{Space: ns, Local: name}, Attr: attrs})
}

// chars is text, with what XML can't have replaced.
func chars(s string) xml.TokenReader { return xmlstream.Token(xml.CharData(clean(s))) }

func attr(name, value string) xml.Attr {
	return xml.Attr{Name: xml.Name{Local: name}, Value: value}
}

func langAttr(lang string) xml.Attr {
	return xml.Attr{Name: xml.Name{Space: nsXML, Local: "lang"}, Value: lang}
}

// stanzaAttrs are the attributes of a stanza; empty ones are left out.
func stanzaAttrs(kind, id, from, to string) []xml.Attr {
	all := []xml.Attr{attr("type", kind), attr("id", id), attr("from", from), attr("to", to)}
	some := all[:0]
	for _, a := range all {
		if a.Value != "" {
			some = append(some, a)
		}
	}
	return some
}

// render gives an element's bytes. What can't be rendered never reaches the
// stream, not even in part.
func render(r xml.TokenReader) ([]byte, error) {
	var b bytes.Buffer
	e := xml.NewEncoder(&b)
	if _, err := xmlstream.Copy(e, r); err != nil {
		return nil, err
	}
	if err := e.Flush(); err != nil {
		return nil, err
	}
	if b.Len() > maxStanza {
		return nil, errTooLarge
	}
	return b.Bytes(), nil
}
