package wire

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
)

// nsStream qualifies the stream's own elements (RFC 6120 section 4.8.1).
const nsStream = "http://etherx.jabber.org/streams"

// A header is the stream's start tag as the server sent it.
type header struct {
	id, lang string
	spaces   []xml.Attr // the namespaces it declares
	// prefixes are those that stand for nsStream.
	prefixes map[string]bool
}

// parseHeader reads the start tag of a stream.
func parseHeader(tag []byte) (*header, error) {
	start, err := startTag(tag)
	if err != nil {
		return nil, fmt.Errorf("stream header: %w", err)
	}
	h := &header{prefixes: map[string]bool{}}
	own := ""
	for _, a := range start.Attr {
		switch {
		case a.Name.Space == "xmlns":
			h.spaces = append(h.spaces, a)
			if a.Value == nsStream {
				h.prefixes[a.Name.Local] = true
			}
			if a.Name.Local == "stream" {
				own = a.Value
			}
		case a.Name == xml.Name{Local: "xmlns"}:
			h.spaces = append(h.spaces, a)
			if a.Value == nsStream {
				return nil, errors.New("stream header: its own namespace is the default one")
			}
		case a.Name == xml.Name{Local: "id"}:
			h.id = a.Value
		case a.Name == xml.Name{Space: "xml", Local: "lang"}:
			h.lang = a.Value
		}
	}
	if start.Name.Local != "stream" || !h.prefixes[start.Name.Space] {
		return nil, errors.New("stream header: this is no XMPP stream")
	}
	if own == "" {
		h.spaces = append(h.spaces, xml.Attr{Name: xml.Name{Space: "xmlns", Local: "stream"}, Value: nsStream})
		h.prefixes["stream"] = true
	} else if own != nsStream {
		return nil, errors.New("stream header: stream stands for another namespace")
	}
	return h, nil
}

// plain is the header as the decoder behind us gets it: with nothing in it
// that it may stumble over, addresses least of all.
func (h *header) plain() []byte {
	var b bytes.Buffer
	b.WriteString("<stream:stream")
	for _, a := range h.spaces {
		name := a.Name.Local
		if a.Name.Space != "" {
			name = a.Name.Space + ":" + name
		}
		writeAttr(&b, name, a.Value)
	}
	writeAttr(&b, "id", h.id)
	b.WriteByte('>')
	return b.Bytes()
}

const plainEnd = "</stream:stream>"

func writeAttr(b *bytes.Buffer, name, value string) {
	b.WriteString(" " + name + "='")
	_ = xml.EscapeText(b, []byte(value)) // a Buffer takes everything
	b.WriteByte('\'')
}

// startTag parses one start tag, white space before it allowed.
func startTag(tag []byte) (xml.StartElement, error) {
	d := xml.NewDecoder(bytes.NewReader(tag))
	for {
		tok, err := d.RawToken()
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return xml.StartElement{}, err
		}
		switch t := tok.(type) {
		case xml.StartElement:
			return t, nil
		case xml.CharData:
		default:
			return xml.StartElement{}, fmt.Errorf("%T where a start tag should be", tok)
		}
	}
}

// readHead gets what it can from the start tag of a stanza.
func readHead(tag []byte) Head {
	start, err := startTag(tag)
	if err != nil {
		return Head{}
	}
	h := Head{Name: start.Name.Local}
	for _, a := range start.Attr {
		if a.Name.Space != "" {
			continue
		}
		switch a.Name.Local {
		case "id":
			h.ID = a.Value
		case "from":
			h.From = a.Value
		case "to":
			h.To = a.Value
		case "type":
			h.Type = a.Value
		}
	}
	return h
}
