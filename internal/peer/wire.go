package peer

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/icholy/digest"
)

// A Wire is a UDP socket that speaks SIP word for word as it is told: for what
// no phone says by itself.
type Wire struct {
	conn  *net.UDPConn
	local string
	to    string
}

// NewWire opens a socket at the address local (host:port, port 0 for any) that
// speaks to the address to. Both are IPv4, or both IPv6.
func NewWire(local, to string) (*Wire, error) {
	l, err := net.ResolveUDPAddr("udp", local)
	if err != nil {
		return nil, fmt.Errorf("wire: %w", err)
	}
	r, err := net.ResolveUDPAddr("udp", to)
	if err != nil {
		return nil, fmt.Errorf("wire: %w", err)
	}
	conn, err := net.DialUDP("udp", l, r)
	if err != nil {
		return nil, fmt.Errorf("wire: %w", err)
	}
	return &Wire{conn: conn, local: conn.LocalAddr().String(), to: to}, nil
}

// Close closes the socket.
func (w *Wire) Close() { w.conn.Close() }

// Local is the socket's address, host:port.
func (w *Wire) Local() string { return w.local }

// Send sends text in one datagram.
func (w *Wire) Send(text string) error {
	if _, err := w.conn.Write([]byte(text)); err != nil {
		return fmt.Errorf("wire: %w", err)
	}
	return nil
}

// Receive gives the next datagram.
func (w *Wire) Receive(ctx context.Context) (SIPMessage, error) {
	if err := w.conn.SetReadDeadline(time.Time{}); err != nil {
		return SIPMessage{}, fmt.Errorf("wire: %w", err)
	}
	stop := context.AfterFunc(ctx, func() {
		_ = w.conn.SetReadDeadline(time.Unix(1, 0)) // on a closed socket Read ends anyway
	})
	defer stop()
	buf := make([]byte, 1<<16)
	n, err := w.conn.Read(buf)
	if err != nil {
		return SIPMessage{}, fmt.Errorf("wire: %w", err)
	}
	return ParseSIP(string(buf[:n])), nil
}

// A SIPRequest is one that a Wire makes. What is empty gets a plain value.
type SIPRequest struct {
	Method   string
	URI      string // default: the address the wire speaks to
	From, To string // in angle brackets or with a display name
	CallID   string
	CSeq     int
	Tag      string   // of From
	Headers  []string // whole further lines
	Body     string
}

// text is the request as it is sent by w, under a new branch.
func (w *Wire) text(r SIPRequest) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s SIP/2.0\r\n", r.Method, r.URI)
	fmt.Fprintf(&b, "Via: SIP/2.0/UDP %s;branch=z9hG4bK%s;rport\r\n", w.local, rand.Text())
	fmt.Fprintf(&b, "From: %s;tag=%s\r\nTo: %s\r\n", r.From, r.Tag, r.To)
	fmt.Fprintf(&b, "Call-ID: %s\r\nCSeq: %d %s\r\nMax-Forwards: 70\r\n", r.CallID, r.CSeq, r.Method)
	for _, h := range r.Headers {
		b.WriteString(h + "\r\n")
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(r.Body), r.Body)
	return b.String()
}

// Do sends the request and gives its final answer. Requests that come
// meanwhile are not looked at.
func (w *Wire) Do(ctx context.Context, r SIPRequest) (SIPMessage, error) {
	w.fill(&r)
	if err := w.Send(w.text(r)); err != nil {
		return SIPMessage{}, err
	}
	for {
		m, err := w.Receive(ctx)
		if err != nil {
			return SIPMessage{}, fmt.Errorf("%s %s: %w", r.Method, r.URI, err)
		}
		if m.Code() >= 200 && m.Header("Call-ID") == r.CallID && m.Header("CSeq") == fmt.Sprintf("%d %s", r.CSeq, r.Method) {
			return m, nil
		}
	}
}

func (w *Wire) fill(r *SIPRequest) {
	if r.URI == "" {
		r.URI = "sip:" + w.to
	}
	if r.From == "" {
		r.From = "<sip:anyone@" + w.local + ">"
	}
	if r.To == "" {
		r.To = "<" + r.URI + ">"
	}
	if r.CallID == "" {
		r.CallID = rand.Text()
	}
	if r.CSeq == 0 {
		r.CSeq = 1
	}
	if r.Tag == "" {
		r.Tag = rand.Text()[:8]
	}
}

// DoAs is Do, and answers a challenge of the algorithm ("MD5" or "SHA-256")
// as user.
func (w *Wire) DoAs(ctx context.Context, r SIPRequest, user, password, algorithm string) (SIPMessage, error) {
	w.fill(&r)
	return authenticated(ctx, r, w.Do, user, password, algorithm)
}

// authenticated does r, and once more with credentials if it is challenged.
func authenticated(ctx context.Context, r SIPRequest, do func(context.Context, SIPRequest) (SIPMessage, error), user, password, algorithm string) (SIPMessage, error) {
	m, err := do(ctx, r)
	if err != nil || m.Code() != 401 && m.Code() != 407 {
		return m, err
	}
	ask, answer := "WWW-Authenticate", "Authorization"
	if m.Code() == 407 {
		ask, answer = "Proxy-Authenticate", "Proxy-Authorization"
	}
	for _, value := range m.All(ask) {
		c, err := digest.ParseChallenge(value)
		if err != nil {
			return m, fmt.Errorf("wire: %w", err)
		}
		if !strings.EqualFold(c.Algorithm, algorithm) && (c.Algorithm != "" || algorithm != "MD5") {
			continue
		}
		cred, err := digest.Digest(c, digest.Options{
			Method: r.Method, URI: r.URI, Username: user, Password: password, Count: 1, Cnonce: rand.Text(),
		})
		if err != nil {
			return m, fmt.Errorf("wire: %w", err)
		}
		r.CSeq++
		r.Headers = append(r.Headers[:len(r.Headers):len(r.Headers)], answer+": "+cred.String())
		return do(ctx, r)
	}
	return m, fmt.Errorf("wire: no %s challenge in %q", algorithm, m.All(ask))
}

// Answer answers a request with code.
func (w *Wire) Answer(m SIPMessage, code int) error { return w.Send(answerTo(m, code)) }

// answerTo is the answer to a request.
func answerTo(m SIPMessage, code int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "SIP/2.0 %d As Told\r\n", code)
	for _, name := range []string{"Via", "From", "To", "Call-ID", "CSeq"} {
		for _, value := range m.All(name) {
			if name == "To" && !strings.Contains(value, ";tag=") {
				value += ";tag=" + rand.Text()[:8]
			}
			b.WriteString(name + ": " + value + "\r\n")
		}
	}
	b.WriteString("Content-Length: 0\r\n\r\n")
	return b.String()
}
