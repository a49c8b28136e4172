package sip

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gateway/adapters/sip/wire"
	"gateway/bridge/bridgetest"
)

func TestThePeerIsWatched(t *testing.T) {
	t.Parallel()
	host := bridgetest.OwnHost()
	l := listenTCP(t, host+":0")
	at := l.l.Addr().String()
	_ = l.l.Close() // it refuses connections
	b := run(t, func(c *Config) { c.Peer = "sip:" + at + ";transport=tcp" })
	if s := next(t, b.h.states, "a state"); !strings.HasPrefix(s, "false ") || !strings.Contains(s, "refused") {
		t.Errorf("a peer that is away is %s", s)
	}
	// Its own voice is as good as an answer, and does not have to wait.
	s := dialFrom(t, host, b.a.Addrs()[1])
	q := text1("x")
	q.transport = "TCP"
	s.write(q.text())
	if res := s.next(); code(res) != 200 {
		t.Error(res)
	}
	if s := next(t, b.h.states, "a state"); s != "true <nil>" {
		t.Errorf("a peer that speaks is %s", s)
	}
}

func TestALineIsRegisteredAndCalledByItsContact(t *testing.T) {
	t.Parallel()
	b, p := withPeer(t, func(c *Config) { c.Lines = map[string]Line{"7001": {Password: "pw"}} })
	reg := p.next()
	if !strings.HasPrefix(reg.text, "REGISTER sip:"+p.addr()+" SIP/2.0\r\n") {
		t.Error(reg.text)
	}
	p.send(reg.from, response(reg.text, 401, "Who?", `WWW-Authenticate: Digest realm="pbx", nonce="n"`))
	again := p.next()
	if !strings.Contains(header(again.text, "Authorization"), `username="7001"`) || header(again.text, "Call-ID") != header(reg.text, "Call-ID") {
		t.Error(again.text)
	}
	contact := header(again.text, "Contact")
	p.send(again.from, response(again.text, 423, "Brief", "Min-Expires: 7200"))
	longer := p.next()
	if header(longer.text, "Expires") != "7200" {
		t.Error(longer.text)
	}
	p.send(longer.from, response(longer.text, 403, "No"))
	if s := next(t, b.h.states, "a state"); s != "false line 7001: register: refused with 403 No" {
		t.Error(s)
	}
	retry := p.next()
	p.send(retry.from, response(retry.text, 200, "OK", "Contact: "+contact+";expires=7200"))
	if s := next(t, b.h.states, "a state"); s != "true <nil>" {
		t.Error(s)
	}
	q := text1("for the line")
	q.uri = strings.Trim(contact, "<>")
	if res := p.ask(b.udp, q.text()); code(res) != 200 {
		t.Fatal(res)
	}
	if m := next(t, b.h.messages, "a message"); m.To.Name != "7001" {
		t.Error(m.To)
	}
	drained := make(chan struct{})
	go func() {
		b.a.Drain(context.Background())
		close(drained)
	}()
	bye := p.next()
	if !strings.HasPrefix(bye.text, "REGISTER ") || header(bye.text, "Expires") != "0" || header(bye.text, "Contact") != contact {
		t.Error(bye.text)
	}
	p.send(bye.from, response(bye.text, 200, "OK"))
	next(t, drained, "the drain")
}

func TestGrantedIsWhatTheRegistrarSays(t *testing.T) {
	t.Parallel()
	l := newLine("7001", lineSettings{})
	l.token = "me"
	for _, row := range []struct {
		name, lines string
		want        time.Duration
	}{
		{"ours among others", "Contact: <sip:x@y>;expires=10, <sip:me@y>;expires=90\r\n", 90 * time.Second},
		{"header", "Contact: <sip:me@y>\r\nExpires: 120\r\n", 2 * time.Minute},
		{"nothing", "", time.Hour},
		{"nonsense", "Contact: <sip:me@y>;expires=x\r\nExpires: -1\r\n", time.Hour},
		{"no time at all", "Expires: 1\r\n", 2 * time.Second},
		{"for ever", "Expires: 99999999999999\r\n", maxLineExpires},
	} {
		m, err := wire.Parse([]byte("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP x;branch=z9hG4bKa\r\nFrom: <sip:a@b>;tag=1\r\n" +
			"To: <sip:a@b>;tag=2\r\nCall-ID: x\r\nCSeq: 1 REGISTER\r\n" + row.lines + "\r\n"))
		if err != nil {
			t.Fatal(err)
		}
		if got := l.granted(m); got != row.want {
			t.Errorf("%s: %v", row.name, got)
		}
	}
}

// fakeDNS answers from tables.
type fakeDNS struct {
	hosts map[string][]string
	srv   map[string][]*net.SRV
}

func (f fakeDNS) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	var all []netip.Addr
	for _, a := range f.hosts[host] {
		all = append(all, netip.MustParseAddr(a))
	}
	if all == nil {
		return nil, errors.New("no such host")
	}
	return all, nil
}

func (f fakeDNS) LookupSRV(_ context.Context, service, proto, name string) (string, []*net.SRV, error) {
	if r := f.srv["_"+service+"._"+proto+"."+name]; r != nil {
		return name, r, nil
	}
	return "", nil, errors.New("no such service")
}

