package sip

import (
	"crypto/tls"
	"net"
	"strings"
	"sync"
	"testing"

	"gateway/adapters/sip/wire"
	"gateway/bridge"
	"gateway/bridge/bridgetest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	bridgetest.Conformance(t, newConformanceRig)
}

func TestConformanceByTLS(t *testing.T) {
	t.Parallel()
	bridgetest.Conformance(t, func(t *testing.T) *bridgetest.Rig { return conformanceRig(t, newAuthority(t)) })
}

// A farSide is a PBX that is reached by TCP, or by TLS, and one extension of it.
type farSide struct {
	t     *testing.T
	a     *Adapter
	host  string
	heard chan string // requests
	ca    *authority  // nil: by TCP
	shows *tls.Config

	mu       sync.Mutex // guards the rest
	addr     string
	listener net.Listener
	conns    []net.Conn
	refusals []bridge.Cause
	serving  sync.WaitGroup
}

const (
	oursOnWire   = "tsch%C3%BCss"
	theirsOnWire = "+49301234"
)

func newConformanceRig(t *testing.T) *bridgetest.Rig { return conformanceRig(t, nil) }

func conformanceRig(t *testing.T, ca *authority) *bridgetest.Rig {
	host := bridgetest.OwnHost()
	f := &farSide{t: t, host: host, addr: host + ":0", heard: make(chan string, 1000), ca: ca}
	c := NewConfig()
	network := "tcp"
	if ca != nil {
		network, f.shows = "tls", ca.shows(host)
		c.UseTLS(ca.shows("gw.example.org"))
		c.UseRoots(ca.pool())
	}
	f.open(t)
	c.Listen, c.Peer = []string{network + ":127.0.0.1:0"}, "sip:"+f.addr+";transport="+network
	a, err := New(c, testEnv())
	if err != nil {
		t.Fatal(err)
	}
	f.a = a
	t.Cleanup(func() {
		f.cut(t)
		f.serving.Wait()
	})
	return &bridgetest.Rig{
		Adapter: a, Ours: "tschüss", Theirs: theirsOnWire,
		Say: f.say, Hear: f.hear, Refuse: f.refuse, Cut: f.cut, Mend: f.open, Lossy: lossy,
	}
}

func (f *farSide) open(t *testing.T) {
	f.mu.Lock()
	defer f.mu.Unlock()
	l, err := net.Listen("tcp", f.addr)
	if err != nil {
		t.Error(err)
		return
	}
	f.addr = l.Addr().String()
	if f.ca != nil {
		l = tls.NewListener(l, f.shows)
	}
	f.listener = l
	f.serving.Go(func() { f.runAccept(l) })
}

func (f *farSide) cut(*testing.T) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_ = f.listener.Close()
	for _, c := range f.conns {
		_ = c.Close()
	}
	f.conns = nil
}

func (f *farSide) runAccept(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		f.mu.Lock()
		f.conns = append(f.conns, conn)
		f.mu.Unlock()
		f.serving.Go(func() { f.runConn(conn) })
	}
}

func (f *farSide) runConn(conn net.Conn) {
	s := newStream(f.t, conn)
	for {
		text, err := s.read()
		if err != nil {
			return
		}
		answer := 200
		if strings.HasPrefix(text, "MESSAGE ") {
			f.mu.Lock()
			if len(f.refusals) > 0 {
				answer, f.refusals = statusOf(f.refusals[0]), f.refusals[1:]
			} else {
				f.heard <- text
			}
			f.mu.Unlock()
		}
		if _, err := conn.Write([]byte(response(text, answer, "because"))); err != nil {
			return
		}
	}
}

func (f *farSide) refuse(c bridge.Cause) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refusals = append(f.refusals, c)
}

func (f *farSide) say(t *testing.T, text string) bridge.Cause {
	t.Helper()
	s, transport := (*stream)(nil), "TCP"
	if f.ca == nil {
		s = dialFrom(t, f.host, f.a.Addrs()[0])
	} else {
		s, transport = tlsFrom(t, f.ca, f.host, f.a.Addrs()[0]), "TLS"
	}
	q := query{
		method: "MESSAGE", uri: "sip:" + oursOnWire + "@gw", from: "sip:" + theirsOnWire + "@pbx", transport: transport, body: text,
		lines: []string{"Max-Forwards: 9", "Content-Type: text/plain;charset=UTF-8"},
	}
	s.write(q.text())
	if status := code(s.next()); status >= 300 {
		return causeOf(status)
	}
	return 0
}

func (f *farSide) hear(t *testing.T) (from, text string) {
	t.Helper()
	m, err := wire.Parse([]byte(next(t, f.heard, "a message")))
	if err != nil {
		t.Fatal(err)
	}
	if m.Request.Recipient.User != theirsOnWire {
		t.Errorf("a message to %s", m.Request.Recipient.String())
	}
	from, err = wire.User(&m.Request.From().Address)
	if err != nil {
		t.Error(err)
	}
	return from, string(m.Request.Body())
}
