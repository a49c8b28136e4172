// Package codec names the formats of media and converts between them: bytes
// in, bytes out, no I/O. It knows nothing of calls or networks.
package codec

import (
	"strconv"
	"strings"
)

// Kind is the kind of a stream.
type Kind uint8

// The kinds of streams.
const (
	Audio Kind = iota + 1
	Video
)

// String is the media type of RFC 8866 section 5.14.
func (k Kind) String() string {
	switch k {
	case Audio:
		return "audio"
	case Video:
		return "video"
	default:
		return "kind" + strconv.Itoa(int(k))
	}
}

// A Format says how the frames of a stream are encoded. Formats are compared
// by Same, not by ==.
type Format struct {
	Kind Kind
	// Name is the encoding name of the RTP payload format, in lower case:
	// "pcmu", "opus", "telephone-event".
	Name string
	// Rate is that of the RTP clock, in Hz. It is 8000 for G.722 (RFC 3551
	// section 4.5.2).
	Rate int
	// Channels is at least 1 for audio, 0 for video.
	Channels int
	// Params are the format's own parameters (a=fmtp), as the one who
	// describes them wrote them; "" for none.
	Params string
}

// String is the form of RFC 8866 section 6.6, for logs and records.
func (f Format) String() string {
	s := f.Name + "/" + strconv.Itoa(f.Rate)
	if f.Channels > 1 {
		s += "/" + strconv.Itoa(f.Channels)
	}
	return s
}

// IsEvents reports whether f carries named telephone events (RFC 4733) rather
// than sound.
func (f Format) IsEvents() bool { return strings.EqualFold(f.Name, TelephoneEvent) }

// IsNoise reports whether f is comfort noise (RFC 3389): worth something only
// beside another format.
func (f Format) IsNoise() bool { return strings.EqualFold(f.Name, ComfortNoise) }

// The formats that are not sound themselves.
const (
	TelephoneEvent = "telephone-event"
	ComfortNoise   = "cn"
)

// Same reports whether f and g are one format, so that a packet of the one is
// a packet of the other: the same name, clock and channels, and parameters that
// don't contradict each other where they change the packets' form. A format
// that IsBound is the same as none.
func (f Format) Same(g Format) bool {
	return f.Kind == g.Kind && f.Rate == g.Rate && strings.EqualFold(f.Name, g.Name) &&
		max(1, f.Channels) == max(1, g.Channels) && !f.IsBound() && f.compatible(g)
}
