package sip

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"gateway/bridge"

	"github.com/icholy/digest"
	"github.com/prometheus/client_golang/prometheus"
)

// patience is how long a test waits for what must come.
const patience = time.Minute

// A fakeBridge takes what the adapter hands on.
type fakeBridge struct {
	messages chan bridge.Message
	states   chan string
	back     chan bridge.Address
	bounces  chan bounce
	changes  chan bridge.Address

	mu     sync.Mutex // guards answer
	answer func(m bridge.Message, done func(bridge.Outcome, error))
}

func newFakeBridge() *fakeBridge {
	return &fakeBridge{
		messages: make(chan bridge.Message, 1000), states: make(chan string, 100), back: make(chan bridge.Address, 100),
		bounces: make(chan bounce, 100), changes: make(chan bridge.Address, 1000),
		answer: func(_ bridge.Message, done func(bridge.Outcome, error)) { done(bridge.Taken, nil) },
	}
}

func (b *fakeBridge) Message(m bridge.Message, done func(bridge.Outcome, error)) {
	b.mu.Lock()
	answer := b.answer
	b.mu.Unlock()
	b.messages <- m
	answer(m, done)
}
func (b *fakeBridge) Bounced(id string, err *bridge.Error) { b.bounces <- bounce{id, err} }
func (b *fakeBridge) Incoming(bridge.Invite, func(bridge.Events) bridge.Leg) error {
	return &bridge.Error{Op: "call", Cause: bridge.NotFound}
}
func (b *fakeBridge) Changed(a bridge.Address)               { b.changes <- a }
func (b *fakeBridge) Watch(_ bridge.Watch, done func(error)) { done(nil) }
func (b *fakeBridge) Reachable(a bridge.Address)             { b.back <- a }
func (b *fakeBridge) State(up bool, err error) {
	b.states <- strings.TrimSpace(fmt.Sprint(up, " ", err))
}
func (b *fakeBridge) answerWith(o bridge.Outcome, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answer = func(_ bridge.Message, done func(bridge.Outcome, error)) { done(o, err) }
}

func next[T any](t *testing.T, ch <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatalf("waited in vain for %s", what)
		panic("not reached")
	}
}

// A bench is an adapter at work, with a peer if peerOn is set.
type bench struct {
	t       *testing.T
	a       *Adapter
	h       *fakeBridge
	udp     netip.AddrPort
	tcp     netip.AddrPort
	stop    context.CancelFunc
	ended   chan error
	metrics *prometheus.Registry
	log     *logBook
}

// A logBook keeps what is logged.
type logBook struct {
	mu   sync.Mutex // guards text
	text strings.Builder
}

func (l *logBook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

// take gives what has been logged since the last time.
func (l *logBook) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.text.Reset()
	return l.text.String()
}

// run starts an adapter on 127.0.0.1, port 0.
func run(t *testing.T, set func(c *Config)) *bench {
	t.Helper()
	c := NewConfig()
	c.Listen = []string{"udp:127.0.0.1:0", "tcp:127.0.0.1:0"}
	c.Domain = "gw.example.org"
	set(c)
	c.Check(func(key, msg string) { t.Errorf("%s: %s", key, msg) })
	b := &bench{t: t, h: newFakeBridge(), ended: make(chan error, 1), metrics: prometheus.NewRegistry(), log: new(logBook)}
	env := bridge.Env{
		Name: "pbx", Node: "gw1", Version: "1.0", Log: slog.New(slog.NewTextHandler(b.log, nil)),
		Metrics: b.metrics, Key: []byte("0123456789abcdef0123456789abcdef"),
	}
	a, err := New(c, env)
	if err != nil {
		t.Fatal(err)
	}
	b.a = a
	ctx, cancel := context.WithCancel(context.Background())
	b.stop = cancel
	go func() { b.ended <- a.Run(ctx, b.h) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-b.ended:
			if err != nil {
				t.Errorf("Run: %v", err)
			}
		case <-time.After(patience):
			t.Error("Run does not end")
		}
	})
	return b
}

