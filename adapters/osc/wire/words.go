package wire

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
)

// A word is one value of a line.
type word struct {
	text   string
	quoted bool
}

// splitWords takes a line apart at spaces outside quotes.
func splitWords(line string) ([]word, error) {
	var words []word
	for {
		line = strings.TrimLeftFunc(line, unicode.IsSpace)
		switch {
		case line == "":
			return words, nil
		case len(words) == maxWords:
			return nil, errLong
		}
		w, rest, err := cutWord(line)
		if err != nil {
			return nil, err
		}
		words, line = append(words, w), rest
	}
}

func cutWord(line string) (w word, rest string, err error) {
	switch line[0] {
	case '"':
		quoted, err := strconv.QuotedPrefix(line)
		if err != nil {
			return word{}, "", errQuote
		}
		text, err := strconv.Unquote(quoted)
		if err != nil {
			return word{}, "", errQuote
		}
		return word{text, true}, line[len(quoted):], nil
	case '\'':
		text, rest, ok := strings.Cut(line[1:], "'")
		if !ok {
			return word{}, "", errQuote
		}
		return word{text, true}, rest, nil
	}
	end := strings.IndexFunc(line, unicode.IsSpace)
	if end < 0 {
		end = len(line)
	}
	return word{line[:end], false}, line[end:], nil
}

// appendWord writes the value of one type tag, and takes the word for it, if it
// has a value.
func appendWord(p []byte, tag byte, words []word) ([]byte, []word, error) {
	switch tag {
	case 'I', '[', ']':
		return p, words, nil
	}
	if len(words) == 0 {
		return nil, nil, errFewer
	}
	w := words[0].text
	var err error
	switch tag {
	case 'i', 'c':
		var i int64
		if i, err = strconv.ParseInt(w, 10, 32); err == nil {
			p = binary.BigEndian.AppendUint32(p, uint32(i))
		}
	case 'h':
		var i int64
		if i, err = strconv.ParseInt(w, 10, 64); err == nil {
			p = binary.BigEndian.AppendUint64(p, uint64(i))
		}
	case 'f':
		var f float64
		if f, err = strconv.ParseFloat(w, 32); err == nil {
			p = binary.BigEndian.AppendUint32(p, math.Float32bits(float32(f)))
		}
	case 'd':
		var f float64
		if f, err = strconv.ParseFloat(w, 64); err == nil {
			p = binary.BigEndian.AppendUint64(p, math.Float64bits(f))
		}
	case 's', 'S':
		p = appendString(p, w)
	case 'T', 'F', 'N':
		if w != map[byte]string{'T': "true", 'F': "false", 'N': "nil"}[tag] {
			err = errWordType
		}
	default:
		p, err = appendHex(p, tag, w)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %q is no %c", errWordType, w, tag)
	}
	return p, words[1:], nil
}

// appendHex writes the value of a type that is written in hexadecimal.
func appendHex(p []byte, tag byte, w string) ([]byte, error) {
	data, err := hex.DecodeString(w)
	if err != nil {
		return nil, errWordType
	}
	switch {
	case tag == 'b':
		p = binary.BigEndian.AppendUint32(p, uint32(len(data)))
		p = append(p, data...)
		for n := len(data); n%4 != 0; n++ {
			p = append(p, 0)
		}
		return p, nil
	case tag == 't' && len(data) == 8, (tag == 'r' || tag == 'm') && len(data) == 4:
		return append(p, data...), nil
	}
	return nil, errWordType
}
