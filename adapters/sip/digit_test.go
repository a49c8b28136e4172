package sip

import (
	"testing"
	"time"
)

func TestKeyPressesAreReadAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, kind, body string
		key              rune
		held             time.Duration
	}{
		{"a key", relayType, "Signal=5\r\nDuration=160\r\n", '5', 160 * time.Millisecond},
		{"spaces and line ends", relayType, "Signal= *\nDuration= 100", '*', 100 * time.Millisecond},
		{"no duration", relayType, "Signal=#", '#', usualDigit},
		{"a letter", relayType, "signal=d\r\nduration=0", 'D', usualDigit},
		{"by number", relayType, "Signal=10\r\nDuration=90000", '*', longestHeld},
		{"flash", relayType, "Signal=16", '!', usualDigit},
		{"flash by its name", relayType, "Signal=Flash", '!', usualDigit},
		{"the plain type", digitType + ";x=y", " 9\r\n", '9', usualDigit},
		{"no key", relayType, "Signal=x", 0, 0},
		{"two keys", relayType, "Signal=12345", 0, 0},
		{"nothing", relayType, "", 0, 0},
		{"another type", "text/plain", "5", 0, 0},
		{"too long", digitType, "5" + string(make([]byte, maxDigit)), 0, 0},
	} {
		key, held, ok := parseDigit(row.kind, []byte(row.body))
		if ok != (row.key != 0) || ok && (key != row.key || held != row.held) {
			t.Errorf("%s: %q %v %v", row.name, key, held, ok)
		}
	}
	for _, key := range "0123456789*#ABCD!" {
		body, ok := writeDigit(key, 80*time.Millisecond)
		got, held, read := parseDigit(relayType, body)
		if !ok || !read || got != key || held != 80*time.Millisecond {
			t.Errorf("%q is written %q and read %q %v", key, body, got, held)
		}
	}
}

func FuzzDigit(f *testing.F) {
	f.Add(relayType, []byte("Signal=5\r\nDuration=160\r\n"))
	f.Add(digitType, []byte("11"))
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		key, held, ok := parseDigit(kind, body)
		if !ok {
			return
		}
		written, ok := writeDigit(key, held)
		again, d, read := parseDigit(relayType, written)
		if !ok || !read || again != key || d != held {
			t.Errorf("%q %v became %q: %q %v", key, held, written, again, d)
		}
	})
}
