package sdp

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"gateway/bridge"
	"gateway/bridge/media"
)

// What a description may hold at most.
const (
	MaxSession  = 32768 // bytes
	maxLines    = 32    // m-lines
	maxFormats  = 64    // of one m-line
	maxSecurity = 16    // a=crypto or a=fingerprint of one m-line
	maxToken    = 64    // bytes of a name of any sort
	maxParams   = 512   // bytes of a=fmtp
	maxChannels = 32
	maxRate     = 1_000_000 // Hz
)

var (
	errTooLarge = errors.New("a session description that is too large")
	errNotSDP   = errors.New("not a session description")
	errLines    = errors.New("too many m-lines")
)

// A reading is a description under way. The attributes of the session hold for
// every line that does not say otherwise.
type reading struct {
	session  *Session
	defaults Line
	line     *Line    // nil: still in the session's part
	maps     []mapped // of the line
}

// Parse reads a session description. It is lenient in what does not matter: line
// ends, the order of lines, lines that it does not know. An m-line that can't be
// read is an error, for an answer has one for each.
func Parse(body []byte) (*Session, error) {
	if len(body) > MaxSession {
		return nil, errTooLarge
	}
	r := reading{session: &Session{}, defaults: Line{Dir: bridge.SendReceive}}
	first := true
	for text := range strings.FieldsFuncSeq(string(body), lineEnd) {
		if first && text != "v=0" {
			return nil, errNotSDP
		}
		first = false
		if len(text) < 2 || text[1] != '=' || strings.IndexByte(text, 0) >= 0 {
			continue
		}
		if err := r.take(text[0], strings.TrimSpace(text[2:])); err != nil {
			return nil, err
		}
	}
	if first {
		return nil, errNotSDP
	}
	r.finish()
	return r.session, nil
}

func lineEnd(r rune) bool { return r == '\r' || r == '\n' }

func (r *reading) take(kind byte, value string) error {
	switch kind {
	case 'o':
		r.session.Origin = readOrigin(value)
	case 'c':
		r.at().Addr = readAddr(value)
	case 'm':
		return r.begin(value)
	case 'a':
		r.attribute(value)
	}
	return nil
}

// at is what the line just read holds for.
func (r *reading) at() *Line {
	if r.line != nil {
		return r.line
	}
	return &r.defaults
}

// readOrigin takes what it can: nothing depends on it but whether it changes.
func readOrigin(value string) Origin {
	var f [6]string
	if words(value, f[:]) != len(f) {
		return Origin{}
	}
	id, _ := strconv.ParseUint(f[1], 10, 64)
	version, _ := strconv.ParseUint(f[2], 10, 64)
	return Origin{ID: id, Version: version, Addr: parseAddr(f[5])}
}

// words is how many words text has; the first of them are in into.
func words(text string, into []string) (n int) {
	for word := range strings.FieldsSeq(text) {
		if n < len(into) {
			into[n] = word
		}
		n++
	}
	return n
}

// readAddr reads the value of c= (RFC 8866 section 5.7): "IN IP4 192.0.2.1".
func readAddr(value string) netip.Addr {
	var f [3]string
	if words(value, f[:]) != len(f) || !strings.EqualFold(f[0], "IN") {
		return netip.Addr{}
	}
	text, _, _ := strings.Cut(f[2], "/")
	return parseAddr(text)
}

// parseAddr gives no address for a host name: nothing is looked up for what a
// peer writes.
func parseAddr(text string) netip.Addr {
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" {
		return netip.Addr{}
	}
	return a.Unmap()
}

// begin reads an m-line (RFC 8866 section 5.14).
func (r *reading) begin(value string) error {
	r.finish()
	f := strings.Fields(value)
	if len(f) < 4 {
		return fmt.Errorf("reading an m-line: %w", errNotSDP)
	}
	if len(r.session.Lines) == maxLines {
		return errLines
	}
	text, _, _ := strings.Cut(f[1], "/")
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || !token(f[0]) || !token(strings.ReplaceAll(f[2], "/", "")) || len(f) > 3+maxFormats {
		return fmt.Errorf("reading an m-line: %w", errNotSDP)
	}
	line := r.defaults
	line.Crypto, line.Fingerprints = nil, nil
	line.Kind, line.Port, line.Proto = strings.ToLower(f[0]), uint16(port), Proto(f[2])
	for _, text := range f[3:] {
		if !printable(text) || len(text) > maxToken {
			return fmt.Errorf("reading an m-line: %w", errNotSDP)
		}
	}
	line.Formats = f[3:]
	r.session.Lines = append(r.session.Lines, line)
	r.line = &r.session.Lines[len(r.session.Lines)-1]
	r.maps = r.maps[:0]
	return nil
}

// finish makes of a line's attributes what needs all of them.
func (r *reading) finish() {
	l := r.line
	if l == nil {
		return
	}
	if len(l.Fingerprints) == 0 {
		l.Fingerprints = r.defaults.Fingerprints
	}
	if !l.Proto.rtp() {
		return
	}
	var seen [128]bool
	for _, text := range l.Formats {
		n, err := strconv.ParseUint(text, 10, 7)
		if err != nil || seen[n] {
			continue
		}
		seen[n] = true
		if f, ok := r.find(uint8(n)).format(uint8(n), l.Kind); ok {
			if l.Payloads == nil {
				l.Payloads = make([]media.Payload, 0, len(l.Formats))
			}
			l.Payloads = append(l.Payloads, media.Payload{Format: f, Type: uint8(n)})
		}
	}
}

// token reports whether s can be a name, and is not too long for one.
func token(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] <= ' ' || s[i] >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]`, s[i]) >= 0 {
			return false
		}
	}
	return s != "" && len(s) <= maxToken
}

// printable reports whether s has visible characters of ASCII only.
func printable(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return s != ""
}
