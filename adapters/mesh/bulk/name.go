package bulk

import (
	"fmt"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxName is the longest name of a file, in bytes: with a number behind it, it is
// still one that every file system takes.
const maxName = 180

// safeName is a name for a file of ours, made of a label that somebody else has
// chosen: no path, nothing hidden, nothing that a shell, a terminal or another system
// makes more of than a name. It is never empty.
func safeName(label string) string {
	if i := strings.LastIndexAny(label, `/\`); i >= 0 {
		label = label[i+1:]
	}
	name := strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError, unicode.IsControl(r), unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp), strings.ContainsRune(`<>:"|?*`, r):
			return '_'
		default:
			return r
		}
	}, label)
	name = strings.TrimLeft(name, ".- ")
	for len(name) > maxName {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	name = strings.TrimRight(name, ".- ")
	switch {
	case name == "":
		return "file"
	case reserved(name):
		return "file-" + name
	}
	return name
}

// reserved reports whether a name is a device's on some systems.
func reserved(name string) bool {
	base, _, _ := strings.Cut(strings.ToLower(name), ".")
	base = strings.TrimRight(base, " ")
	switch base {
	case "con", "prn", "aux", "nul":
		return true
	}
	return len(base) == 4 && (strings.HasPrefix(base, "com") || strings.HasPrefix(base, "lpt")) && base[3] >= '0' && base[3] <= '9'
}

// numbered is the n-th name to try for a file: "a.txt", "a (2).txt" and so on.
func numbered(name string, n int) string {
	if n <= 1 {
		return name
	}
	ext := filepath.Ext(name)
	return fmt.Sprintf("%s (%d)%s", strings.TrimSuffix(name, ext), n, ext)
}
