package jingle

import (
	"crypto/sha1"
	"encoding/base64"
	"slices"
	"strings"
)

// An Identity is what somebody says it is (XEP-0030 section 3.1).
type Identity struct{ Category, Type, Lang, Name string }

// An Info is what somebody can do: an answer to disco#info. Forms are those of
// XEP-0128 as XEP-0115 section 5.1 wants them: ready to be hashed, without the
// order between them.
type Info struct {
	Identities []Identity
	Features   []string
	forms      []string
	odd        bool // it can't be hashed (XEP-0115 section 5.4)
}

// Has reports whether a feature is among those of i.
func (i *Info) Has(feature string) bool { return slices.Contains(i.Features, feature) }

// Ver is the verification string of i by SHA-1 (XEP-0115 section 5.1); "" if
// it has none, for it says things twice.
func (i *Info) Ver() string {
	if i.odd {
		return ""
	}
	var b strings.Builder
	ids := make([]string, 0, len(i.Identities))
	for _, id := range i.Identities {
		ids = append(ids, id.Category+"/"+id.Type+"/"+id.Lang+"/"+id.Name)
	}
	for _, list := range [][]string{ids, slices.Clone(i.Features)} {
		slices.Sort(list)
		for _, s := range list {
			b.WriteString(s + "<")
		}
	}
	for _, f := range slices.Sorted(slices.Values(i.forms)) {
		b.WriteString(f)
	}
	sum := sha1.Sum([]byte(b.String()))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// ReadInfo reads the <query/> of an answer; nil for what is none.
func ReadInfo(e *Element) *Info {
	if e.Name.Space != NSDisco || e.Name.Local != "query" {
		return nil
	}
	i := &Info{}
	for k := range e.Children {
		c := &e.Children[k]
		switch {
		case c.Name.Space == NSDisco && c.Name.Local == "identity":
			lang := ""
			for _, a := range c.Attrs {
				if a.Name.Local == "lang" && (a.Name.Space == nsXML || a.Name.Space == "xml") {
					lang = a.Value
				}
			}
			id := Identity{c.Attr("category"), c.Attr("type"), lang, c.Attr("name")}
			i.odd = i.odd || slices.Contains(i.Identities, id) || strings.Contains(id.Category+id.Type+id.Lang+id.Name, "<")
			i.Identities = append(i.Identities, id)
		case c.Name.Space == NSDisco && c.Name.Local == "feature":
			f := c.Attr("var")
			i.odd = i.odd || slices.Contains(i.Features, f) || strings.Contains(f, "<")
			i.Features = append(i.Features, f)
		case c.Name.Space == nsForm && c.Name.Local == "x":
			i.form(c)
		}
		if len(i.Identities)+len(i.Features)+len(i.forms) > maxFeatures {
			i.odd = true
			break
		}
	}
	return i
}

// form takes in one of XEP-0128, if it says of what type it is.
func (i *Info) form(e *Element) {
	kind := ""
	var fields []string
	for k := range e.Children {
		f := &e.Children[k]
		if f.Name.Local != "field" {
			continue
		}
		var values []string
		for n := range f.Children {
			if f.Children[n].Name.Local == "value" {
				values = append(values, f.Children[n].Text)
			}
		}
		if f.Attr("var") == "FORM_TYPE" {
			if len(values) == 1 && (f.Attr("type") == "hidden" || f.Attr("type") == "") {
				kind = values[0]
			}
			continue
		}
		slices.Sort(values)
		fields = append(fields, f.Attr("var")+"<"+strings.Join(append(values, ""), "<"))
	}
	if kind == "" {
		return
	}
	slices.Sort(fields)
	whole := kind + "<" + strings.Join(fields, "")
	i.odd = i.odd || slices.ContainsFunc(i.forms, func(o string) bool { return strings.HasPrefix(o, kind+"<") })
	i.forms = append(i.forms, whole)
}

// Element is the <query/> that says i.
func (i *Info) Element(node string) Element {
	e := New(NSDisco, "query", "node", node)
	for _, id := range i.Identities {
		e = e.With(New(NSDisco, "identity", "category", id.Category, "type", id.Type, "name", id.Name))
	}
	for _, f := range i.Features {
		e = e.With(New(NSDisco, "feature", "var", f))
	}
	return e
}
