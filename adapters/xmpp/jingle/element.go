package jingle

import (
	"encoding/xml"
	"errors"
	"io"
	"slices"

	"mellium.im/xmlstream"
)

// An Element is one of XML with what is in it.
type Element struct {
	Name     xml.Name
	Attrs    []xml.Attr // without declarations of namespaces
	Children []Element
	Text     string // that stands directly in it
}

// Bounds on an Element that is read.
const (
	maxDepth    = 16
	maxElements = 4096
	maxChars    = 64 << 10
)

var errElement = errors.New("an element that is too large, or broken")

// Read reads the element that start begins to its end. Past a bound it reads on
// without keeping anything, and the error is not one of r: what comes after the
// element can be read all the same. broken is an error of r.
func Read(r xml.TokenReader, start xml.StartElement) (e Element, bad, broken error) {
	c := collector{r: r}
	e, broken = c.element(start, 1)
	if c.over {
		return Element{}, errElement, broken
	}
	return e, nil, broken
}

type collector struct {
	r        xml.TokenReader
	elements int
	chars    int
	over     bool
}

func (c *collector) element(start xml.StartElement, depth int) (Element, error) {
	e := Element{Name: start.Name}
	c.elements++
	for _, a := range start.Attr {
		c.chars += len(a.Value)
	}
	c.over = c.over || depth > maxDepth || c.elements > maxElements || c.chars > maxChars
	if !c.over {
		e.Attrs = slices.DeleteFunc(slices.Clone(start.Attr), func(a xml.Attr) bool {
			return a.Name.Space == "xmlns" || a.Name.Space == "" && a.Name.Local == "xmlns"
		})
	}
	for {
		tok, err := c.r.Token()
		if err != nil {
			return e, err
		}
		switch t := tok.(type) {
		case xml.StartElement:
			child, err := c.element(t, min(depth+1, maxDepth+1))
			if err != nil {
				return e, err
			}
			if !c.over {
				e.Children = append(e.Children, child)
			}
		case xml.EndElement:
			return e, nil
		case xml.CharData:
			if c.chars += len(t); c.chars > maxChars {
				c.over = true
			}
			if !c.over {
				e.Text += string(t)
			}
		}
	}
}

// Attr is the value of an attribute without a namespace, "" if it is not there.
func (e *Element) Attr(name string) string {
	for _, a := range e.Attrs {
		if a.Name.Space == "" && a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// Child is the first child of that name; nil if there is none.
func (e *Element) Child(space, local string) *Element {
	for i := range e.Children {
		if e.Children[i].Name == (xml.Name{Space: space, Local: local}) {
			return &e.Children[i]
		}
	}
	return nil
}

// New makes an element. Attributes are names and values in turn; those with an empty
// value are left out.
func New(space, local string, attrs ...string) Element {
	e := Element{Name: xml.Name{Space: space, Local: local}}
	for i := 0; i+1 < len(attrs); i += 2 {
		if attrs[i+1] != "" {
			e.Attrs = append(e.Attrs, xml.Attr{Name: xml.Name{Local: attrs[i]}, Value: attrs[i+1]})
		}
	}
	return e
}

// With is e with more children.
func (e Element) With(children ...Element) Element {
	e.Children = append(slices.Clone(e.Children), children...)
	return e
}

// TokenReader gives the element as it is written.
func (e Element) TokenReader() xml.TokenReader {
	all := make([]xml.TokenReader, 0, len(e.Children)+1)
	if e.Text != "" {
		all = append(all, xmlstream.Token(xml.CharData(e.Text)))
	}
	for _, c := range e.Children {
		if c.Name.Space == e.Name.Space {
			c.Name.Space = "" // inherited
			c = c.inherit(e.Name.Space)
		}
		all = append(all, c.TokenReader())
	}
	return xmlstream.Wrap(xmlstream.MultiReader(all...), xml.StartElement{Name: e.Name, Attr: e.Attrs})
}

// inherit leaves the namespace out that e's children have in common with it.
func (e Element) inherit(space string) Element {
	e.Children = slices.Clone(e.Children)
	for i, c := range e.Children {
		if c.Name.Space == space {
			c.Name.Space = ""
			e.Children[i] = c.inherit(space)
		}
	}
	return e
}

// Parse reads one element from text.
func Parse(r io.Reader) (Element, error) {
	d := xml.NewDecoder(r)
	for {
		tok, err := d.Token()
		if err != nil {
			return Element{}, err
		}
		if start, ok := tok.(xml.StartElement); ok {
			e, bad, broken := Read(d, start)
			return e, errors.Join(bad, broken)
		}
	}
}
