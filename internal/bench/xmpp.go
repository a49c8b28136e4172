package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"
)

// An xmppEnd is one user at one client: a connection to the server, logged in
// with a password and without encryption (RFC 6120).
type xmppEnd struct {
	conn    net.Conn
	user    string
	current *atomic.Pointer[load]
	errors  atomic.Int64  // error stanzas that came
	ended   chan struct{} // closed when runReader has
}

const loginTime = 20 * time.Second

// newXMPPEnd logs user in at domain, whose server is at server (host:port).
func newXMPPEnd(server, user, domain, password string, current *atomic.Pointer[load]) (*xmppEnd, error) {
	conn, err := net.DialTimeout("tcp", server, loginTime)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	e := &xmppEnd{conn: conn, user: user, current: current, ended: make(chan struct{})}
	if err := e.login(domain, password); err != nil {
		conn.Close()
		return nil, fmt.Errorf("client: log %s in: %w", user, err)
	}
	go e.runReader()
	return e, nil
}

func (e *xmppEnd) close() {
	e.conn.Close()
	<-e.ended
}

// login says what must be said, and waits for the server's part of it.
func (e *xmppEnd) login(domain, password string) error {
	if err := e.conn.SetDeadline(time.Now().Add(loginTime)); err != nil {
		return err
	}
	open := "<?xml version='1.0'?><stream:stream to='" + domain +
		"' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
	plain := base64.StdEncoding.EncodeToString([]byte("\x00" + e.user + "\x00" + password))
	for _, step := range []struct{ say, until string }{
		{open, "</stream:features>"},
		{"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>" + plain + "</auth>", "<success"},
		{open, "</stream:features>"},
		{"<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>desk</resource></bind></iq>", "</iq>"},
		{"<presence/>", "<presence"},
	} {
		if _, err := e.exchange(step.say, step.until); err != nil {
			return err
		}
	}
	return e.conn.SetDeadline(time.Time{})
}

// exchange says something and gives what is said back, until that holds a text.
func (e *xmppEnd) exchange(say, until string) (got []byte, err error) {
	if _, err := e.conn.Write([]byte(say)); err != nil {
		return nil, err
	}
	buf := make([]byte, 4096)
	for !bytes.Contains(got, []byte(until)) {
		n, err := e.conn.Read(buf)
		if err != nil {
			return nil, fmt.Errorf("after %.60q: %w", got, err)
		}
		if got = append(got, buf[:n]...); len(got) > 1<<16 {
			return nil, errors.New("the server says too much")
		}
	}
	return got, nil
}

// send sends one text to the bare address to, with what clients add to one:
// a chat state (XEP-0085) and an origin id (XEP-0359).
func (e *xmppEnd) send(m mark, to string) error {
	text := fmt.Sprintf("<message to='%s' type='chat' id='m-%d-%d'><body>%s</body>"+
		"<active xmlns='http://jabber.org/protocol/chatstates'/><origin-id xmlns='urn:xmpp:sid:0' id='m-%d-%d'/></message>",
		to, m.load, m.number, textOf(m), m.load, m.number)
	if _, err := e.conn.Write([]byte(text)); err != nil {
		return fmt.Errorf("client: %w", err)
	}
	return nil
}

// runReader reads until the connection is closed.
func (e *xmppEnd) runReader() {
	defer close(e.ended)
	buf := make([]byte, 1<<16)
	kept := 0
	for {
		n, err := e.conn.Read(buf[kept:])
		if err != nil {
			return
		}
		now := time.Now()
		data := buf[:kept+n]
		e.errors.Add(int64(bytes.Count(buf[kept:kept+n], []byte("<error "))))
		done := marks(data, func(m mark) {
			if l := e.current.Load(); l != nil {
				l.arrived(m, now)
			}
		})
		kept = copy(buf, data[done:])
	}
}
