package transport

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"gateway/bridge/media"
)

// ErrHandshake is for handshakes that have come to nothing.
var ErrHandshake = errors.New("no keys were agreed on")

// ErrClosed is for handshakes that are asked for after the end.
var ErrClosed = errors.New("the endpoint is closed")

// Config bounds the handshakes of an Endpoint. What is 0 has the value given
// here.
type Config struct {
	// Timeout is how long a handshake may take, from our first hello or the
	// peer's: 30 s. A peer who has to begin may wait as long as it likes.
	Timeout time.Duration
	// AtOnce is how many attempts may be under way together, those of clients
	// that have not been heard of before among them: 256.
	AtOnce int
}

// An Endpoint has the certificate of a plane, and the handshakes of its ports.
type Endpoint struct {
	config   Config
	identity identity
	slots    chan struct{}  // one for every attempt under way
	running  sync.WaitGroup // the goroutines of handshakes

	mu     sync.Mutex // guards closed, and running against an Add after it
	closed bool
}

// NewEndpoint makes a certificate.
func NewEndpoint(c Config) (*Endpoint, error) {
	if c.Timeout <= 0 {
		c.Timeout = 30 * time.Second
	}
	if c.AtOnce <= 0 {
		c.AtOnce = 256
	}
	e := &Endpoint{config: c, slots: make(chan struct{}, c.AtOnce)}
	if _, err := e.identity.current(); err != nil {
		return nil, err
	}
	return e, nil
}

// Fingerprint is that of the certificate that is shown now. It becomes another
// after weeks: a description names it in media.DTLS.Local.
func (e *Endpoint) Fingerprint() media.Fingerprint {
	// Once there is one, there always is.
	c, _ := e.identity.current()
	return c.fingerprint
}

// Start begins a handshake, or waits for the peer to begin it, and returns at
// once. send is given what is to go to the peer, one datagram at a time, each
// good only during the call; done hears once what has come of it, unless
// Handshake.Close was first. Both are called from goroutines of the endpoint's and
// must not block. The errors are ErrFingerprint, where none of d.Peer can be
// checked, and ErrClosed.
func (e *Endpoint) Start(d media.DTLS, send func(datagram []byte), done func(Outcome)) (*Handshake, error) {
	return e.start(d, false, send, done)
}

// StartValidated is Start where the peer is known to get what we send, and nothing
// is fed but what comes from there. It need not repeat a cookie, which is what
// that would show (RFC 6347 section 4.2.1).
func (e *Endpoint) StartValidated(d media.DTLS, send func(datagram []byte), done func(Outcome)) (*Handshake, error) {
	return e.start(d, true, send, done)
}

func (e *Endpoint) start(d media.DTLS, validated bool, send func([]byte), done func(Outcome)) (*Handshake, error) {
	usable := false
	for _, f := range d.Peer {
		usable = usable || CheckFingerprint(f) == nil
	}
	if !usable {
		return nil, fmt.Errorf("%w: none of the %d can be checked", ErrFingerprint, len(d.Peer))
	}
	cert, err := e.identity.told(d.Local)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, ErrClosed
	}
	h := &Handshake{endpoint: e, said: d, cert: cert, validated: validated, send: send, done: done}
	if d.Client {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.start()
		h.try()
	}
	return h, nil
}

// Close takes no more handshakes and waits for those that there are; each must
// have been closed.
func (e *Endpoint) Close() {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.running.Wait()
}
