package sip

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gateway/bridge"
	"gateway/bridge/bridgetest"
)

func TestACertificateIsForTheHostOfTheURI(t *testing.T) {
	t.Parallel()
	names := func(n ...string) *x509.Certificate { return &x509.Certificate{DNSNames: n} }
	uris := func(list ...string) *x509.Certificate {
		c := names("pbx.example.org")
		for _, s := range list {
			c.URIs = append(c.URIs, uri(t, s))
		}
		return c
	}
	common := pkix.Name{CommonName: "pbx.example.org"}
	for _, row := range []struct {
		name string
		cert *x509.Certificate
		host string
		want string // in the error; "": it is
	}{
		{"its name", names("edge.example.org", "PBX.example.org."), "pbx.example.org", ""},
		{"another name", names("pbx.example.net"), "pbx.example.org", `for ["pbx.example.net"], not for "pbx.example.org"`},
		{"a name below", names("example.org"), "pbx.example.org", "not for"},
		{"every name of a domain", names("*.example.org"), "pbx.example.org", "no wildcards"},
		{"every name of another domain", names("*.example.net"), "pbx.example.org", "not for"},
		{"a domain of SIP", uris("sip:example.org"), "example.org", ""},
		{"a domain of SIP, and a name that it takes the place of", uris("sip:example.org"), "pbx.example.org", "not for"},
		{"somebody of the domain", uris("sip:alice@example.org"), "example.org", "not for"},
		{"no domain of SIP, and a name", uris("https://example.org"), "pbx.example.org", ""},
		{"a common name alone", &x509.Certificate{Subject: common}, "pbx.example.org", ""},
		{"a common name beside others", &x509.Certificate{Subject: common, DNSNames: []string{"x"}}, "pbx.example.org", "not for"},
		{"no name", &x509.Certificate{}, "pbx.example.org", "names no domain"},
		{"its address", &x509.Certificate{IPAddresses: []net.IP{net.ParseIP("192.0.2.1")}}, "192.0.2.1", ""},
		{"its address of IPv6", &x509.Certificate{IPAddresses: []net.IP{net.ParseIP("2001:db8::1")}}, "[2001:db8::1]", ""},
		{"another address", &x509.Certificate{IPAddresses: []net.IP{net.ParseIP("192.0.2.2")}}, "192.0.2.1", "not for the address"},
		{"an address as a name", names("192.0.2.1"), "192.0.2.1", "not for the address"},
	} {
		err := identifies(row.cert, row.host)
		if (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %q", row.name, err, row.want)
		}
	}
}

func FuzzIdentities(f *testing.F) {
	f.Add("sip:example.org", "pbx.example.org", "example.org")
	f.Add("sip:a@b;c?d:1", "*.b", "[::1]")
	f.Fuzz(func(t *testing.T, domain, name, host string) {
		c := &x509.Certificate{DNSNames: []string{name}}
		if u, err := url.Parse(domain); err == nil {
			c.URIs = append(c.URIs, u)
		}
		err := identifies(c, host)
		if err == nil && plainName(name) != plainName(host) && !strings.Contains(strings.ToLower(domain), plainName(host)) {
			t.Errorf("%q and %q are for %q", domain, name, host)
		}
	})
}

// byTLS is a listener of the peer's, and the adapter's side of a configuration for
// it.
func byTLS(t *testing.T, shows *tls.Config) (*tcpListener, func(c *Config)) {
	t.Helper()
	l := listenTCP(t, "127.0.0.1:0")
	at := l.l.Addr().String()
	l.l = tls.NewListener(l.l, shows)
	return l, func(c *Config) {
		c.UseTLS(newAuthority(t).shows("gw.example.org"))
		c.Listen = []string{"udp:127.0.0.1:0", "tls:127.0.0.1:0"}
		c.Peer = "sip:" + at + ";transport=tls"
	}
}

