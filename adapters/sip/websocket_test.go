package sip

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"gateway/bridge"

	"github.com/coder/websocket"
)

// A page is a browser's WebSocket.
type page struct {
	t  *testing.T
	ws *websocket.Conn
}

func openPage(t *testing.T, url string, ca *authority) *page {
	t.Helper()
	o := &websocket.DialOptions{Subprotocols: []string{"sip"}, HTTPHeader: http.Header{"Origin": {"https://pages.example.net"}}}
	if ca != nil {
		o.HTTPClient = &http.Client{Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: ca.pool(), ServerName: "gw.example.org"},
		}}
	}
	ws, res, err := websocket.Dial(t.Context(), url, o)
	if err != nil {
		t.Fatal(err)
	}
	if got := res.Header.Get("Sec-WebSocket-Protocol"); got != "sip" {
		t.Errorf("the subprotocol is %q", got)
	}
	ws.SetReadLimit(1 << 20)
	t.Cleanup(func() { _ = ws.CloseNow() })
	return &page{t, ws}
}

func (p *page) write(text string) {
	p.t.Helper()
	if err := p.ws.Write(p.t.Context(), websocket.MessageText, []byte(text)); err != nil {
		p.t.Fatal(err)
	}
}

func (p *page) next() string {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	kind, data, err := p.ws.Read(ctx)
	if err != nil || kind != websocket.MessageText {
		p.t.Fatalf("read %v: %v", kind, err)
	}
	return string(data)
}

func TestAPageRegistersByWebSocket(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	for _, row := range []struct {
		network, scheme, via string
		ca                   *authority
	}{{"ws", "ws", "SIP/2.0/WS", nil}, {"wss", "wss", "SIP/2.0/WSS", ca}} {
		b := withAccounts(t, func(c *Config) {
			c.UseTLS(ca.shows("gw.example.org"))
			c.Listen = []string{"udp:127.0.0.1:0", row.network + ":127.0.0.1:0"}
		})
		p := openPage(t, row.scheme+"://"+b.tcp.String()+"/any/path?at=all", row.ca)
		contact := "<sip:k3j2@8vq0l1.invalid;transport=ws>"
		q := registerQuery("2001", contact)
		q.transport = strings.ToUpper(row.network)
		p.write(q.text())
		// Where one message is one of SIP, it does not need its length (RFC 7118 section 5.1).
		p.write(strings.Replace(q.authorize(p.next(), "2001", "secret1", 1).text(), "Content-Length: 0\r\n", "", 1))
		if res := p.next(); code(res) != 200 || !strings.Contains(res, contact) {
			t.Fatal(res)
		}
		next(t, b.h.back, "the account to be back")
		big := b.message("2001", "alice")
		big.Bodies[0].Text = strings.Repeat("lang€ ", 5000)
		ch := b.send(big)
		out := p.next()
		if !strings.HasPrefix(out, "MESSAGE sip:k3j2@8vq0l1.invalid;transport=ws SIP/2.0\r\nVia: "+row.via+" 127.0.0.1:") ||
			!strings.HasSuffix(out, big.Bodies[0].Text) {
			t.Errorf("%.300s", out)
		}
		p.write(response(out, 200, "OK"))
		if r := next(t, ch, "the outcome"); r.o != bridge.Arrived {
			t.Error(r.err)
		}
		p.write("\r\n\r\n")
		if pong := p.next(); pong != "\r\n" {
			t.Errorf("pong %q", pong)
		}
		_ = p.ws.Close(websocket.StatusNormalClosure, "")
		for len(b.a.engine.Load().registrar.contacts("2001", time.Now())) > 0 {
			next(t, time.After(time.Millisecond), "the page to be away")
		}
	}
}

func TestAWebSocketHasBounds(t *testing.T) {
	t.Parallel()
	b := withAccounts(t, func(c *Config) { c.Listen = []string{"udp:127.0.0.1:0", "ws:127.0.0.1:0"} })
	const key = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OTAxMjM0NQ==\r\n"
	for _, row := range []struct{ name, in, want string }{
		{"no WebSocket", "GET / HTTP/1.1\r\nHost: x\r\nSec-WebSocket-Protocol: sip\r\n\r\n", "HTTP/1.1 426 Upgrade Required\r\n"},
		{"no SIP", "GET / HTTP/1.1\r\nHost: x\r\n" + key + "Sec-WebSocket-Protocol: osc, xmpp\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n"},
		{"no HTTP", "REGISTER sip:x SIP/2.0\r\n\r\n", ""},
		{"no end", "GET / HTTP/1.1\r\n" + strings.Repeat("X: y\r\n", maxWebHead), ""},
		{"all that it takes", "GET / HTTP/1.1\r\nHost: x\r\n" + key + "Sec-WebSocket-Protocol: x, SIP\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\n"},
	} {
		s := dial(t, b.tcp)
		_, _ = io.WriteString(s.conn, row.in) // the other side may have closed before its end
		_ = s.conn.SetReadDeadline(time.Now().Add(patience))
		if got, err := s.in.ReadString('\n'); got != row.want && !(row.want == "" && err != nil) {
			t.Errorf("%s: %q, %v", row.name, got, err)
		}
		_ = s.conn.Close()
	}
	p := openPage(t, "ws://"+b.tcp.String(), nil)
	_ = p.ws.Write(t.Context(), websocket.MessageText, bytes.Repeat([]byte("x"), 1<<17)) // it may be closed before its end
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, data, err := p.ws.Read(ctx); err == nil {
		t.Errorf("a message that is too long is answered: %q", data)
	}
}

// A canned connection says what it is given, and keeps what it is told.
type canned struct {
	net.Conn
	in  io.Reader
	out bytes.Buffer
}

func (c *canned) Read(p []byte) (int, error)  { return c.in.Read(p) }
func (c *canned) Write(p []byte) (int, error) { return c.out.Write(p) }
func (c *canned) Close() error                { return nil }

func FuzzUpgrade(f *testing.F) {
	const head = "GET /x HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: MDEyMzQ1Njc4OTAxMjM0NQ==\r\nSec-WebSocket-Protocol: sip\r\n\r\n"
	f.Add([]byte(head))
	f.Add([]byte(strings.Replace(head, "sip", "osc", 1)))
	f.Add([]byte(head + "\x81\x84aaaa\x00\x00\x00\x00"))
	f.Add([]byte("GET / HTTP/1.0\r\n\r\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		c := &canned{in: bytes.NewReader(in)}
		ws, err := upgrade(c)
		if (err == nil) != strings.HasPrefix(c.out.String(), "HTTP/1.1 101 ") {
			t.Errorf("%v, and said %q", err, c.out.String())
		}
		if err == nil {
			_ = ws.CloseNow()
		}
	})
}