func TestThePeerIsFoundByName(t *testing.T) {
	t.Parallel()
	dns := fakeDNS{
		hosts: map[string][]string{"pbx": {"2001:db8::1", "::ffff:192.0.2.1"}, "a.pbx": {"192.0.2.2"}, "six": {"2001:db8::6"}},
		srv: map[string][]*net.SRV{"_sip._udp.pbx.example": {{Target: "gone.", Port: 1}, {Target: "a.pbx.", Port: 5080}},
			"_sips._tcp.pbx.example": {{Target: "a.pbx.", Port: 5081}}},
	}
	for _, row := range []struct {
		name, listen, peer, proxy string
		want, known               []string
	}{
		{"IPv4", "udp:0.0.0.0:0", "sip:192.0.2.9", "", []string{"192.0.2.9:5060"}, []string{"192.0.2.9"}},
		{"IPv6", "udp:[::]:0", "sip:[2001:db8::9]:5070", "", []string{"[2001:db8::9]:5070"}, []string{"2001:db8::9"}},
		{"host, both families", "udp:[::]:0", "sip:pbx:5070", "", []string{"[2001:db8::1]:5070", "192.0.2.1:5070"}, []string{"192.0.2.1", "::ffff:192.0.2.1"}},
		{"host, IPv4 only", "udp:0.0.0.0:0", "sip:pbx", "", []string{"192.0.2.1:5060"}, nil},
		{"service", "udp:0.0.0.0:0", "sip:pbx.example", "", []string{"192.0.2.2:5080"}, nil},
		{"service by TLS", "tls:0.0.0.0:0", "sips:pbx.example", "", []string{"192.0.2.2:5081"}, nil},
		{"host by TLS", "tls:0.0.0.0:0", "sip:a.pbx;transport=tls", "", []string{"192.0.2.2:5061"}, nil},
		{"proxy by TLS", "tls:0.0.0.0:0", "sip:pbx:1", "sips:192.0.2.7;lr", []string{"192.0.2.7:5061"}, []string{"192.0.2.7", "192.0.2.1"}},
		{"proxy", "udp:0.0.0.0:0", "sip:pbx:1", "sip:192.0.2.7;lr", []string{"192.0.2.7:5060"}, []string{"192.0.2.7", "192.0.2.1"}},
		{"nobody", "udp:0.0.0.0:0", "sip:nobody", "", nil, nil},
		{"unreachable", "udp:0.0.0.0:0", "sip:six", "", nil, nil},
	} {
		c := NewConfig()
		c.Listen, c.Peer, c.Proxy, c.Networks = []string{row.listen}, row.peer, row.proxy, []string{"198.51.100.0/24"}
		set, err := newSettings(c, testEnv())
		if err != nil {
			t.Fatal(err)
		}
		p := newPeer(set, dns)
		if err := p.locate(t.Context()); (err != nil) != (row.want == nil) {
			t.Errorf("%s: %v", row.name, err)
		}
		var got []string
		for _, a := range p.addresses() {
			got = append(got, a.String())
		}
		if strings.Join(got, " ") != strings.Join(row.want, " ") {
			t.Errorf("%s: %v", row.name, got)
		}
		for _, k := range append(row.known, "198.51.100.7", "::ffff:198.51.100.7") {
			if !p.has(netip.MustParseAddr(k)) {
				t.Errorf("%s: %s is a stranger", row.name, k)
			}
		}
		if p.has(netip.MustParseAddr("203.0.113.1")) {
			t.Errorf("%s: everybody is the peer", row.name)
		}
	}
}

// A fakeCarrier notes when something is sent.
type fakeCarrier struct {
	tcp  bool
	sent []time.Time
	data []byte
	end  chan struct{}
}

func (f *fakeCarrier) network() string {
	if f.tcp {
		return "tcp"
	}
	return "udp"
}
func (f *fakeCarrier) local() netip.AddrPort  { return netip.MustParseAddrPort("127.0.0.1:5060") }
func (f *fakeCarrier) ended() <-chan struct{} { return f.end }
func (f *fakeCarrier) send(_ netip.AddrPort, data []byte) error {
	f.sent, f.data = append(f.sent, time.Now()), data
	return nil
}

func TestRequestsAreRepeatedUntilSomebodyAnswers(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name        string
		tcp         bool
		provisional bool
		want        string // seconds after the first
	}{
		{"by UDP", false, false, "0s 500ms 1.5s 3.5s 7.5s 11.5s 15.5s 19.5s 23.5s 27.5s 31.5s"},
		{"by UDP, after a 100", false, true, "0s 500ms 4.5s 8.5s 12.5s 16.5s 20.5s 24.5s 28.5s"},
		{"by TCP", true, false, "0s"},
	} {
		synctest.Test(t, func(t *testing.T) {
			var c clients
			wireTo := &fakeCarrier{tcp: row.tcp, end: make(chan struct{})}
			f := flow{carrier: wireTo, remote: netip.MustParseAddrPort("127.0.0.1:5070")}
			o := &outgoing{method: "MESSAGE", uri: "sip:x", from: "<sip:a@b>;tag=1", to: "<sip:x>", callID: "c", cseq: 1}
			start := time.Now()
			_, err := c.do(t.Context(), f, "MESSAGE", func(branch string) []byte {
				data := o.bytes("SIP/2.0/UDP h;branch="+branch, "t")
				if row.provisional {
					m, err := wire.Parse([]byte(response(string(data), 100, "Trying")))
					if err != nil {
						t.Error(err)
					} else if !c.deliver(m) {
						t.Error("a 100 is for nobody")
					}
				}
				return data
			})
			if !errors.Is(err, errNoAnswer) || time.Since(start) != timerF {
				t.Errorf("%s: %v after %v", row.name, err, time.Since(start))
			}
			var at []string
			for _, s := range wireTo.sent {
				at = append(at, s.Sub(start).String())
			}
			if got := strings.Join(at, " "); got != row.want {
				t.Errorf("%s: sent at %s", row.name, got)
			}
			if len(c.waiting) != 0 {
				t.Error("the transaction stays")
			}
		})
	}
}
