package convert

import (
	"errors"
	"time"
)

const (
	// most is how much more sound may come than time has passed; arrears is how much of what
	// did not come in time may still come after a pause. What is beyond is left
	// out before it costs anything.
	most    = time.Second
	arrears = time.Second
	// least is what a payload counts for whose length nobody knows.
	least = time.Millisecond
	// lenience is the part of each length that does not count: no clock is that fast.
	lenience = 64
	// maxPayload is how long the sound of one payload may be.
	maxPayload = 2 * time.Second
)

var errLong = errors.New("too much sound for one payload")

// A budget holds what comes to about as much sound as time passes (ITU-T I.371's virtual
// scheduling). Its zero value has seen nothing.
type budget struct {
	until time.Duration // when all that came would have been heard
}

// spent reports whether there is no more to be had now.
func (b *budget) spent(now time.Duration) bool { return b.until > now+most }

// take takes note of sound of that length.
func (b *budget) take(d, now time.Duration) {
	b.until = max(b.until, now-arrears) + d - d/lenience
}

// long reports whether a payload has more sound than one may; false where its length shows
// only when it is decoded.
func (u unit) long(payload []byte, rate int) bool {
	n, most := int64(0), toTicks(maxPayload, rate)
	switch {
	case u.bytes > 0:
		n = int64(len(payload)) / u.bytes
	case u.frames != nil:
		frames, _ := u.frames(payload) // those before a fault are decoded, too
		n = int64(frames) * u.ticks
	}
	return n > most
}
