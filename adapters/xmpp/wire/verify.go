package wire

import (
	"encoding/xml"
	"errors"
	"io"
)

// verify decodes the stanza at hand, behind the stream's header as any other decoder
// would, and says what is wrong with it, or "". What it has read stays in tokens.
func (r *Reader) verify() Reason {
	if r.quickly() {
		return ""
	}
	return r.decode()
}

// decode has package xml do it.
func (r *Reader) decode() Reason {
	if r.dec == nil && !r.begin() {
		return Malformed // can't be: the header is our own words
	}
	r.feed.Reset(r.buf)
	r.tokens = make([]xml.Token, 0, 16)
	for depth := 0; ; {
		tok, err := r.dec.Token()
		if errors.Is(err, io.EOF) && depth == 0 {
			return NoStanza // not even an element
		}
		if err != nil {
			return Malformed
		}
		switch t := tok.(type) {
		case xml.StartElement:
			depth++
			if why := r.hdr.element(t, depth); why != "" {
				return why
			}
		case xml.EndElement:
			depth--
		case xml.CharData:
			if depth == 0 {
				continue // white space before the stanza
			}
			tok = t.Copy()
		case xml.Comment, xml.ProcInst, xml.Directive:
			return Restricted
		}
		r.tokens = append(r.tokens, tok)
		if depth == 0 {
			if r.feed.Len() > 0 {
				return Malformed
			}
			return ""
		}
	}
}

// begin makes a decoder that has read the stream's header.
func (r *Reader) begin() bool {
	r.feed.Reset(r.hdr.plain())
	r.dec = xml.NewDecoder(&r.feed)
	_, err := r.dec.Token()
	return err == nil
}

// element refuses what would be taken for an element of the stream itself. The
// decoder behind us takes every element of that namespace for one, however
// deep in a stanza it stands.
func (h *header) element(t xml.StartElement, depth int) Reason {
	// A prefix that the stanza does not declare itself stays as it is.
	own := t.Name.Space == nsStream || h.prefixes[t.Name.Space]
	switch {
	case depth > 1 && own:
		return Restricted
	case depth > 1:
		return ""
	case own && t.Name.Local == "error":
		return ""
	case own:
		return NoStanza
	}
	switch t.Name.Local {
	case "message", "presence", "iq", "handshake":
		return ""
	}
	return NoStanza
}
