package wire

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// Bounds on an XML body.
const (
	maxXML      = 16 << 10 // bytes
	maxDepth    = 16
	maxElements = 256
)

// readXML calls visit at the end of each element, with the elements it is in,
// itself the last, and its own text. What has a DOCTYPE is no such document:
// there is none that it would do any good.
func readXML(body []byte, visit func(path []xml.StartElement, text string)) error {
	if len(body) > maxXML {
		return fault(400, "XML is too long")
	}
	bad := fault(400, "Malformed XML")
	d := xml.NewDecoder(bytes.NewReader(body))
	var path []xml.StartElement
	var texts []string
	for elements := 0; ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) && elements > 0 && len(path) == 0 {
			return nil
		}
		if err != nil {
			return bad
		}
		switch t := token.(type) {
		case xml.StartElement:
			if elements++; elements > maxElements || len(path) == maxDepth {
				return bad
			}
			path, texts = append(path, t.Copy()), append(texts, "")
		case xml.EndElement:
			visit(path, strings.TrimSpace(texts[len(texts)-1]))
			path, texts = path[:len(path)-1], texts[:len(texts)-1]
		case xml.CharData:
			if len(texts) > 0 {
				texts[len(texts)-1] += string(t)
			}
		case xml.Directive:
			return bad
		}
	}
}

// under gives the local names of path below a root with that name, which is in
// that namespace, or in none as in the RFCs' own examples; nil if it is
// elsewhere.
func under(path []xml.StartElement, space, root string) []string {
	if path[0].Name.Local != root || path[0].Name.Space != space && path[0].Name.Space != "" {
		return nil
	}
	names := []string{}
	for _, e := range path[1:] {
		names = append(names, e.Name.Local)
	}
	return names
}

// escaped makes a text fit for an element.
func escaped(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder takes all
	return b.String()
}
