package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"time"
)

// A sipEnd is the phones on one side: one UDP socket that sends MESSAGE
// requests to a server, and answers the server's at once (RFC 3428).
type sipEnd struct {
	conn    *net.UDPConn
	local   string
	server  *net.UDPAddr
	domain  string // of the phones
	uri     string // of the other side's users: their domain
	current *atomic.Pointer[load]
	ended   chan struct{} // closed when runReader has
}

// newSIPEnd opens the socket at local; both addresses are host:port.
func newSIPEnd(local, server, domain, uri string, current *atomic.Pointer[load]) (*sipEnd, error) {
	at, err := net.ResolveUDPAddr("udp4", local)
	if err != nil {
		return nil, fmt.Errorf("phones: %w", err)
	}
	to, err := net.ResolveUDPAddr("udp4", server)
	if err != nil {
		return nil, fmt.Errorf("phones: %w", err)
	}
	conn, err := net.ListenUDP("udp4", at)
	if err != nil {
		return nil, fmt.Errorf("phones: %w", err)
	}
	if err := conn.SetReadBuffer(4 << 20); err != nil {
		conn.Close()
		return nil, fmt.Errorf("phones: %w", err)
	}
	e := &sipEnd{
		conn: conn, local: conn.LocalAddr().String(), server: to, domain: domain, uri: uri,
		current: current, ended: make(chan struct{}),
	}
	go e.runReader()
	return e, nil
}

func (e *sipEnd) close() {
	e.conn.Close()
	<-e.ended
}

// send sends one text from phone to user.
func (e *sipEnd) send(m mark, phone, user string) error {
	var b bytes.Buffer
	text := textOf(m)
	fmt.Fprintf(&b, "MESSAGE sip:%s@%s SIP/2.0\r\n", user, e.uri)
	fmt.Fprintf(&b, "Via: SIP/2.0/UDP %s;branch=z9hG4bK-%d-%d;rport\r\n", e.local, m.load, m.number)
	fmt.Fprintf(&b, "Max-Forwards: 70\r\nFrom: <sip:%s@%s>;tag=t%d-%d\r\nTo: <sip:%s@%s>\r\n", phone, e.domain, m.load, m.number, user, e.uri)
	fmt.Fprintf(&b, "Call-ID: %s@%s\r\nCSeq: 1 MESSAGE\r\n", m, e.local)
	fmt.Fprintf(&b, "Content-Type: text/plain;charset=utf-8\r\nContent-Length: %d\r\n\r\n%s", len(text), text)
	if _, err := e.conn.WriteToUDP(b.Bytes(), e.server); err != nil {
		return fmt.Errorf("phones: %w", err)
	}
	return nil
}

// runReader reads until the socket is closed.
func (e *sipEnd) runReader() {
	defer close(e.ended)
	buf := make([]byte, 1<<16)
	for {
		n, from, err := e.conn.ReadFromUDP(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // nobody listens where we sent to
		}
		now := time.Now()
		packet := buf[:n]
		if code, ok := status(packet); ok {
			if l := e.current.Load(); l != nil && code >= 200 {
				marks(packet, func(m mark) { l.answer(m, code < 300) })
			}
			continue
		}
		if _, err := e.conn.WriteToUDP(okTo(packet), from); err != nil {
			continue // it will be sent again
		}
		if _, body, ok := bytes.Cut(packet, []byte("\r\n\r\n")); ok {
			if l := e.current.Load(); l != nil {
				marks(body, func(m mark) { l.arrived(m, now) })
			}
		}
	}
}

// status is the code of a response; ok is false for a request.
func status(packet []byte) (code int, ok bool) {
	rest, ok := bytes.CutPrefix(packet, []byte("SIP/2.0 "))
	if !ok || len(rest) < 3 {
		return 0, false
	}
	for _, c := range rest[:3] {
		if c < '0' || c > '9' {
			return 0, false
		}
		code = code*10 + int(c-'0')
	}
	return code, true
}

// okTo is the 200 for a request (RFC 3261 section 8.2.6.2).
func okTo(request []byte) []byte {
	head, _, _ := bytes.Cut(request, []byte("\r\n\r\n"))
	var b bytes.Buffer
	b.WriteString("SIP/2.0 200 OK\r\n")
	for line := range bytes.SplitSeq(head, []byte("\r\n")) {
		name, _, _ := strings.Cut(string(line), ":")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "via", "from", "call-id", "cseq":
			b.Write(line)
			b.WriteString("\r\n")
		case "to":
			b.Write(line)
			b.WriteString(";tag=phones\r\n")
		}
	}
	b.WriteString("Content-Length: 0\r\n\r\n")
	return b.Bytes()
}
