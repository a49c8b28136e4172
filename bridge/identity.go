package bridge

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
)

var idText = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

// newID makes a Message.ID of 128 random bits.
func newID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails, by its documentation
	return idText.EncodeToString(b[:])
}

// repeatID makes an ID of what is the same in every repeat of a message: who
// wrote to whom, under which reference, and what. Only this gateway can make
// it, so nobody can take another's identity beforehand. It is "" for a message
// without a reference: nothing tells a repeat of it from the same words said
// again.
func repeatID(key *Keyed, m Message) string {
	if m.Ref == "" {
		return ""
	}
	return idOf(key.sum(func(b []byte) []byte { return appendRepeat(b, m) }))
}

// copyID is the Message.ID of the copy to one home: the same when the message
// comes again after a crash, so that clients drop what they have already.
func copyID(key *Keyed, group string, home Address) string {
	return idOf(key.sum(func(b []byte) []byte { return appendCopy(b, group, home) }))
}

// idOf makes 128 bits of a sum readable.
func idOf(sum [32]byte) string {
	var text [26]byte
	idText.Encode(text[:], sum[:16])
	return string(text[:])
}

// appendRepeat adds what a repeat is known by: a list in JSON, whose parts nothing can mix
// up. Its form must stay, for what came before another version of the program was started.
func appendRepeat(b []byte, m Message) []byte {
	b = append(b, '[')
	for _, part := range []string{m.From.Adapter, m.From.Name, m.To.Name, m.Ref} {
		b = append(appendQuoted(b, part), ',')
	}
	b = append(appendBodies(b, m.Subject), ',')
	return append(appendBodies(b, m.Bodies), "]\n"...)
}

// appendCopy adds what a copy is known by, likewise.
func appendCopy(b []byte, group string, home Address) []byte {
	b = appendQuoted(append(b, '['), group)
	b = appendQuoted(append(b, `,{"adapter":`...), home.Adapter)
	b = appendQuoted(append(b, `,"name":`...), home.Name)
	return append(b, "}]\n"...)
}

func appendBodies(b []byte, all []Body) []byte {
	if all == nil {
		return append(b, "null"...)
	}
	b = append(b, '[')
	for i, body := range all {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '{')
		if body.Lang != "" {
			b = append(appendQuoted(append(b, `"lang":`...), body.Lang), ',')
		}
		b = append(appendQuoted(append(b, `"text":`...), body.Text), '}')
	}
	return append(b, ']')
}

// appendQuoted adds a text as package json writes it.
func appendQuoted(b []byte, s string) []byte {
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ', c > '~', c == '"', c == '\\', c == '<', c == '>', c == '&':
			quoted, _ := json.Marshal(s) // of a string it can't fail
			return append(b, quoted...)
		}
	}
	b = append(append(b, '"'), s...)
	return append(b, '"')
}
