package config

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A Problem is a mistake in the mapping file.
type Problem struct {
	File string // as it was given to Load
	Line int    // from 1
	Col  int    // from 1, in bytes
	Key  string // as in "sip.pbx.listen[1]" or "map[2].as.chat"; "" for the file as a whole
	Msg  string // what is wrong
	Warn bool   // the file can be used all the same
}

// String is one line, "file:line:col: key: what is wrong".
func (p Problem) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: ", printable(p.File), p.Line, p.Col)
	if p.Key != "" {
		b.WriteString(p.Key + ": ")
	}
	if p.Warn {
		b.WriteString("warning: ")
	}
	b.WriteString(printable(p.Msg))
	return b.String()
}

// printable keeps a text on one line, and a terminal from obeying it.
func printable(s string) string {
	plain := true
	for _, r := range s {
		plain = plain && strconv.IsPrint(r) && r != '\uFFFD'
	}
	if plain {
		return s
	}
	q := strconv.QuoteToASCII(s)
	return strings.ReplaceAll(strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`), `\\`, `\`)
}

// problems collects what is wrong with one file.
type problems struct {
	src    *source
	list   []Problem
	broken map[string]bool // the keys that have a problem (warnings apart)
	around map[string]bool // these keys and the tables and arrays they stand in
}

func newProblems(src *source) *problems {
	return &problems{src: src, broken: map[string]bool{}, around: map[string]bool{}}
}

// at reports a problem at an offset of the file.
func (p *problems) at(off int, key, format string, args ...any) {
	p.put(off, key, fmt.Sprintf(format, args...), false)
}

// key reports a problem with n's key.
func (p *problems) key(n *node, format string, args ...any) {
	p.at(n.key, n.path(), format, args...)
}

// value reports a problem with n's value.
func (p *problems) value(n *node, format string, args ...any) {
	p.at(n.val, n.path(), format, args...)
}

// maxMsg bounds a message, in bytes: some quote what the file says.
const maxMsg = 1024

func (p *problems) put(off int, key, msg string, warn bool) {
	line, col := p.src.position(off)
	p.list = append(p.list, Problem{File: p.src.name, Line: line, Col: col, Key: key, Msg: cut(msg, maxMsg), Warn: warn})
	if !warn {
		p.blame(key)
	}
}

// blame marks a key as one whose value can't be judged.
func (p *problems) blame(key string) {
	p.broken[key] = true
	for ; key != ""; key = outer(key) {
		if p.around[key] {
			return
		}
		p.around[key] = true
	}
}

// blamed reports whether key, something in it, or something around it below
// the table top has a problem already: what a later check says of it is most
// likely a consequence.
func (p *problems) blamed(top, key string) bool {
	if p.around[key] {
		return true
	}
	for ; len(key) > len(top); key = outer(key) {
		if p.broken[key] {
			return true
		}
	}
	return false
}

// outer cuts the last part of a key.
func outer(key string) string {
	return key[:max(0, strings.LastIndexAny(key, ".["))]
}

// sorted gives the problems in the order of the file, each once, and whether
// the file can be used.
func (p *problems) sorted() (list []Problem, usable bool) {
	slices.SortStableFunc(p.list, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col), cmp.Compare(a.Key, b.Key), cmp.Compare(a.Msg, b.Msg))
	})
	list = slices.Compact(p.list)
	return list, !slices.ContainsFunc(list, func(p Problem) bool { return !p.Warn })
}