// up waits until the adapter says that it is up, but for lines perhaps, and
// learns its addresses.
func (b *bench) up() *bench {
	b.t.Helper()
	for {
		if s := next(b.t, b.h.states, "the adapter to be up"); s == "true <nil>" || strings.HasPrefix(s, "false line ") {
			break
		}
	}
	b.udp, b.tcp = b.a.Addrs()[0], b.a.Addrs()[1]
	return b
}

// withPeer is an adapter whose peer is up.
func withPeer(t *testing.T, set func(c *Config)) (*bench, *fakePeer) {
	t.Helper()
	p := newFakePeer(t, "127.0.0.1:0")
	b := run(t, func(c *Config) {
		c.Peer = "sip:" + p.addr()
		if set != nil {
			set(c)
		}
	})
	return b.up(), p
}

// withAccounts is an adapter for phones 2001 and 2002 without a peer.
func withAccounts(t *testing.T, set func(c *Config)) *bench {
	t.Helper()
	return run(t, func(c *Config) {
		c.Accounts = map[string]Account{"2001": {Password: "secret1"}, "2002": {Password: "secret2"}}
		if set != nil {
			set(c)
		}
	}).up()
}

// count is the sum of a counter's values with these label values.
func (b *bench) count(name string, labels ...string) float64 {
	b.t.Helper()
	families, err := b.metrics.Gather()
	if err != nil {
		b.t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
	metric:
		for _, m := range f.GetMetric() {
			for i := 0; i < len(labels); i += 2 {
				found := false
				for _, l := range m.GetLabel() {
					found = found || l.GetName() == labels[i] && l.GetValue() == labels[i+1]
				}
				if !found {
					continue metric
				}
			}
			sum += m.GetCounter().GetValue()
		}
	}
	return sum
}

func (b *bench) message(to, from string) bridge.Message {
	return bridge.Message{
		ID: "0123456789abcdefghijklmnop", At: time.UnixMilli(1_700_000_000_123), Hops: 70,
		From:   bridge.Party{Address: bridge.Address{Adapter: "pbx", Name: from}, Display: "Alice"},
		To:     bridge.Party{Address: bridge.Address{Adapter: "pbx", Name: to}},
		Bodies: []bridge.Body{{Lang: "de", Text: "Grüße"}},
	}
}

// sending is a SendMessage under way.
type result struct {
	o   bridge.Outcome
	err error
}

func (b *bench) send(m bridge.Message) <-chan result {
	ch := make(chan result, 1)
	go func() {
		o, err := b.a.SendMessage(context.Background(), m)
		ch <- result{o, err}
	}()
	return ch
}

// start is send for what the adapter takes without anybody waiting.
func (b *bench) start(m bridge.Message) <-chan result {
	b.t.Helper()
	ch := make(chan result, 1)
	if !b.a.StartMessage(m, func(o bridge.Outcome, err error) { ch <- result{o, err} }) {
		b.t.Fatal("somebody must wait")
	}
	return ch
}

// A fakePeer speaks SIP on a raw UDP socket. It answers OPTIONS by itself, and a
// request that is repeated is one: half a second after it was sent (RFC 3261 timers A
// and E) a machine that has other work may not have come to the answer yet.
type fakePeer struct {
	t    *testing.T
	conn *net.UDPConn
	got  chan packet
}

type packet struct {
	text string
	from netip.AddrPort
}

func newFakePeer(t *testing.T, at string) *fakePeer {
	t.Helper()
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(at)))
	if err != nil {
		t.Fatal(err)
	}
	p := &fakePeer{t: t, conn: conn, got: make(chan packet, 1000)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.read()
	}()
	t.Cleanup(func() {
		_ = conn.Close()
		<-done
	})
	return p
}

