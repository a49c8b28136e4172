package wire

import (
	"encoding/binary"
	"unicode/utf8"
)

// The kinds of texts.
const (
	// TextSaid is a part of a text.
	TextSaid = 1
	// TextReceipt says that a part has come, and more are missing (TextPart), or,
	// when none is, what has become of the text: nothing (it is with who it is for),
	// a word of our own (it is with the peer's gateway), or why it was refused.
	TextReceipt = 2
	// TextFailed says that a text for which there was a receipt could not be
	// delivered after all. The receipt for it has no parts.
	TextFailed = 3
)

// TextPart is what a receipt says when other parts are missing.
const TextPart = "part"

const (
	textHead = 8
	// MaxText is the longest part of a text, in bytes.
	MaxText = 240
	// MaxParts bounds a text: longer ones are no chat.
	MaxParts = 64
)

// A Text is one part of a text, or news of one.
//
//	'T', kind u8, message u32, part u8 (from 0), parts u8, UTF-8 of at most 240 bytes
type Text struct {
	Kind        uint8
	Message     uint32 // its sender's number for it
	Part, Parts uint8
	Body        []byte
}

// Append adds the value to b.
func (t Text) Append(b []byte) []byte {
	b = append(b, OpText, t.Kind)
	b = binary.BigEndian.AppendUint32(b, t.Message)
	b = append(b, t.Part, t.Parts)
	return append(b, t.Body...)
}

// ReadText reads a Text. What kind it is of is left to the caller.
func ReadText(v []byte) (Text, bool) {
	if len(v) < textHead || len(v) > textHead+MaxText || v[0] != OpText {
		return Text{}, false
	}
	t := Text{Kind: v[1], Message: binary.BigEndian.Uint32(v[2:]), Part: v[6], Parts: v[7], Body: v[textHead:]}
	return t, t.Part < t.Parts || t.Parts == 0 && t.Part == 0
}

// SplitText cuts a text into parts between characters. ok is false if it is too long.
func SplitText(s string) (parts []string, ok bool) {
	for len(s) > MaxText {
		n := MaxText
		for n > MaxText-utf8.UTFMax && !utf8.RuneStart(s[n]) {
			n--
		}
		parts = append(parts, s[:n])
		s = s[n:]
	}
	parts = append(parts, s)
	return parts, len(parts) <= MaxParts
}
