package peer

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/dtls/v3/pkg/crypto/selfsign"
	"github.com/pion/srtp/v3"
	"github.com/pion/transport/v4/deadline"
)

// A DTLSPeer is an RTPPeer that agrees on its keys by DTLS-SRTP (RFC 5764), as
// the client.
type DTLSPeer struct {
	*RTPPeer
	cert tls.Certificate
	conn *dtls.Conn
}

// NewDTLSPeer is NewRTPPeer with a certificate.
func NewDTLSPeer(local string) (*DTLSPeer, error) {
	cert, err := selfsign.GenerateSelfSigned()
	if err != nil {
		return nil, fmt.Errorf("dtls peer: %w", err)
	}
	p, err := NewRTPPeer(local)
	if err != nil {
		return nil, err
	}
	return &DTLSPeer{RTPPeer: p, cert: cert}, nil
}

// Lines are what a description says of it: for the end of SDP.Media.
func (p *DTLSPeer) Lines() string {
	hash := sha256.Sum256(p.cert.Certificate[0])
	hex := make([]string, len(hash))
	for i, b := range hash {
		hex[i] = fmt.Sprintf("%02X", b)
	}
	return "a=rtcp-mux\na=setup:active\na=fingerprint:sha-256 " + strings.Join(hex, ":")
}

// Shake does the handshake with who listens at an address, and gives the keys of
// either way. It believes anybody.
func (p *DTLSPeer) Shake(ctx context.Context, to netip.AddrPort) (mine, theirs SRTPKey, err error) {
	view := &dtlsView{peer: p.RTPPeer, to: to, closed: make(chan struct{}), until: deadline.New()}
	p.conn, err = dtls.ClientWithOptions(view, net.UDPAddrFromAddrPort(to), dtls.WithCertificates(p.cert), dtls.WithInsecureSkipVerify(true),
		dtls.WithSRTPProtectionProfiles(dtls.SRTP_AES128_CM_HMAC_SHA1_80))
	if err != nil {
		return mine, theirs, fmt.Errorf("dtls peer: %w", err)
	}
	if err = p.conn.HandshakeContext(ctx); err != nil {
		return mine, theirs, fmt.Errorf("dtls peer: %w", err)
	}
	state, ok := p.conn.ConnectionState()
	if !ok {
		return mine, theirs, fmt.Errorf("dtls peer: no state")
	}
	config := srtp.Config{Profile: srtp.ProtectionProfileAes128CmHmacSha1_80}
	if err = config.ExtractSessionKeysFromDTLS(&state, true); err != nil {
		return mine, theirs, fmt.Errorf("dtls peer: %w", err)
	}
	k := config.Keys
	return SRTPKey{k.LocalMasterKey, k.LocalMasterSalt}, SRTPKey{k.RemoteMasterKey, k.RemoteMasterSalt}, nil
}

// Close ends it.
func (p *DTLSPeer) Close() {
	if p.conn != nil {
		_ = p.conn.Close() // of what nobody may be at the other end
	}
	p.RTPPeer.Close()
}

// A dtlsView is what a peer gets and sends of DTLS (RFC 7983).
type dtlsView struct {
	peer   *RTPPeer
	to     netip.AddrPort
	seen   int
	closed chan struct{}
	until  *deadline.Deadline
}

func (v *dtlsView) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		got, grown := v.peer.watch()
		for v.seen < len(got) {
			d := got[v.seen]
			v.seen++
			if len(d.Data) > 0 && d.Data[0] >= 20 && d.Data[0] < 64 {
				return copy(b, d.Data), net.UDPAddrFromAddrPort(v.to), nil
			}
		}
		select {
		case <-grown:
		case <-v.until.Done():
			return 0, nil, os.ErrDeadlineExceeded
		case <-v.closed:
			return 0, nil, net.ErrClosed
		}
	}
}

func (v *dtlsView) WriteTo(b []byte, _ net.Addr) (int, error) { return len(b), v.peer.Send(v.to, b) }

func (v *dtlsView) Close() error {
	close(v.closed)
	return nil
}

func (v *dtlsView) LocalAddr() net.Addr { return v.peer.conn.LocalAddr() }

func (v *dtlsView) SetDeadline(t time.Time) error { return v.SetReadDeadline(t) }

func (v *dtlsView) SetReadDeadline(t time.Time) error {
	v.until.Set(t)
	return nil
}

func (v *dtlsView) SetWriteDeadline(time.Time) error { return nil }