func (p *fakePeer) read() {
	buf := make([]byte, 65536)
	seen := map[string]bool{} // requests
	for {
		n, from, err := p.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		text := string(buf[:n])
		if strings.HasPrefix(text, "OPTIONS ") {
			p.send(from, response(text, 200, "OK"))
			continue
		}
		if !strings.HasPrefix(text, "SIP/2.0 ") {
			if seen[text] {
				continue
			}
			seen[text] = true
		}
		p.got <- packet{text, from}
	}
}

func (p *fakePeer) addr() string { return p.conn.LocalAddr().String() }

func (p *fakePeer) send(to netip.AddrPort, text string) {
	_, _ = p.conn.WriteToUDPAddrPort([]byte(text), to)
}

// next is the next packet that is no OPTIONS.
func (p *fakePeer) next() packet {
	p.t.Helper()
	return next(p.t, p.got, "a packet")
}

// ask sends a request and gives the response.
func (p *fakePeer) ask(to netip.AddrPort, text string) string {
	p.t.Helper()
	p.send(to, text)
	return p.next().text
}

// response answers a request, with header lines after the usual ones.
func response(request string, status int, reason string, lines ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "SIP/2.0 %d %s\r\n", status, reason)
	for _, line := range strings.Split(request, "\r\n")[1:] {
		name, _, _ := strings.Cut(line, ":")
		switch name {
		case "Via", "From", "Call-ID", "CSeq":
			b.WriteString(line + "\r\n")
		case "To":
			b.WriteString(line + ";tag=there\r\n")
		}
		if line == "" {
			break
		}
	}
	for _, l := range lines {
		b.WriteString(l + "\r\n")
	}
	b.WriteString("Content-Length: 0\r\n\r\n")
	return b.String()
}

