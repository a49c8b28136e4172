package transport

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"gateway/bridge/media"
)

// An Outcome is what has come of a handshake: keys for both ways, or why there
// are none and won't be.
type Outcome struct {
	Suite  media.Suite
	Opener *Opener
	Sealer *Sealer
	Err    error // ErrHandshake, or ErrFingerprint
}

// A Handshake is the DTLS association of one port. It has no goroutine of its
// own: who feeds it, its timer and its attempts have it do things in turn.
type Handshake struct {
	endpoint  *Endpoint
	said      media.DTLS
	cert      certificate
	validated bool // the peer is known to get what we send
	send      func([]byte)
	done      func(Outcome)
	finished  atomic.Bool   // nothing unencrypted is taken any more
	alerted   atomic.Uint32 // the last alert that was not encrypted, for the log
	writing   sync.Mutex    // guards calls of send: one at a time

	mu      sync.Mutex // guards the rest
	session session
}

// Feed takes a datagram of the peer's and copies what is good of it. It never
// waits: false says that nothing was good, or that there was no room.
func (h *Handshake) Feed(datagram []byte) bool {
	kept, alerted := sift(datagram, !h.said.Client, h.finished.Load())
	if alerted != 0 {
		h.alerted.Store(uint32(alerted))
	}
	if len(kept) == 0 {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.route(kept)
}

// Same reports whether d says of the association what it was started with. It
// is to be kept then (RFC 8842 section 5.5).
func (h *Handshake) Same(d media.DTLS) bool {
	return h.said.Client == d.Client && h.said.Local == d.Local && slices.Equal(h.said.Peer, d.Peer)
}

// Close ends the association, and tells the peer if there is one. It does not
// wait: send may be called once more.
func (h *Handshake) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.conclude()
}

// emit sends what an attempt may send.
func (h *Handshake) emit(a *attempt, b []byte) {
	if !a.admits(b) {
		return
	}
	h.writing.Lock()
	defer h.writing.Unlock()
	h.send(b)
}

// begin starts an attempt that has that long, if there is room for one more. h.mu
// is held.
func (h *Handshake) begin(random []byte, long time.Duration) *attempt {
	select {
	case h.endpoint.slots <- struct{}{}:
	default:
		h.session.last = errTooMany
		return nil
	}
	ctx, end := context.WithCancel(context.Background())
	a := &attempt{random: slices.Clone(random), born: time.Now(), client: h.said.Client, verified: h.validated, end: end}
	a.limit = time.AfterFunc(long, end)
	a.pipe = newPipe(func(b []byte) { h.emit(a, b) })
	h.endpoint.running.Go(func() {
		defer end()
		conn, outcome := a.shake(ctx, h)
		<-h.endpoint.slots
		a.limit.Stop()
		h.settle(a, conn, outcome)
	})
	return a
}
