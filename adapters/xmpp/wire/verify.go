package wire

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
)

// verify decodes one stanza by itself, as the decoder behind us is going to,
// and says what is wrong with it, or "".
func (h *header) verify(stanza []byte) Reason {
	d := xml.NewDecoder(bytes.NewReader(stanza))
	depth := 0
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) && depth == 0 {
			return NoStanza // not even an element
		}
		if err != nil {
			return Malformed
		}
		switch t := tok.(type) {
		case xml.StartElement:
			depth++
			if why := h.element(t, depth); why != "" {
				return why
			}
		case xml.EndElement:
			depth--
			if depth == 0 {
				if d.InputOffset() != int64(len(stanza)) {
					return Malformed
				}
				return ""
			}
		case xml.Comment, xml.ProcInst, xml.Directive:
			return Restricted
		}
	}
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
