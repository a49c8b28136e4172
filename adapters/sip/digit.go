package sip

import (
	"fmt"
	"mime"
	"strconv"
	"strings"
	"time"
)

// The bodies of INFO by which key presses are told where telephone events are
// not (an old custom that no RFC describes).
const (
	relayType   = "application/dtmf-relay"
	digitType   = "application/dtmf"
	maxDigit    = 256 // bytes of such a body
	usualDigit  = 160 * time.Millisecond
	longestHeld = 10 * time.Second
)

// parseDigit reads a key press: "Signal=5\r\nDuration=160" or, in the other type,
// the key alone. ok is false for what is none.
func parseDigit(contentType string, body []byte) (key rune, d time.Duration, ok bool) {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil || len(body) > maxDigit {
		return 0, 0, false
	}
	signal, held := "", usualDigit
	switch kind {
	case digitType:
		signal = strings.TrimSpace(string(body))
	case relayType:
		for line := range strings.FieldsFuncSeq(string(body), func(r rune) bool { return r == '\r' || r == '\n' }) {
			name, value, _ := strings.Cut(line, "=")
			value = strings.TrimSpace(value)
			switch strings.ToLower(strings.TrimSpace(name)) {
			case "signal":
				signal = value
			case "duration":
				if ms, err := strconv.ParseUint(value, 10, 31); err == nil && ms > 0 {
					held = min(time.Duration(ms)*time.Millisecond, longestHeld)
				}
			}
		}
	default:
		return 0, 0, false
	}
	key, ok = keyOf(signal)
	return key, held, ok
}

// keyOf reads a signal: the key itself, or the number of its event (RFC 4733
// section 3.2).
func keyOf(signal string) (rune, bool) {
	const keys = "0123456789*#ABCD"
	if len(signal) == 1 {
		if i := strings.IndexByte(keys, signal[0]&^0x20); signal[0] >= 'a' && i >= 0 {
			return rune(keys[i]), true
		}
		if strings.IndexByte(keys+"!", signal[0]) >= 0 {
			return rune(signal[0]), true
		}
		return 0, false
	}
	switch n, err := strconv.ParseUint(signal, 10, 8); {
	case strings.EqualFold(signal, "flash"), err == nil && len(signal) == 2 && n == 16:
		return '!', true
	case err == nil && len(signal) == 2 && n >= 10 && n < 16:
		return rune(keys[n]), true
	}
	return 0, false
}

// writeDigit is the inverse of parseDigit, of relayType. ok is false for what is no
// key.
func writeDigit(key rune, d time.Duration) (body []byte, ok bool) {
	signal := string(key)
	switch {
	case key == '!':
		signal = "16"
	case key < ' ' || key > '~':
		return nil, false
	default:
		if _, known := keyOf(signal); !known {
			return nil, false
		}
	}
	if d <= 0 {
		d = usualDigit
	}
	d = min(d, longestHeld)
	return fmt.Appendf(nil, "Signal=%s\r\nDuration=%d\r\n", signal, max(1, d/time.Millisecond)), true
}
