package bridge

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// Explain writes, for people, which map takes what is addressed to to, where
// it goes, and how the sender is shown there. Without a sender it tells of the
// map and its homes only, `from` and `allow` left aside. It reports whether
// anything would go anywhere.
func (r *Router) Explain(w io.Writer, from *Party, to Address) bool {
	var b strings.Builder
	ok := r.explain(&b, from, to)
	_, err := io.WriteString(w, b.String())
	return ok && err == nil
}

func (r *Router) explain(b *strings.Builder, from *Party, to Address) bool {
	dest, err := r.locate(to)
	if err != nil {
		fmt.Fprintf(b, "%s: %v\n", printable(to.String()), err)
		return false
	}
	var sender *spot
	if from != nil {
		s, err := r.locate(from.Address)
		if err != nil {
			fmt.Fprintf(b, "sender %s: %v\n", printable(from.String()), err)
			return false
		}
		sender = &s
	}
	t, ok := r.take(sender, dest)
	if !ok {
		fmt.Fprintf(b, "%s: no [[map]] takes it: %v\n", dest, NotFound)
		return false
	}
	fmt.Fprintf(b, "%s\n  is taken by %s, as.%s = %s%s\n", dest, t.m, dest.at.adapter, quote(t.as.text), t.values())
	t.m.conditions(b)
	t.m.terms.explain(b)
	if !t.allowed {
		fmt.Fprintf(b, "  its allow does not match %s: %v\n", sender, Forbidden)
		return false
	}
	display := ""
	if sender != nil {
		display = sender.display(from.Display, make([]string, r.width))
	}
	stops, any := r.stops(sender, t), false
	for _, s := range stops {
		s.explain(b, sender, display)
		any = any || s.err == nil
	}
	if !any {
		fmt.Fprintf(b, "  no home is left: %v\n", noStop(stops).Cause)
	}
	return any
}

// conditions tells of what the map asks of senders.
func (m *mapping) conditions(b *strings.Builder) {
	for _, c := range []struct {
		key  string
		list []place
	}{{"from", m.from}, {"allow", m.allow}} {
		if len(c.list) > 0 {
			fmt.Fprintf(b, "  %s = %s\n", c.key, joined(c.list))
		}
	}
}

func (s *stop) explain(b *strings.Builder, sender *spot, display string) {
	if s.malformed {
		fmt.Fprintf(b, "  not to %s: %v\n", s.place, s.err)
		return
	}
	if s.err != nil {
		fmt.Fprintf(b, "  not to %s: %v\n", s.home, s.err)
		if s.shown.by != nil {
			fmt.Fprintf(b, "    by %s, %s = %s\n", s.shown.by, s.shown.key, quote(s.shown.p.text))
		}
		return
	}
	fmt.Fprintf(b, "  goes to %s\n", s.home)
	if sender == nil {
		return
	}
	called := ""
	if display != "" {
		called = " (" + printable(display) + ")"
	}
	if s.shown.by == nil {
		fmt.Fprintf(b, "    %s is shown as itself%s\n", s.shown.name, called)
		return
	}
	fmt.Fprintf(b, "    %s is shown as %s%s by %s, %s = %s\n",
		sender, s.shown.name, called, s.shown.by, s.shown.key, quote(s.shown.p.text))
}

// values lists what the variables of the map's pattern stand for.
func (t taking) values() string {
	var b strings.Builder
	for i, name := range t.as.vars {
		fmt.Fprintf(&b, ", %s = %s", name, quote(t.vals[t.as.slots[i]]))
	}
	return b.String()
}

// String is what people call the map.
func (m *mapping) String() string {
	if m.name == "" {
		return fmt.Sprintf("[[map]] %d", m.number())
	}
	return fmt.Sprintf("[[map]] %d (%s)", m.number(), printable(m.name))
}

// String is the form of the mapping file, if it can be printed.
func (s spot) String() string { return printable(s.address().String()) }

// printable is s, or s quoted if it would do anything to a terminal.
func printable(s string) string {
	if strings.ContainsFunc(s, func(c rune) bool { return !unicode.IsPrint(c) }) {
		return quote(s)
	}
	return s
}

func joined(list []place) string {
	texts := make([]string, len(list))
	for i, l := range list {
		texts[i] = quote(l.String())
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// Print writes the resolved maps, one block each, in the order of the file.
func (r *Router) Print(w io.Writer) error {
	var b strings.Builder
	for _, m := range r.maps {
		fmt.Fprintf(&b, "%s\n", m)
		for _, h := range m.homes {
			fmt.Fprintf(&b, "  home  %s\n", h)
		}
		for _, adapter := range slices.Sorted(maps.Keys(m.as)) {
			fmt.Fprintf(&b, "  as    %s:%s\n", adapter, m.as[adapter])
		}
		m.conditions(&b)
		for _, adapter := range slices.Sorted(maps.Keys(m.shown)) {
			fmt.Fprintf(&b, "  shown %s:%s\n", adapter, m.shown[adapter])
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
