package osc

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"gateway/adapters/osc/wire"

	"github.com/coder/websocket"
)

// A client is the other end of a door: what it sends, and what it hears, as
// lines.
type client struct {
	t     *testing.T
	write func([]byte) error
	read  func() ([]byte, error)
	close func()
	heard chan string // closed at the end
}

func (c *client) start() *client {
	c.heard = make(chan string, 1000)
	go func() {
		defer close(c.heard)
		for {
			p, err := c.read()
			if err != nil {
				return
			}
			wire.Each(p, func(m wire.Message) { c.heard <- readable(m) })
		}
	}()
	c.t.Cleanup(c.close)
	return c
}

func (c *client) send(packet []byte) {
	c.t.Helper()
	if err := c.write(packet); err != nil {
		c.t.Error(err)
	}
}

// hear waits for a line that begins so, and passes over others.
func (c *client) hear(want string) {
	c.t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case got, ok := <-c.heard:
			if strings.HasPrefix(got, want) && ok {
				return
			}
			if !ok {
				c.t.Fatalf("the connection ends before %q", want)
			}
		case <-timeout:
			c.t.Fatalf("%q is not heard", want)
		}
	}
}

func (c *client) waitEnd() {
	c.t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case _, ok := <-c.heard:
			if !ok {
				return
			}
		case <-timeout:
			c.t.Fatal("the connection does not end")
		}
	}
}

func dialStream(t *testing.T, addr netip.AddrPort, f wire.Framing) *client {
	t.Helper()
	conn, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	in, buf := bufio.NewReader(conn), make([]byte, 0, wire.MaxPacket)
	return (&client{
		t:     t,
		write: func(p []byte) error { _, err := conn.Write(wire.AppendFrame(nil, f, p)); return err },
		read:  func() ([]byte, error) { return wire.ReadFrame(in, f, buf) },
		close: func() { conn.Close() },
	}).start()
}

func dialWeb(t *testing.T, url string, conf *tls.Config) *client {
	t.Helper()
	opts := &websocket.DialOptions{}
	if conf != nil {
		opts.HTTPClient = httpClient(conf)
	}
	ws, _, err := websocket.Dial(context.Background(), url, opts)
	if err != nil {
		t.Fatal(err)
	}
	ws.SetReadLimit(wire.MaxPacket)
	return (&client{
		t:     t,
		write: func(p []byte) error { return ws.Write(context.Background(), websocket.MessageBinary, p) },
		read:  func() ([]byte, error) { _, p, err := ws.Read(context.Background()); return p, err },
		close: func() { ws.CloseNow() },
	}).start()
}

func selfSigned(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, &tls.Config{RootCAs: pool}
}

// everyDoor starts a server, and gives where its doors are: by UDP, TCP, SLIP, WebSocket and that with TLS, which
// the configuration trusts.
func everyDoor(t *testing.T) ([]netip.AddrPort, *tls.Config) {
	t.Helper()
	forServer, forClient := selfSigned(t)
	server, _ := start(t, func(c *Config) {
		c.Listen = []string{"udp:127.0.0.1:0", "tcp:127.0.0.1:0", "slip:127.0.0.1:0", "ws:127.0.0.1:0", "wss:127.0.0.1:0"}
		c.UseTLS(forServer)
	}, false)
	return addrs(t, server), forClient
}

// Everybody plays with everybody: members by UDP, TCP, SLIP and WebSocket.
func TestEveryDoorLeadsToTheSameGroup(t *testing.T) {
	t.Parallel()
	where, forClient := everyDoor(t)
	tx, app := freePort(t), newApp(t)
	start(t, joinAs("udp", where[0], tx, app), true)
	clients := map[string]*client{
		"tcp": dialStream(t, where[1], wire.Prefixed), "slip": dialStream(t, where[2], wire.SLIP),
		"ws":  dialWeb(t, fmt.Sprintf("ws://%v/any/path", where[3]), nil),
		"wss": dialWeb(t, fmt.Sprintf("wss://%v/", where[4]), forClient),
	}
	names := []string{"tcp", "slip", "ws", "wss"}
	for _, name := range names {
		c := clients[name]
		c.send(alive(name, "0.0.0.0:0", "g"))
		c.hear("user " + name + ": ok")
		c.hear("group g: ok")
		c.hear("info udp 0.0.0.0:0 0.0.0.0:0")
	}
	for _, name := range names[1:] {
		clients["tcp"].hear("info " + name + " ")
	}
	for name, c := range clients {
		text := "/from " + name
		for heard := false; !heard; { // the member by UDP may not have met all yet
			c.send(line(t, text))
			select {
			case got := <-app.heard:
				heard = got == text
			case <-time.After(20 * time.Millisecond):
			}
		}
		for other, o := range clients {
			if other != name {
				o.hear(text)
			}
		}
	}
	for _, name := range names {
		app.meets(at(tx), name)
	}
	app.send(at(tx), line(t, "/from udp"))
	for _, c := range clients {
		c.hear("/from udp")
	}
	for _, c := range clients {
		c.send([]byte("not OSC!"))
		c.send(line(t, "/groupclient/ping udp"))
	}
	clients["ws"].send(line(t, `/oscrouter/private tcp /cue 5`))
	clients["tcp"].hear("/oscrouter/private ws /cue 5")
}

