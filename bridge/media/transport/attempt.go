package transport

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"sync"
	"time"

	"gateway/bridge/media"

	"github.com/pion/dtls/v3"
	"github.com/pion/dtls/v3/pkg/crypto/elliptic"
)

const (
	// mtu is how long a datagram of a handshake is at most: what goes through
	// IPv6 tunnels (RFC 8200 section 5), without headers.
	mtu = 1200
	// resend is after how long a flight is sent again for the first time. It
	// doubles each time (RFC 6347 section 4.2.4.1).
	resend = 500 * time.Millisecond
)

// label is what SRTP keys are exported under (RFC 5764 section 4.2).
const label = "EXTRACTOR-dtls_srtp"

// An attempt is one run of the library through a handshake, and the connection
// that comes of it.
type attempt struct {
	pipe   *pipe
	feed   feed   // guarded by Handshake.mu
	random []byte // of the ClientHello it began with; nil if we are the client
	born   time.Time
	client bool
	end    context.CancelFunc
	limit  *time.Timer // ends it, unless it has been agreed by then

	mu       sync.Mutex // guards the rest
	cookie   []byte     // that the library asks for
	verified bool       // the peer has shown that it gets what we send
	keyed    bool       // a client has said that it uses its keys from now on
}

// take feeds a datagram that sift has left; false: there is no room. Handshake.mu
// is held.
func (a *attempt) take(datagram []byte) bool {
	a.mu.Lock()
	keyed := a.keyed
	a.mu.Unlock()
	ordered := a.feed.order(datagram, a.client, keyed)
	return len(ordered) == 0 || a.pipe.feed(ordered)
}

// admits reports whether b, which the library sends, may go out. A peer that
// has not repeated our cookie gets nothing but that: who it is can be forged, and
// an alert in answer to a forger would end the handshake of the one it forged.
func (a *attempt) admits(b []byte) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.client {
		for r, rest, ok := nextRecord(b); ok; r, rest, ok = nextRecord(rest) {
			a.keyed = a.keyed || r.content == contentChangeCipher
		}
		return true
	}
	if a.verified {
		return true
	}
	cookie := offeredCookie(b)
	if cookie == nil {
		return false
	}
	a.cookie = cookie
	return true
}

// repeats reports whether h brings the cookie that this attempt asked for.
func (a *attempt) repeats(h hello) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.cookie) == 0 || !bytes.Equal(a.random, h.random) || !bytes.Equal(a.cookie, h.cookie) {
		return false
	}
	a.verified = true
	return true
}

// shake is the handshake, until it is over or ctx is done.
func (a *attempt) shake(ctx context.Context, h *Handshake) (*dtls.Conn, Outcome) {
	conn, err := a.open(h)
	if err != nil {
		return nil, Outcome{Err: err}
	}
	err = conn.HandshakeContext(ctx)
	if err == nil && !a.limit.Stop() {
		err = context.DeadlineExceeded // just now
	}
	if err != nil {
		_ = conn.Close()
		return nil, Outcome{Err: fmt.Errorf("shaking hands: %w", err)}
	}
	return conn, agreed(conn, a.client)
}

func (a *attempt) open(h *Handshake) (*dtls.Conn, error) {
	shared := []dtls.Option{
		dtls.WithCertificates(h.cert.Certificate),
		dtls.WithSRTPProtectionProfiles(profiles()...),
		dtls.WithCipherSuites(suites()...),
		dtls.WithFlightInterval(resend),
		dtls.WithMTU(mtu),
		dtls.WithEllipticCurves(curves()...),
		dtls.WithInsecureSkipVerify(true), // the fingerprint is what says who it is
		dtls.WithVerifyPeerCertificate(func(raw [][]byte, _ [][]*x509.Certificate) error {
			if len(raw) == 0 {
				return ErrFingerprint
			}
			return verify(raw[0], h.said.Peer)
		}),
		dtls.WithLoggerFactory(silence{}),
	}
	if a.client {
		options := make([]dtls.ClientOption, len(shared))
		for i, o := range shared {
			options[i] = o
		}
		conn, err := dtls.ClientWithOptions(a.pipe, nowhere{}, options...)
		if err != nil {
			return nil, fmt.Errorf("setting up DTLS: %w", err)
		}
		return conn, nil
	}
	options := []dtls.ServerOption{
		dtls.WithClientAuth(dtls.RequireAnyClientCert),
		dtls.WithInsecureSkipVerifyHello(h.validated),
	}
	for _, o := range shared {
		options = append(options, o)
	}
	conn, err := dtls.ServerWithOptions(a.pipe, nowhere{}, options...)
	if err != nil {
		return nil, fmt.Errorf("setting up DTLS: %w", err)
	}
	return conn, nil
}

func curves() []elliptic.Curve {
	return []elliptic.Curve{elliptic.P256, elliptic.X25519, elliptic.P384}
}

// suites are those of ours, the preferred first. Those with RSA are for servers
// whose certificate is such.
func suites() []dtls.CipherSuiteID {
	return []dtls.CipherSuiteID{
		dtls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
		dtls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		dtls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
		dtls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		dtls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
		dtls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		dtls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA,
		dtls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA,
	}
}

// serverSuites are those of them that fit our certificate.
func serverSuites() []uint16 {
	return []uint16{
		uint16(dtls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256),
		uint16(dtls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256),
		uint16(dtls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384),
		uint16(dtls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA),
	}
}

// profiles are our suites as DTLS numbers them (RFC 5764 section 4.1.2, RFC
// 7714 section 14.2), the preferred first.
func profiles() []dtls.SRTPProtectionProfile {
	var ids []dtls.SRTPProtectionProfile
	for _, s := range Suites() {
		p, _ := suite(s)
		ids = append(ids, dtls.SRTPProtectionProfile(p.id))
	}
	return ids
}

// agreed makes the keys that a handshake has agreed on (RFC 5764 section 4.2).
func agreed(conn *dtls.Conn, client bool) Outcome {
	id, _ := conn.SelectedSRTPProtectionProfile()
	for _, s := range Suites() {
		p, _ := suite(s)
		if uint16(p.id) != uint16(id) {
			continue
		}
		state, ok := conn.ConnectionState()
		if !ok {
			return Outcome{Err: fmt.Errorf("%w: the state can't be read", ErrHandshake)}
		}
		b, err := state.ExportKeyingMaterial(label, nil, 2*(p.key+p.salt))
		if err != nil {
			return Outcome{Err: fmt.Errorf("exporting keys: %w", err)}
		}
		return keyed(s, p, b, client)
	}
	return Outcome{Err: fmt.Errorf("%w: no suite was agreed on", ErrHandshake)}
}

// keyed takes keying material apart: the key of the client, that of the server,
// and the salts in the same order.
func keyed(s media.Suite, p profile, b []byte, client bool) Outcome {
	theirs := append(b[:p.key:p.key], b[2*p.key:2*p.key+p.salt]...)
	ours := append(b[p.key:2*p.key:2*p.key], b[2*p.key+p.salt:]...)
	if client {
		theirs, ours = ours, theirs
	}
	sealer, err := NewSealer(s, ours)
	if err != nil {
		return Outcome{Err: err}
	}
	opener, err := NewOpener(s, theirs)
	if err != nil {
		return Outcome{Err: err}
	}
	return Outcome{Suite: s, Sealer: sealer, Opener: opener}
}
