package config

import (
	"bytes"
	"slices"
	"unicode/utf8"
)

// source is the text of a mapping file.
type source struct {
	name  string
	data  []byte
	lines []int // the offsets at which lines begin
}

func newSource(name string, data []byte) *source {
	s := &source{name: name, data: data, lines: []int{0}}
	for i, c := range data {
		if c == '\n' && i+1 < len(data) {
			s.lines = append(s.lines, i+1)
		}
	}
	return s
}

// position gives line and column of an offset, both from 1. An offset outside
// the text is taken for its nearest end.
func (s *source) position(off int) (line, col int) {
	off = max(0, min(off, len(s.data)-1))
	i, found := slices.BinarySearch(s.lines, off)
	if !found {
		i--
	}
	return i + 1, off - s.lines[i] + 1
}

// badUTF8 gives the offset of the first byte that is no UTF-8, or -1.
func (s *source) badUTF8() int {
	if utf8.Valid(s.data) {
		return -1
	}
	for i := 0; ; {
		r, n := utf8.DecodeRune(s.data[i:])
		if r == utf8.RuneError && n <= 1 {
			return i
		}
		i += n
	}
}

// hasBOM reports a byte order mark, which TOML has no place for.
func (s *source) hasBOM() bool { return bytes.HasPrefix(s.data, []byte("\xEF\xBB\xBF")) }