func TestProgramsForTcposcrouterPlayToo(t *testing.T) {
	t.Parallel()
	server, h := start(t, func(c *Config) { c.Listen = []string{"tcp:127.0.0.1:0", "slip:127.0.0.1:0"}; c.Chat = "/chat" }, false)
	where := addrs(t, server)
	tim, eva := dialStream(t, where[0], wire.Prefixed), dialStream(t, where[1], wire.SLIP)
	tim.send(line(t, "/oscrouter/register tim pw g gpw"))
	tim.hear("/oscrouter/register/tim/g")
	tim.send(line(t, "/oscrouter/ping"))
	eva.send(line(t, "/oscrouter/register tim wrong g gpw"))
	eva.hear(`/oscrouter/register tim "wrong password"`)
	eva.send(line(t, "/oscrouter/register eva pw g wrong"))
	eva.hear(`/oscrouter/register eva "wrong password"`)
	eva.send(line(t, "/oscrouter/register eva pw g gpw"))
	eva.hear("/oscrouter/register/eva/g")
	tim.hear("/oscrouter/userlist gateway tim eva")
	eva.send(line(t, "/note 60 0.5"))
	tim.hear("/note 60 0.5")
	tim.send(line(t, `/oscrouter/private eva /secret "for you" 1.5`))
	eva.hear(`/oscrouter/private tim /secret "for you" 1.5`)
	tim.send(line(t, "/chat tim hello"))
	if m := h.Messages(1)[0]; m.Body() != "hello" || m.From.Name != "tim@g" || m.To.Name != "g" {
		t.Errorf("%+v", m)
	}
	eva.close()
	tim.hear("/oscrouter/userlist gateway tim")
}

func TestAConnectionThatDoesWrongEnds(t *testing.T) {
	t.Parallel()
	server, _ := start(t, func(c *Config) { c.Listen = []string{"tcp:127.0.0.1:0", "ws:127.0.0.1:0", "udp:127.0.0.1:0"} }, false)
	where := addrs(t, server)
	raw, err := net.Dial("tcp", where[0].String())
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	raw.Write([]byte("GET / HTTP/1.1\r\n\r\n"))
	raw.SetReadDeadline(time.Now().Add(patience))
	if n, err := raw.Read(make([]byte, 1)); n > 0 || err == nil {
		t.Error("what is no frame is answered")
	}
	ws, _, err := websocket.Dial(context.Background(), fmt.Sprintf("ws://%v/", where[1]), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.CloseNow()
	ws.Write(context.Background(), websocket.MessageText, []byte("/hello"))
	if _, _, err := ws.Read(context.Background()); websocket.CloseStatus(err) != websocket.StatusUnsupportedData {
		t.Errorf("a text message: %v", err)
	}
	// Another place is taken, and the old connection ends.
	first := dialStream(t, where[0], wire.Prefixed)
	first.send(alive("tim", "0.0.0.0:0", "g"))
	first.hear("user tim: ok")
	start(t, func(c *Config) {
		c.Join, c.User, c.Password, c.Group, c.GroupPassword = where[2].String(), "tim", "pw", "g", "gpw"
	}, true)
	first.waitEnd()
}

// One address has so many connections at most, by whatever door and whether it says
// anything or not; and others when those have ended.
func TestConnectionsFromOneAddressAreBounded(t *testing.T) {
	t.Parallel()
	a, _ := start(t, func(c *Config) {
		c.Listen = []string{"tcp:127.0.0.1:0", "ws:127.0.0.1:0"}
	}, false)
	doors := addrs(t, a)
	var all []net.Conn
	open := func(door int) net.Conn {
		c, err := net.Dial("tcp", doors[door].String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		all = append(all, c)
		return c
	}
	const tcp, web = 0, 1
	for range maxFrom {
		open(web)
	}
	for _, door := range []int{web, tcp} { // what came earlier by the first has been let in when this is refused
		one := open(door)
		if err := one.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		if n, err := one.Read(make([]byte, 1)); n != 0 || err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("door %d: %d bytes, %v; want that the connection is closed", door, n, err)
		}
	}
	for _, c := range all {
		c.Close()
	}
	for until := time.Now().Add(patience); ; { // as soon as they are gone
		c, err := net.Dial("tcp", doors[0].String())
		if err != nil {
			t.Fatal(err)
		}
		in, buf := bufio.NewReader(c), make([]byte, 0, wire.MaxPacket)
		if _, err = c.Write(wire.AppendFrame(nil, wire.Prefixed, alive("tim", inside, "g"))); err == nil {
			_, err = wire.ReadFrame(in, wire.Prefixed, buf)
		}
		c.Close()
		if err == nil {
			return
		}
		if time.Now().After(until) {
			t.Fatalf("nobody else is let in: %v", err)
		}
	}
}

// What a slow one does not take is dropped; nobody waits for it.
func TestASlowConnectionHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	g := newGuest(wire.Prefixed)
	packet := make([]byte, 4000)
	given := 0
	for range 1000 {
		if g.give(packet) {
			given++
		}
	}
	if given < 200 || given > maxPending/len(packet) {
		t.Errorf("%d packets wait", given)
	}
	frames, more := g.take(nil)
	if len(frames) != given*4004 || !more {
		t.Errorf("%d bytes, more %v", len(frames), more)
	}
	if !g.give(packet) {
		t.Error("there is no room when some were taken")
	}
	g.shut()
	if g.give(packet) {
		t.Error("something is given behind the end")
	}
	if _, more := g.take(nil); more {
		t.Error("there is more behind the end")
	}
}

func httpClient(conf *tls.Config) *http.Client {
	return &http.Client{Transport: &http.Transport{TLSClientConfig: conf}}
}
