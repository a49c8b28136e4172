package transport

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"sync"
	"time"

	"gateway/bridge/media"
)

// How long a certificate is valid, and when the next one takes its place. The
// one before is still shown to those who were told of it.
const (
	validity = 90 * 24 * time.Hour
	renewal  = validity / 2
)

// A certificate is one that we show, and what the signalling says of it.
type certificate struct {
	tls.Certificate
	fingerprint media.Fingerprint
	made        time.Time
}

// An identity has the certificate that is shown now, and the one before.
type identity struct {
	mu        sync.Mutex // guards the rest
	now, last certificate
}

// newCertificate makes a key and signs it by itself: who it belongs to, the
// fingerprint in the signalling says (RFC 5763 section 5).
func newCertificate(now time.Time) (certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return certificate{}, fmt.Errorf("making a key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 63))
	if err != nil {
		return certificate{}, fmt.Errorf("drawing a serial number: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		// It says nothing of us (RFC 8827 section 6.5).
		Subject:   pkix.Name{CommonName: "media"},
		NotBefore: now.Add(-24 * time.Hour), // for peers whose clock is slow
		NotAfter:  now.Add(validity),
		KeyUsage:  x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return certificate{}, fmt.Errorf("signing a certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return certificate{}, fmt.Errorf("reading a certificate of ours: %w", err)
	}
	sum := sha256.Sum256(der)
	return certificate{
		// With its Leaf, or each handshake would read it anew.
		Certificate: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf},
		fingerprint: media.Fingerprint{Hash: "sha-256", Value: formatFingerprint(sum[:])},
		made:        now,
	}, nil
}

// current is the certificate to tell of, renewed if it is due. If that fails the
// old one does for now; the first one must succeed.
func (i *identity) current() (certificate, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	now := time.Now()
	if !i.now.made.IsZero() && now.Sub(i.now.made) < renewal {
		return i.now, nil
	}
	next, err := newCertificate(now)
	if err != nil && !i.now.made.IsZero() {
		return i.now, nil
	}
	if err != nil {
		return certificate{}, err
	}
	i.now, i.last = next, i.now
	return next, nil
}

// told is the certificate with that fingerprint, if it is one of the last two,
// else the current one.
func (i *identity) told(f media.Fingerprint) (certificate, error) {
	now, err := i.current()
	if err != nil {
		return certificate{}, err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if f != (media.Fingerprint{}) && f == i.last.fingerprint {
		return i.last, nil
	}
	return now, nil
}
