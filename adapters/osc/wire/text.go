package wire

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line writes a message as one line of text, e.g. `/fader/1 0.75`, that
// ParseLine reads back. Where ParseLine would guess other types, they are
// written: `/x ,hd 1 2.5`.
func Line(m Message) string {
	words := make([]string, 0, 8)
	guessed := make([]byte, 0, len(m.Tags))
	c := m.Arguments()
	for tag, ok := c.Next(); ok; tag, ok = c.Next() {
		if word, has := valueWord(tag, &c); has {
			words = append(words, word)
			guessed = append(guessed, guess(word))
		}
	}
	var b strings.Builder
	b.WriteString(addressWord(string(m.Address)))
	if string(guessed) != string(m.Tags) {
		b.WriteString(" ," + string(m.Tags))
	}
	for _, w := range words {
		b.WriteString(" " + w)
	}
	return b.String()
}

func addressWord(a string) string {
	if plain(a) {
		return a
	}
	return strconv.Quote(a)
}

// valueWord writes one argument; has is false for those without a value, which
// their tag says all of.
func valueWord(tag byte, c *Cursor) (word string, has bool) {
	switch tag {
	case 'i', 'h', 'c':
		return strconv.FormatInt(c.Int(), 10), true
	case 'f':
		return floatWord(float64(math.Float32frombits(uint32(c.Int()))), 32), true
	case 'd':
		return floatWord(math.Float64frombits(uint64(c.Int())), 64), true
	case 's', 'S':
		return stringWord(string(c.Value)), true
	case 'b', 't', 'r', 'm':
		if len(c.Value) == 0 {
			return `""`, true
		}
		return hex.EncodeToString(c.Value), true
	case 'T':
		return "true", true
	case 'F':
		return "false", true
	case 'N':
		return "nil", true
	}
	return "", false
}

func floatWord(f float64, bits int) string {
	s := strconv.FormatFloat(f, 'g', -1, bits)
	if strings.Trim(s, "-0123456789") == "" {
		s += ".0"
	}
	return s
}

func stringWord(s string) string {
	if plain(s) && guess(s) == 's' && s[0] != ',' && s[0] != '\'' {
		return s
	}
	return strconv.Quote(s)
}

// plain reports whether a word can stand without quotes.
func plain(s string) bool {
	return s != "" && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return r == '"' || r == '\\' || r == utf8.RuneError || unicode.IsSpace(r) || !unicode.IsPrint(r)
	})
}

// guess is the type of a word that nobody has said the type of: a whole number
// is an i, or an h if it needs more room, a number with a point or an exponent
// an f, true, false and nil are T, F and N, and everything else is an s.
func guess(word string) byte {
	switch word {
	case "true":
		return 'T'
	case "false":
		return 'F'
	case "nil":
		return 'N'
	}
	if strings.Trim(word[:1], "+-.0123456789") != "" {
		return 's' // words like Inf, or in quotes
	}
	if i, err := strconv.ParseInt(word, 10, 64); err == nil {
		if i == int64(int32(i)) {
			return 'i'
		}
		return 'h'
	}
	if f, err := strconv.ParseFloat(word, 32); err == nil && !math.IsInf(f, 0) && !strings.ContainsAny(word, "xX_") {
		return 'f'
	}
	return 's'
}

// Bounds on a line of text.
const (
	maxLine  = 4096 // bytes
	maxWords = 256
)

// Why a line is no message. They are for people.
var (
	errLine     = errors.New("a line of OSC is /address and then values")
	errLong     = errors.New("too long for a message of OSC")
	errQuote    = errors.New("a quotation mark has no other")
	errFewer    = errors.New("fewer values than types")
	errMore     = errors.New("more values than types")
	errWordType = errors.New("a value is not of its type")
)

// ParseLine reads a line that begins with an address as a message, and gives the
// packet. Values are separated by spaces, and may stand in quotes, "like \"this\""
// or 'like this'. A first word like ",if" says their types; without it those of
// guess hold, and what stands in quotes is an s.
func ParseLine(line string) ([]byte, error) {
	if len(line) > maxLine {
		return nil, errLong
	}
	words, err := splitWords(line)
	if err != nil {
		return nil, err
	}
	if len(words) == 0 || !strings.HasPrefix(words[0].text, "/") || strings.Contains(words[0].text, "\x00") {
		return nil, errLine
	}
	address, words := words[0].text, words[1:]
	var tags []byte
	if len(words) > 0 && !words[0].quoted && words[0].text[0] == ',' {
		tags, words = []byte(words[0].text[1:]), words[1:]
	} else {
		for _, w := range words {
			if w.quoted {
				tags = append(tags, 's')
			} else {
				tags = append(tags, guess(w.text))
			}
		}
	}
	p := appendString(nil, address)
	p = appendTags(p, string(tags), 0)
	for _, tag := range tags {
		if p, words, err = appendWord(p, tag, words); err != nil {
			return nil, err
		}
	}
	switch {
	case len(words) > 0:
		return nil, errMore
	case len(p) > MaxMember:
		return nil, errLong
	}
	if _, err := Parse(p); err != nil {
		return nil, fmt.Errorf("%w: %w", errWordType, err)
	}
	return p, nil
}
