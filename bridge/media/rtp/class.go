package rtp

// A Class is what a datagram on a media port seems to be, by its first bytes.
type Class uint8

// The classes.
const (
	Unknown Class = iota
	RTP
	RTCP
	DTLS
	STUN
)

// String is the word for logs and counters.
func (c Class) String() string {
	switch c {
	case RTP:
		return "rtp"
	case RTCP:
		return "rtcp"
	case DTLS:
		return "dtls"
	case STUN:
		return "stun"
	default:
		return "unknown"
	}
}

// Classify tells what shares a port apart by the first byte (RFC 7983 section
// 7), and RTCP from RTP by the second (RFC 5761 section 4). ZRTP and TURN
// channels, of which we have none, are Unknown.
func Classify(b []byte) Class {
	switch {
	case len(b) < 2:
		return Unknown
	case b[0] <= 3:
		return STUN
	case b[0] >= 20 && b[0] <= 63:
		return DTLS
	case b[0] < 128 || b[0] > 191:
		return Unknown
	case b[1] >= 192 && b[1] <= 223:
		return RTCP
	default:
		return RTP
	}
}