func TestAPeerByTLSHasToProveItself(t *testing.T) {
	t.Parallel()
	good, bad := newAuthority(t), newAuthority(t)
	for _, row := range []struct {
		name, host string
		shows      *tls.Config
		want       string
	}{
		{"its address", "", good.shows("127.0.0.1"), "true <nil>"},
		{"its name", "localhost", good.shows("pbx.example.org", "localhost"), "true <nil>"},
		{"another's name", "localhost", good.shows("pbx.example.org"), `its certificate is for ["pbx.example.org"], not for "localhost"`},
		{"an authority that we don't know", "", bad.shows("127.0.0.1"), "its certificate is not to be trusted"},
		{"no TLS of today", "", func() *tls.Config {
			c := good.shows("127.0.0.1")
			c.MaxVersion = tls.VersionTLS11
			return c
		}(), "protocol version"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			row.shows.MinVersion = tls.VersionTLS10
			l, set := byTLS(t, row.shows)
			go answerAll(l)
			b := run(t, func(c *Config) {
				set(c)
				c.UseRoots(good.pool())
				if row.host != "" {
					c.Peer = strings.Replace(c.Peer, "127.0.0.1", row.host, 1)
				}
			})
			if s := next(t, b.h.states, "a state"); !strings.Contains(s, row.want) {
				t.Errorf("%s, want %s", s, row.want)
			}
		})
	}
}

// answerAll says 200 to whatever comes, until nobody comes any more.
func answerAll(l *tcpListener) {
	for {
		conn, err := l.l.Accept()
		if err != nil {
			return
		}
		s := newStream(l.t, conn)
		for text, err := s.read(); err == nil; text, err = s.read() {
			_, _ = io.WriteString(conn, response(text, 200, "OK"))
		}
		_ = conn.Close()
	}
}

func TestAPeerIsNeverSpokenToButByTLS(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	shows := ca.shows("127.0.0.1")
	shows.ClientAuth = tls.RequireAnyClientCert
	l, set := byTLS(t, shows)
	b := run(t, func(c *Config) {
		set(c)
		c.UseRoots(ca.pool())
		c.Peer = strings.Replace(strings.TrimSuffix(c.Peer, ";transport=tls"), "sip:", "sips:", 1)
		c.Lines = map[string]Line{"7001": {Password: "pw"}}
	})
	s := l.accept()
	tlsPort := b.a.Addrs()[1].String()
	var reg string
	for reg == "" {
		text := s.next()
		if strings.HasPrefix(text, "REGISTER ") {
			reg = text
		}
		s.write(response(text, 200, "OK"))
	}
	for _, want := range []string{
		"REGISTER sips:127.0.0.1:", "Via: SIP/2.0/TLS " + tlsPort + ";branch=", ";rport;alias\r\n",
		"From: <sips:7001@127.0.0.1>;tag=", "To: <sips:7001@127.0.0.1>\r\n", "@" + tlsPort + ">\r\n", "Contact: <sips:",
	} {
		if !strings.Contains(reg, want) {
			t.Errorf("no %q in\n%s", want, reg)
		}
	}
	if c := s.conn.(*tls.Conn).ConnectionState(); len(c.PeerCertificates) != 1 || c.PeerCertificates[0].DNSNames[0] != "gw.example.org" {
		t.Errorf("we show %v", c.PeerCertificates)
	}
	big := b.message("1900", "alice")
	big.Bodies[0].Text = strings.Repeat("long ", 5000)
	ch := b.send(big)
	out := s.next()
	for strings.HasPrefix(out, "OPTIONS ") || strings.HasPrefix(out, "REGISTER ") {
		s.write(response(out, 200, "OK"))
		out = s.next()
	}
	if !strings.HasPrefix(out, "MESSAGE sips:1900@127.0.0.1:") || !strings.HasSuffix(out, big.Bodies[0].Text) {
		t.Errorf("%.300s", out)
	}
	s.write(response(out, 200, "OK"))
	if r := next(t, ch, "the outcome"); r.err != nil {
		t.Error(r.err)
	}
	// Who writes the peer's address on a datagram is not the peer.
	spoof := newFakePeer(t, "127.0.0.1:0")
	spoof.send(b.a.Addrs()[0], text1("hello").text())
	if res := spoof.next(); code(res.text) != 403 {
		t.Error(res.text)
	}
}

