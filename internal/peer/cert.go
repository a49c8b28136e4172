package peer

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"time"
)

// writeCert makes a self-signed certificate for the domains, cert.pem and
// key.pem in dir: for clients that want encryption and believe anybody.
func writeCert(dir string, domains []string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	now := time.Now()
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "lab"}, DNSNames: domains,
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		// Who is told to trust it wants it to be an authority's.
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, key.Public(), key)
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	for name, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: der},
		"key.pem":  {Type: "PRIVATE KEY", Bytes: keyDER},
	} {
		if _, err := write(dir, name, string(pem.EncodeToMemory(block))); err != nil {
			return err
		}
	}
	return nil
}

// WriteCert makes a new self-signed certificate for the domains, cert.pem and
// key.pem in dir.
func WriteCert(dir string, domains ...string) error { return writeCert(dir, domains) }
