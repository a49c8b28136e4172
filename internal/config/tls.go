package config

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"path/filepath"
	"sync/atomic"
)

// TLS is the table [tls]: what we show of ourselves where connections are
// encrypted. Load makes the names relative to what the mapping file's own name
// is relative to.
type TLS struct {
	// Cert is the file of our certificate and those that lead from it to one
	// that others trust, in PEM.
	Cert string `toml:"cert"`
	// Key is the file of its private key, in PEM.
	Key string `toml:"key"`
}

// maxPEM bounds the files of [tls], in bytes.
const maxPEM = 256 << 10

// A tlsUser is a bridge.Config of an adapter that may take encrypted
// connections. It is told before its Check.
type tlsUser interface{ UseTLS(t *tls.Config) }

// A truster is a bridge.Config of an adapter that may meet others by TLS: its table
// has a key that names a file of certificates, one of which theirs have to lead to.
// It is told of them before its Check, if the key is given.
type truster interface {
	// TrustFile is the key, and the name of the file, which is made relative to
	// what the mapping file's own name is relative to.
	TrustFile() (key string, name *string)
	UseRoots(pool *x509.CertPool)
}

// checkTrust reads the certificates that adapters are to believe.
func (l *loader) checkTrust(f *File) {
	for _, a := range f.Adapters {
		t, ok := a.Config.(truster)
		if !ok {
			continue
		}
		key, name := t.TrustFile()
		if *name == "" {
			if l.given(a.table() + "." + key) {
				l.meaning(a.table(), key, "want the name of a file", false)
			}
			continue
		}
		if !filepath.IsAbs(*name) {
			*name = filepath.Join(l.secrets.dir, *name)
		}
		data, _, err := readRegular(*name, maxPEM)
		if err != nil {
			l.meaning(a.table(), key, reason(err), false)
			continue
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(data) {
			l.meaning(a.table(), key, "there is no certificate in "+clip(*name)+" (PEM)", false)
			continue
		}
		t.UseRoots(pool)
	}
}

// A certificate is what [tls] names. It may be renewed while it is in use.
type certificate struct {
	now atomic.Pointer[tls.Certificate]
}

var errNoCertificate = errors.New("there is no certificate")

// config is for servers. It shows the certificate of the moment.
func (c *certificate) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			if now := c.now.Load(); now != nil {
				return now, nil
			}
			return nil, errNoCertificate
		},
	}
}

// checkTLS reads what [tls] names, and gives it to the adapters that can use it.
func (l *loader) checkTLS(f *File) {
	if !l.given("tls") {
		return
	}
	f.certificate = &certificate{}
	cert, key := l.readPEM("cert", &f.TLS.Cert), l.readPEM("key", &f.TLS.Key)
	if cert != nil && key != nil {
		pair, err := tls.X509KeyPair(cert, key)
		if err != nil {
			l.meaning("tls", "cert", err.Error(), false)
		}
		f.certificate.now.Store(&pair)
	}
	for _, a := range f.Adapters {
		if u, ok := a.Config.(tlsUser); ok {
			u.UseTLS(f.certificate.config())
		}
	}
}

// readPEM reads the file that a key of [tls] names; nil if that is a mistake.
func (l *loader) readPEM(key string, name *string) []byte {
	if *name == "" {
		l.meaning("tls", key, "want the name of a file", false)
		return nil
	}
	if !filepath.IsAbs(*name) {
		*name = filepath.Join(l.secrets.dir, *name)
	}
	data, mode, err := readRegular(*name, maxPEM)
	if err != nil {
		l.meaning("tls", key, reason(err), false)
		return nil
	}
	if key == "key" {
		l.warnOpen(key, *name, mode)
	}
	return data
}

func (l *loader) warnOpen(key, name string, mode fs.FileMode) {
	if mode.Perm()&0o004 != 0 {
		l.meaning("tls", key, clip(name)+" can be read by everybody (chmod 600 helps)", true)
	}
}

// RenewTLS has the adapters of f show the certificate that next has read, from
// now on. It does nothing unless both have [tls].
func (f *File) RenewTLS(next *File) {
	if f.certificate == nil || next.certificate == nil {
		return
	}
	f.certificate.now.Store(next.certificate.now.Load())
	next.certificate = f.certificate
}