func TestAPhoneRegistersByTLS(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	b := withAccounts(t, func(c *Config) {
		c.UseTLS(ca.shows("gw.example.org"))
		c.Listen = []string{"udp:127.0.0.1:0", "tls:127.0.0.1:0"}
	})
	for _, contact := range []string{"<sip:2001@10.1.1.1:5061;transport=tls>", "<sips:2001@10.1.1.1:5061>"} {
		s := dialTLS(t, ca, b.tcp)
		q := registerQuery("2001", contact)
		q.transport = "TLS"
		s.write(q.text())
		s.write(q.authorize(s.next(), "2001", "secret1", 1).text())
		if res := s.next(); code(res) != 200 || !strings.Contains(res, contact) {
			t.Fatal(res)
		}
		next(t, b.h.back, "the account to be back")
		big := b.message("2001", "alice")
		big.Bodies[0].Text = strings.Repeat("long ", 5000)
		ch := b.send(big)
		out := s.next()
		want := "MESSAGE " + strings.Trim(contact, "<>") + " SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1:"
		if !strings.HasPrefix(out, want) || !strings.HasSuffix(out, big.Bodies[0].Text) {
			t.Errorf("%.300s", out)
		}
		s.write(response(out, 200, "OK"))
		if r := next(t, ch, "the outcome"); r.o != bridge.Arrived {
			t.Error(r.err)
		}
		s.write("\r\n\r\n")
		if pong, err := s.in.ReadString('\n'); pong != "\r\n" || err != nil {
			t.Errorf("pong %q, %v", pong, err)
		}
		_ = s.conn.Close()
		for len(b.a.engine.Load().registrar.contacts("2001", time.Now())) > 0 {
			next(t, time.After(time.Millisecond), "the phone to be away")
		}
	}
}

func TestWhatIsForSIPSComesByTLS(t *testing.T) {
	t.Parallel()
	b := withAccounts(t, nil)
	s := dial(t, b.tcp)
	q := registerQuery("2001", "<sips:2001@10.1.1.1>")
	q.transport = "TCP"
	s.write(q.text())
	s.write(q.authorize(s.next(), "2001", "secret1", 1).text())
	if res := s.next(); code(res) != 400 {
		t.Error(res)
	}
	q = registerQuery("2001", "<sip:2001@10.1.1.1>")
	q.transport, q.uri = "TCP", "sips:gw.example.org"
	s.write(q.text())
	s.write(q.authorize(s.next(), "2001", "secret1", 1).text())
	if res := s.next(); code(res) != 416 {
		t.Error(res)
	}
}

// dialTLS connects as a phone of TLS does.
func dialTLS(t *testing.T, ca *authority, to netip.AddrPort) *stream {
	t.Helper()
	return tlsFrom(t, ca, "127.0.0.1", to)
}

func tlsFrom(t *testing.T, ca *authority, ip string, to netip.AddrPort) *stream {
	t.Helper()
	conn := dialFrom(t, ip, to).conn
	return newStream(t, tls.Client(conn, &tls.Config{RootCAs: ca.pool(), ServerName: "gw.example.org"}))
}

func TestHandshakesHaveBounds(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	b := withAccounts(t, func(c *Config) {
		c.UseTLS(ca.shows("gw.example.org"))
		c.Listen = []string{"udp:127.0.0.1:0", "tls:127.0.0.1:0"}
	})
	other := bridgetest.OwnHost()
	for range 2 * maxSourceGreet { // who has come through is not counted any more
		s := tlsFrom(t, ca, other, b.tcp)
		s.write("\r\n\r\n")
		if _, err := s.in.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		_ = s.conn.Close()
	}
	var silent []*stream
	for range maxSourceGreet {
		silent = append(silent, dial(t, b.tcp))
	}
	s := dial(t, b.tcp)
	if _, err := s.read(); err == nil {
		t.Error("one more than allowed is served")
	}
	if n := b.count("gateway_sip_refused_total", "reason", "conns"); n < 1 {
		t.Errorf("counted %v", n)
	}
	s = tlsFrom(t, ca, bridgetest.OwnHost(), b.tcp)
	s.write("\r\n\r\n") // another source has room of its own
	if pong, err := s.in.ReadString('\n'); pong != "\r\n" {
		t.Errorf("pong %q, %v", pong, err)
	}
	_, _ = io.WriteString(silent[0].conn, "GET / HTTP/1.1\r\n\r\n")
	if _, err := silent[0].in.ReadString('\n'); err == nil {
		t.Error("a handshake of something else is taken")
	}
	for b.count("gateway_sip_refused_total", "reason", "greeting") < 1 {
		next(t, time.After(time.Millisecond), "the handshake to be counted")
	}
}

func TestAHandshakeHasToEnd(t *testing.T) {
	t.Parallel()
	shows := newAuthority(t).shows("gw.example.org")
	for _, network := range []string{networkTLS, networkWS, networkWSS} {
		synctest.Test(t, func(t *testing.T) {
			ours, theirs := net.Pipe()
			defer func() { _ = theirs.Close() }()
			e := &engine{set: &settings{secure: shows}}
			began := time.Now()
			if err := e.entering(network, ours).greet(t.Context()); err == nil {
				t.Errorf("%s: a silent handshake is one", network)
			}
			if took := time.Since(began); took != greetTime {
				t.Errorf("%s: it took %v", network, took)
			}
		})
	}
}
