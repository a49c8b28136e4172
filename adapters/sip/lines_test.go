package sip

import (
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gateway/bridge/bridgetest"
)

func withLine(c *Config) { c.Lines = map[string]Line{"7001": {Password: "pw"}} }

// drain starts a Drain and says when it has ended.
func (b *bench) drain(ctx context.Context) <-chan bool {
	done := make(chan bool, 1)
	go func() {
		b.a.Drain(ctx)
		done <- true
	}()
	return done
}

func TestDrainDoesNotWaitForARegisterUnderWay(t *testing.T) {
	t.Parallel()
	b, p := withPeer(t, withLine)
	reg := p.next() // which stays without an answer
	ctx, cancel := context.WithCancel(t.Context())
	drained := b.drain(ctx)
	bye := p.next()
	for header(bye.text, "CSeq") == header(reg.text, "CSeq") {
		bye = p.next() // the first once more
	}
	if header(bye.text, "Expires") != "0" || header(bye.text, "Contact") != header(reg.text, "Contact") {
		t.Error(bye.text)
	}
	cancel()
	next(t, drained, "the drain")
}

func TestDrainDoesNotWaitForAPeerThatNeverAnswered(t *testing.T) {
	t.Parallel()
	silent, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(bridgetest.OwnHost())})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	b := run(t, func(c *Config) {
		c.Peer = "sip:" + silent.LocalAddr().String()
		withLine(c)
	})
	read := func() string {
		buf := make([]byte, 65536)
		_ = silent.SetReadDeadline(time.Now().Add(patience))
		n, _, err := silent.ReadFromUDP(buf)
		if err != nil {
			t.Fatal(err)
		}
		return string(buf[:n])
	}
	for !strings.HasPrefix(read(), "REGISTER ") {
	}
	next(t, b.drain(context.Background()), "the drain")
}

func TestALineThatIsNotRegisteredIsNotHealthy(t *testing.T) {
	t.Parallel()
	b, p := withPeer(t, withLine)
	reg := p.next()
	p.send(reg.from, response(reg.text, 403, "No"))
	if s := next(t, b.h.states, "a state"); s != "false line 7001: register: refused with 403 No" {
		t.Error(s)
	}
	if a := next(t, b.h.back, "that waiting messages may go"); a.Name != "" {
		t.Error(a)
	}
	again := p.next()
	p.send(again.from, response(again.text, 200, "OK"))
	if s := next(t, b.h.states, "a state"); s != "true <nil>" {
		t.Error(s)
	}
	for _, row := range []struct {
		what, result string
		want         float64
	}{
		{reconnectLine, reconnectOK, 1}, {reconnectLine, reconnectFailed, 0}, {reconnectPeer, reconnectOK, 0}, {reconnectPeer, reconnectFailed, 0},
	} {
		if n := b.count(metricReconnects, "what", row.what, "result", row.result); n != row.want {
			t.Errorf("%s %s: counted %v", row.what, row.result, n)
		}
	}
}

// registration is a REGISTER, and the connection that it came by.
type registration struct {
	text string
	by   net.Conn
}

// registrars answers all that comes, by whatever connection, and gives the
// REGISTERs.
func (l *tcpListener) registrars() <-chan registration {
	all := make(chan registration, 100)
	var serving sync.WaitGroup
	l.t.Cleanup(serving.Wait)
	l.t.Cleanup(func() { _ = l.l.Close() })
	serving.Go(func() {
		for {
			conn, err := l.l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				s := newStream(l.t, conn)
				for {
					got, err := s.read()
					if err != nil {
						return
					}
					if _, err := io.WriteString(conn, response(got, 200, "OK")); err != nil {
						return
					}
					if strings.HasPrefix(got, "REGISTER ") {
						all <- registration{got, conn}
					}
				}
			})
		}
	})
	return all
}

// A peer that begins anew between two probes forgets its lines without being
// seen down.
func TestLinesAreRegisteredAnewWhenThePeerMayHaveRestarted(t *testing.T) {
	t.Parallel()
	l := listenTCP(t, bridgetest.OwnHost()+":0")
	registered := l.registrars()
	b := run(t, func(c *Config) {
		c.Peer = "sip:" + l.l.Addr().String() + ";transport=tcp"
		withLine(c)
	})
	for next(t, b.h.states, "the adapter to be up") != "true <nil>" {
	}
	first := next(t, registered, "a REGISTER")
	_ = first.by.Close()
	second := next(t, registered, "a REGISTER anew")
	if header(first.text, "Call-ID") != header(second.text, "Call-ID") || header(second.text, "Expires") == "0" {
		t.Error(second.text)
	}
	select {
	case state := <-b.h.states:
		t.Errorf("nobody has seen it down, and yet: %s", state)
	default:
	}
}

// pass lets the time of a test's bubble pass.
func pass(d time.Duration) { <-time.After(d) }

func TestSuspicionRenewsLinesNowAndThenOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newPeer(&settings{}, nil)
		p.setUp(true)
		registered := time.Now()
		renewed := func() bool {
			risen := p.risen()
			pass(time.Millisecond)
			p.probed(true)
			select {
			case <-risen:
				return true
			default:
				return false
			}
		}
		if renewed() {
			t.Error("renewed without a reason")
		}
		if !p.remembers(registered.Add(time.Nanosecond)) {
			t.Error("forgets without a reason")
		}
		for i := range renewBurst + 3 {
			pass(time.Millisecond)
			p.suspect()
			if p.remembers(registered) {
				t.Error("what was registered before counts on")
			}
			if renewed() != (i < renewBurst) {
				t.Errorf("suspected for the %dth time", i+1)
			}
		}
		pass(watchEvery)
		if !renewed() {
			t.Error("a suspicion is never followed")
		}
		pass(time.Millisecond)
		p.probed(false)
		pass(watchEvery)
		if !renewed() || renewed() {
			t.Error("a probe that was missed counts other than once")
		}
	})
}
