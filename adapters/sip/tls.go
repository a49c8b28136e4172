package sip

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// greetTime is how long a connection may take for what comes before SIP: the
// handshake of TLS, and of a WebSocket.
const greetTime = 10 * time.Second

var (
	errWildcard   = errors.New("SIP has no wildcards (RFC 5922 section 7.2)")
	errNoIdentity = errors.New("it names no domain")
	errNoPeerCert = errors.New("it shows no certificate")
	errNoOwnCert  = errors.New("no certificate of ours")
)

// trust is whom we believe to be the peer: by a certificate that leads to one of
// roots, and is for host.
type trust struct {
	roots *x509.CertPool // nil: the system's
	host  string         // of the peer's URI, IPv6 in brackets
}

// verify checks the certificate that a server has shown (RFC 5922 section 7).
func (t *trust) verify(s tls.ConnectionState) error {
	if len(s.PeerCertificates) == 0 {
		return errNoPeerCert
	}
	opts := x509.VerifyOptions{Roots: t.roots, Intermediates: x509.NewCertPool()}
	for _, c := range s.PeerCertificates[1:] {
		opts.Intermediates.AddCert(c)
	}
	if _, err := s.PeerCertificates[0].Verify(opts); err != nil {
		return fmt.Errorf("its certificate is not to be trusted: %w", err)
	}
	return identifies(s.PeerCertificates[0], t.host)
}

// identifies checks that a certificate is for a host: by an IP address in it, by a
// URI that is "sip:" and the host, or, if there is no such URI, by a name of the
// DNS; by its common name only if it has no alternative names (RFC 5922 sections
// 7.1 and 7.2).
func identifies(c *x509.Certificate, host string) error {
	if a, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		for _, ip := range c.IPAddresses {
			if b, ok := netip.AddrFromSlice(ip); ok && b.Unmap() == a.Unmap() {
				return nil
			}
		}
		return fmt.Errorf("its certificate is not for the address %s", a)
	}
	names := identities(c)
	want := plainName(host)
	for _, name := range names {
		if plainName(name) == want {
			return nil
		}
	}
	for _, name := range names {
		if parent, ok := strings.CutPrefix(plainName(name), "*."); ok && strings.HasSuffix(want, "."+parent) {
			return fmt.Errorf("its certificate is for %q, not for %q: %w", name, host, errWildcard)
		}
	}
	if len(names) == 0 {
		return fmt.Errorf("its certificate is not for %q: %w", host, errNoIdentity)
	}
	return fmt.Errorf("its certificate is for %q, not for %q", names[:min(len(names), 4)], host)
}

// identities are the domains that a certificate is for.
func identities(c *x509.Certificate) []string {
	var all []string
	for _, u := range c.URIs {
		if host, ok := sipDomain(u); ok {
			all = append(all, host)
		}
	}
	switch {
	case len(all) > 0:
		return all
	case len(c.DNSNames) > 0 || len(c.URIs) > 0 || len(c.IPAddresses) > 0 || len(c.EmailAddresses) > 0:
		return c.DNSNames
	case c.Subject.CommonName != "":
		return []string{c.Subject.CommonName}
	}
	return nil
}

// sipDomain is the host of "sip:host", which names a domain; with a user before it
// it would name somebody of it.
func sipDomain(u *url.URL) (string, bool) {
	if !strings.EqualFold(u.Scheme, "sip") || strings.Contains(u.Opaque, "@") {
		return "", false
	}
	host := u.Opaque
	if i := strings.IndexAny(host, ";?:"); i >= 0 {
		host = host[:i]
	}
	return host, host != ""
}

// plainName is a name of the DNS as names are compared.
func plainName(s string) string { return strings.ToLower(strings.TrimSuffix(s, ".")) }

// forPeer is how we meet the peer by TLS; nil where it is not met so.
func (s *settings) forPeer() *tls.Config {
	if s.network != networkTLS {
		return nil
	}
	t := &trust{roots: s.roots, host: s.hop.host}
	c := &tls.Config{
		MinVersion: tls.VersionTLS12,
		// What the library checks knows nothing of SIP: a name in a URI, or that
		// there are no wildcards. t checks all of it, and no handshake ends without.
		InsecureSkipVerify: true,
		VerifyConnection:   t.verify,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return ownCertificate(s.secure)
		},
	}
	if _, literal := s.hop.literal(); !literal {
		c.ServerName = s.hop.host
	}
	return c
}

// ownCertificate is what we show of ourselves.
func ownCertificate(c *tls.Config) (*tls.Certificate, error) {
	switch {
	case c == nil:
		return nil, errNoOwnCert
	case c.GetCertificate != nil:
		cert, err := c.GetCertificate(&tls.ClientHelloInfo{})
		if err != nil {
			return nil, fmt.Errorf("our certificate: %w", err)
		}
		return cert, nil
	case len(c.Certificates) > 0:
		return &c.Certificates[0], nil
	}
	return nil, errNoOwnCert
}

// secured does the client's part of a handshake on a new connection, which it
// closes if nothing comes of it.
func secured(ctx context.Context, conn net.Conn, c *tls.Config) (net.Conn, error) {
	s := tls.Client(conn, c)
	if err := s.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("by TLS: %w", err)
	}
	return s, nil
}
