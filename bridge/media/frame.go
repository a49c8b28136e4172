package media

import "time"

// MaxFrame bounds the data of a Frame, in bytes. A longer one is not carried.
const MaxFrame = 1 << 16

// A Frame is encoded media of one stream: of sound one frame or several that
// follow each other, as in the payload of an RTP packet.
type Frame struct {
	// Type numbers its format, as in Setting.In of a frame that comes from a
	// port's peer, and in Setting.Out of one that goes to it.
	Type uint8
	// Time is when it begins, in units of the RTP clock of its format, since any
	// moment of the source's. It wraps around.
	Time uint32
	// Marker: it is the first after a pause (RFC 3551 section 4.1).
	Marker bool
	// Waited is how long it had been here, unread, before it was fed: that we were late is no jitter
	// of its way. 0: nobody knows.
	Waited time.Duration
	Data   []byte
}
