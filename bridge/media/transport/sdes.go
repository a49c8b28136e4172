package transport

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"gateway/bridge/media"
)

// ErrInline is for key parameters that we can't use.
var ErrInline = errors.New("unusable key parameters")

const inline = "inline:"

// ParseInline reads the key parameters of an a=crypto line (RFC 4568 section
// 6.1): one key of the suite's length, and its lifetime, which is checked to be one and
// not counted: the shortest in use is longer than a call. More than one key, and
// a master key identifier, are refused. The errors are ErrInline and ErrSuite.
func ParseInline(s media.Suite, params string) ([]byte, error) {
	want, ok := KeyLength(s)
	if !ok {
		return nil, fmt.Errorf("%w: %q", ErrSuite, s)
	}
	if len(params) < len(inline) || !strings.EqualFold(params[:len(inline)], inline) {
		return nil, fmt.Errorf("%w: no inline key", ErrInline)
	}
	if strings.Contains(params, ";") {
		return nil, fmt.Errorf("%w: more than one key", ErrInline)
	}
	text, rest, more := strings.Cut(params[len(inline):], "|")
	// Some leave out the padding that belongs there.
	key, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil || len(key) != want {
		return nil, fmt.Errorf("%w: the key is not %d bytes in base64", ErrInline, want)
	}
	if !more {
		return key, nil
	}
	if strings.ContainsAny(rest, "|:") {
		return nil, fmt.Errorf("%w: a master key identifier", ErrInline)
	}
	if !validLifetime(rest) {
		return nil, fmt.Errorf("%w: lifetime", ErrInline)
	}
	return key, nil
}

// validLifetime reports whether s is a number of packets, or a power of two, not
// over 2^48 (RFC 4568 section 6.1).
func validLifetime(s string) bool {
	if power, ok := strings.CutPrefix(s, "2^"); ok {
		n, err := strconv.ParseUint(power, 10, 8)
		return err == nil && n >= 1 && n <= 48
	}
	n, err := strconv.ParseUint(s, 10, 64)
	return err == nil && n >= 1 && n <= 1<<48
}

// FormatInline is the key parameter that says key, without a lifetime: the
// suite's own.
func FormatInline(key []byte) string {
	return inline + base64.StdEncoding.EncodeToString(key)
}
