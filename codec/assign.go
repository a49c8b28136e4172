package codec

import "strings"

// The range of payload types that a description gives out as it likes (RFC
// 3551 section 6). Where it is used up, RFC 5761 section 4 leaves 35 to 63,
// which are no RTCP packet types either.
const (
	dynamicFirst, dynamicLast = 96, 127
	spareFirst, spareLast     = 35, 63
)

// MaxFormats is how many formats of a stream can have a payload type of their own.
const MaxFormats = dynamicLast - dynamicFirst + 1 + spareLast - spareFirst + 1

// customary are the dynamic payload types that most implementations use. To
// give the same helps those that expect them, and a reader of captures.
func customary(f Format) (uint8, bool) {
	name := strings.ToLower(f.Name)
	switch {
	case name == TelephoneEvent && f.Rate == 8000:
		return 101, true
	case name == TelephoneEvent && f.Rate == 48000:
		return 110, true
	case name == TelephoneEvent && f.Rate == 16000:
		return 102, true
	case name == "opus":
		return 111, true
	case name == "ilbc":
		return 97, true
	case name == "speex" && f.Rate == 8000:
		return 98, true
	case name == "speex" && f.Rate == 16000:
		return 99, true
	case name == "speex" && f.Rate == 32000:
		return 100, true
	case name == "amr":
		return 103, true
	case name == "amr-wb":
		return 104, true
	case name == "vp8":
		return 96, true
	case name == "h264":
		return 106, true
	case name == "vp9":
		return 108, true
	case name == "av1":
		return 112, true
	default:
		return 0, false
	}
}

// Assign gives every format a payload type of its own: that of RFC 3551 if it has one,
// else the customary one, else the next free dynamic one. The same formats in
// the same order have the same types each time. What is beyond MaxFormats is not
// numbered: the answer is shorter than formats then.
func Assign(formats []Format) []uint8 {
	formats = formats[:min(len(formats), MaxFormats)]
	types := make([]uint8, len(formats))
	var given, taken [128]bool
	claim := func(i int, t uint8, ok bool) {
		if ok && !given[i] && !taken[t] {
			types[i], given[i], taken[t] = t, true, true
		}
	}
	for i, f := range formats {
		t, ok := StaticType(f)
		claim(i, t, ok)
	}
	for i, f := range formats {
		t, ok := customary(f)
		claim(i, t, ok)
	}
	next := uint8(dynamicFirst)
	for i := range formats {
		for !given[i] {
			claim(i, next, true)
			if next++; next > dynamicLast {
				next = spareFirst
			}
		}
	}
	return types
}