// header is a header of a message, "" if it has none.
func header(text, name string) string {
	head, _, _ := strings.Cut(text, "\r\n\r\n")
	for _, line := range strings.Split(head, "\r\n")[1:] {
		if n, v, _ := strings.Cut(line, ":"); strings.EqualFold(n, name) {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

func code(text string) int {
	n, _ := strconv.Atoi(strings.Fields(text + " 0 0")[1])
	return n
}

// A query is a request to be written.
type query struct {
	method, uri, from, to string // URIs
	transport             string // "" is UDP
	branch, callID        string // "" makes them
	cseq                  int
	lines                 []string
	body                  string
}

var queries struct {
	sync.Mutex
	n int
}

func fresh() int {
	queries.Lock()
	defer queries.Unlock()
	queries.n++
	return queries.n
}

func (q query) text() string {
	n := fresh()
	if q.transport == "" {
		q.transport = "UDP"
	}
	if q.branch == "" {
		q.branch = fmt.Sprintf("z9hG4bKt%d", n)
	}
	if q.callID == "" {
		q.callID = fmt.Sprintf("call-%d@test", n)
	}
	if q.cseq == 0 {
		q.cseq = 1
	}
	if q.to == "" {
		q.to = q.uri
	}
	lines := append([]string{
		fmt.Sprintf("%s %s SIP/2.0", q.method, q.uri),
		fmt.Sprintf("Via: SIP/2.0/%s 127.0.0.1:9;branch=%s;rport", q.transport, q.branch),
		"From: <" + q.from + ">;tag=f1", "To: <" + q.to + ">", "Call-ID: " + q.callID,
		fmt.Sprintf("CSeq: %d %s", q.cseq, q.method),
	}, q.lines...)
	return strings.Join(append(lines, fmt.Sprintf("Content-Length: %d\r\n\r\n", len(q.body))), "\r\n") + q.body
}

func text1(body string) query {
	return query{method: "MESSAGE", uri: "sip:alice@gw.example.org", from: "sip:bob@pbx.example.org", body: body,
		lines: []string{"Max-Forwards: 70", "Content-Type: text/plain"}}
}

// authorize answers a challenge.
func (q query) authorize(challenge, user, password string, count int) query {
	all := strings.Split(challenge, "\r\n")
	var chal *digest.Challenge
	for _, line := range all {
		if v, ok := strings.CutPrefix(line, "WWW-Authenticate: "); ok && chal == nil {
			chal, _ = digest.ParseChallenge(v)
		}
	}
	cred, err := digest.Digest(chal, digest.Options{Method: q.method, URI: q.uri, Count: count, Username: user, Password: password})
	if err != nil {
		panic(err)
	}
	q.lines = append(q.lines[:len(q.lines):len(q.lines)], "Authorization: "+cred.String())
	q.cseq = max(q.cseq, 1) + 1
	return q
}

// asPhone asks with an account's credentials.
func (p *fakePeer) asPhone(to netip.AddrPort, q query, user, password string) string {
	p.t.Helper()
	challenge := p.ask(to, q.text())
	if code(challenge) != 401 {
		p.t.Fatalf("no challenge: %s", challenge)
	}
	return p.ask(to, q.authorize(challenge, user, password, 1).text())
}

func registerQuery(user, contact string, lines ...string) query {
	return query{method: "REGISTER", uri: "sip:gw.example.org", from: "sip:" + user + "@gw.example.org",
		to: "sip:" + user + "@gw.example.org", callID: "reg-" + user + contact, lines: append([]string{"Contact: " + contact}, lines...)}
}

// A stream is a raw TCP connection to the adapter.
type stream struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func newStream(t *testing.T, conn net.Conn) *stream {
	return &stream{t: t, conn: conn, in: bufio.NewReader(conn)}
}

func dial(t *testing.T, to netip.AddrPort) *stream {
	t.Helper()
	return dialFrom(t, "127.0.0.1", to)
}

// dialFrom connects from one of the loopback addresses.
func dialFrom(t *testing.T, ip string, to netip.AddrPort) *stream {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(ip)}}
	conn, err := d.DialContext(t.Context(), "tcp", to.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return newStream(t, conn)
}

func (s *stream) write(text string) {
	s.t.Helper()
	if _, err := io.WriteString(s.conn, text); err != nil {
		s.t.Fatal(err)
	}
}

// next reads one message.
func (s *stream) next() string {
	s.t.Helper()
	text, err := s.read()
	if err != nil {
		s.t.Fatal(err)
	}
	return text
}

func (s *stream) read() (string, error) {
	_ = s.conn.SetReadDeadline(time.Now().Add(patience))
	var b strings.Builder
	for {
		line, err := s.in.ReadString('\n')
		if err != nil {
			return "", err
		}
		b.WriteString(line)
		if line == "\r\n" {
			break
		}
	}
	n, _ := strconv.Atoi(header(b.String(), "Content-Length"))
	body := make([]byte, n)
	_, err := io.ReadFull(s.in, body)
	return b.String() + string(body), err
}

// A tcpListener takes the connections that the adapter opens.
type tcpListener struct {
	t *testing.T
	l net.Listener
}

func listenTCP(t *testing.T, at string) *tcpListener {
	t.Helper()
	l, err := net.Listen("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return &tcpListener{t, l}
}

func (l *tcpListener) accept() *stream {
	l.t.Helper()
	conn, err := l.l.Accept()
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { _ = conn.Close() })
	return newStream(l.t, conn)
}

// asError is err as the bridge has it; the zero Error if it is no such error.
func asError(err error) *bridge.Error {
	e := new(bridge.Error)
	errors.As(err, &e)
	return e
}

// Enroll implements bridge.Handler: nobody does here.
func (b *fakeBridge) Enroll(bridge.Enrolment, func(error)) func() { return func() {} }

// EnrollsFor implements bridge.Handler.
func (b *fakeBridge) EnrollsFor(string, string) bool { return false }

// MayTranscode implements bridge.Handler.
func (b *fakeBridge) MayTranscode(...string) bool { return false }
