package osc

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"gateway/adapters/osc/wire"
	"gateway/bridge"

	"github.com/coder/websocket"
)

// dialing bounds how long a connection to a server may take to be there.
const dialing = 10 * time.Second

// An uplink is a member's connection to its server, by which it plays where the
// network lets no UDP through: the server hands on, and no other member is met.
type uplink struct {
	kind  string      // of the server's door; "" if the member plays by UDP
	trust *tls.Config // for wss; nil is what the system trusts
}

// parseJoin reads where a server is: "host:port" by UDP, or behind the kind of one of its
// doors, as in "tcp:host:port".
func parseJoin(s string) (kind, server string, err error) {
	server = s
	if k, rest, ok := strings.Cut(s, ":"); ok && strings.Contains(rest, ":") {
		switch k {
		case doorTCP, doorSLIP, doorWS, doorWSS:
			kind, server = k, rest
		case doorUDP:
			server = rest
		}
	}
	host, port, err := net.SplitHostPort(server)
	if n, perr := strconv.ParseUint(port, 10, 16); err != nil || host == "" || perr != nil || n == 0 {
		return "", "", fmt.Errorf(`want host:port, or as in "tcp:host:port" (also slip, ws, wss), got %q`, s)
	}
	return kind, server, nil
}

// runUplink keeps the connection to the server until ctx is done.
func (m *member) runUplink(ctx context.Context) {
	var pace bridge.Backoff
	for {
		err := m.connected(ctx)
		if ctx.Err() != nil {
			return
		}
		if m.link.down() == nil {
			pace.Reset() // we were in the group
		}
		m.report(err)
		if !pace.Wait(ctx) {
			return
		}
	}
}

// connected plays by one connection to its end, and gives why it has ended.
func (m *member) connected(ctx context.Context) error {
	l, framing, err := m.dial(ctx)
	if err != nil {
		return fmt.Errorf("connect to the server: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	var crew sync.WaitGroup
	g := newGuest(framing)
	crew.Go(func() { runGuest(ctx, g, l) })
	if web, ok := l.(*webLink); ok {
		crew.Go(func() { web.runKeepAlive(ctx) })
	}
	stop := context.AfterFunc(ctx, l.close)
	m.mu.Lock()
	m.link.asked, m.link.silent = time.Time{}, 0
	m.up.Store(g)
	m.mu.Unlock()
	out := newMail()
	for err == nil {
		var packet []byte
		if packet, err = l.read(ctx); err == nil {
			m.guard(func() { m.fromUplink(packet, out) })
			m.post(out)
		}
	}
	m.up.Store(nil)
	g.shut()
	l.close()
	stop()
	cancel()
	crew.Wait()
	return fmt.Errorf("the connection to the server has ended: %w", err)
}

// dial connects to the server's door.
func (m *member) dial(ctx context.Context) (link, wire.Framing, error) {
	ctx, cancel := context.WithTimeout(ctx, dialing)
	defer cancel()
	switch kind := m.set.uplink.kind; kind {
	case doorWS, doorWSS:
		opts := &websocket.DialOptions{CompressionMode: websocket.CompressionDisabled}
		if m.set.uplink.trust != nil {
			opts.HTTPClient = &http.Client{Transport: &http.Transport{TLSClientConfig: m.set.uplink.trust}}
		}
		ws, _, err := websocket.Dial(ctx, kind+"://"+m.set.join+"/", opts)
		if err != nil {
			return nil, 0, err
		}
		ws.SetReadLimit(maxFrame)
		return &webLink{ws: ws, buf: make([]byte, maxFrame)}, wire.Prefixed, nil
	default:
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", m.set.join)
		if err != nil {
			return nil, 0, err
		}
		framing := wire.Prefixed
		if kind == doorSLIP {
			framing = wire.SLIP
		}
		return newStream(conn, framing), framing, nil
	}
}

// fromUplink takes what has come by the connection: from the server, or handed on for the
// apps.
func (m *member) fromUplink(packet []byte, out *mail) {
	if wire.Check(packet) != nil {
		m.metrics.drop(dropMalformed)
		return
	}
	address, _ := wire.FirstAddress(packet)
	switch {
	case isForServer(address) && string(address) != wire.AddressPrivate:
		m.mu.Lock()
		defer m.mu.Unlock()
		now := time.Now()
		wire.Each(packet, func(msg wire.Message) { m.fromServer(msg, now, out) })
	case len(packet) > wire.MaxMember:
		m.metrics.drop(dropTooLong)
	default:
		m.toApps(packet, out)
	}
}

var errSlow = errors.New("the connection takes no more")

// send gives the server a packet by the connection.
func (m *member) send(packet []byte) error {
	up := m.up.Load()
	switch {
	case up == nil:
		m.metrics.drop(dropAway)
		return errNotYet
	case !up.give(packet):
		m.metrics.drop(dropSlow)
		return errSlow
	}
	return nil
}

// toServer sends what was composed to the server. For callers that hold mu.
func (m *member) toServer(packet []byte) {
	if m.set.uplink.kind != "" {
		_ = m.send(packet) // it is counted, and sent again
		return
	}
	m.mail.Compose(m.socket, packet, m.server, netip.Addr{})
}

// hasServer reports whether there is somebody to register with. For callers that hold mu.
func (m *member) hasServer() bool { return m.server.IsValid() || m.up.Load() != nil }
