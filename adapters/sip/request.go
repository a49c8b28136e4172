package sip

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"gateway/adapters/sip/wire"
)

var (
	errTooBig   = errors.New("too long for UDP, and there is no other way")
	errNoTCP    = errors.New("too long for UDP, and TCP does not come about")
	errNoSocket = errors.New("no listener for that kind of address")
)

// firstTry is how long an address may be silent while there is another.
const firstTry = 8 * time.Second

// way finds or makes a flow to an address.
func (e *engine) way(ctx context.Context, network string, to netip.AddrPort) (flow, error) {
	if network == networkUDP {
		return e.udpWay(to)
	}
	c, fresh, err := e.conns.dial(ctx, network, to)
	if err != nil {
		return flow{}, err
	}
	if fresh {
		e.serveConn(c)
	}
	return flow{carrier: c, remote: c.remote}, nil
}

// udpWay finds a socket that can send to an address.
func (e *engine) udpWay(to netip.AddrPort) (flow, error) {
	for _, s := range e.udp {
		a := s.addr.Addr()
		if a.Is4() == to.Addr().Is4() || a.IsUnspecified() && a.Is6() {
			return flow{carrier: s, remote: to}, nil
		}
	}
	return flow{}, fmt.Errorf("send by udp to %v: %w", to, errNoSocket)
}

// exchange sends o over f and gives the final response.
func (e *engine) exchange(ctx context.Context, f flow, o *outgoing) (*wire.Message, error) {
	build, err := e.writer(f, o)
	if err != nil {
		return nil, err
	}
	if !f.reliable() && len(build(newBranch())) > maxUDP {
		return nil, errTooBig
	}
	o.sent = true
	return e.clients.do(ctx, f, o.method, build)
}

// writer writes o for a branch, to be sent over f.
func (e *engine) writer(f flow, o *outgoing) (func(branch string) []byte, error) {
	host, port, err := e.sentBy(f)
	if err != nil {
		return nil, err
	}
	transport, after := strings.ToUpper(f.network()), ";rport"
	if f.network() == networkTLS {
		after += ";alias" // requests may come back by this connection (RFC 5923 section 4)
	}
	return func(branch string) []byte {
		return o.bytes("SIP/2.0/"+transport+" "+hostPort(host, port)+";branch="+branch+after, e.agent)
	}, nil
}

// authenticated is exchange, and answers a challenge where cred is not nil:
// once, and once more if the nonce was too old.
func (e *engine) authenticated(ctx context.Context, f flow, o *outgoing, cred *credential) (*wire.Message, error) {
	for try := 0; ; try++ {
		res, err := e.exchange(ctx, f, o)
		if err != nil {
			return nil, err
		}
		status := res.Response.StatusCode
		if status != 401 && status != 407 || cred == nil {
			return res, nil
		}
		field, stale, err := cred.answer(res, o)
		if err != nil || try > 0 && !stale || try > 1 {
			return res, nil // the refusal is the answer
		}
		o.auth = []wire.Field{field}
		o.cseq++
	}
}

// addressed makes a request for one flow: what it says of us may depend on it.
type addressed func(f flow) (*outgoing, error)

// ask sends a request to the peer, and draws conclusions from its silence.
func (e *engine) ask(ctx context.Context, make addressed, cred *credential) (*wire.Message, error) {
	res, err := e.tour(ctx, make, cred)
	if err != nil && !tooLong(err) {
		e.peer.suspect()
	}
	return res, err
}

// tooLong says whether a request has failed for its length alone.
func tooLong(err error) bool { return errors.Is(err, errTooBig) || errors.Is(err, errNoTCP) }

// tour sends a request to the peer, one address after the other until one
// answers. That one of them does not take what is so long says nothing of the
// others, nor of one that has been silent.
func (e *engine) tour(ctx context.Context, make addressed, cred *credential) (*wire.Message, error) {
	addrs := e.peer.addresses()
	if len(addrs) == 0 {
		return nil, fmt.Errorf("find the peer: %w", e.peer.trouble())
	}
	var last error
	for i, a := range addrs {
		res, err := e.askAt(ctx, a, make, cred, i < len(addrs)-1)
		if err == nil {
			e.peer.heard()
			return res, nil
		}
		if last == nil || !errors.Is(err, errTooBig) {
			last = err
		}
		if ctx.Err() != nil {
			break
		}
	}
	return nil, last
}

// askAt sends a request to one address of the peer; more says that there are
// others. One that is too long for UDP goes by TCP (RFC 3261 section 18.1.1).
func (e *engine) askAt(ctx context.Context, a netip.AddrPort, make addressed, cred *credential, more bool) (*wire.Message, error) {
	if more {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, firstTry)
		defer cancel()
	}
	res, err := e.askBy(ctx, e.set.network, a, make, cred)
	if !errors.Is(err, errTooBig) {
		return res, err
	}
	f, err := e.way(ctx, "tcp", a)
	if err != nil {
		return nil, e.withoutTCP(ctx, a, err)
	}
	return e.askOver(ctx, f, make, cred)
}

// withoutTCP is why a request that needs TCP could not be sent, given why no
// connection came about. Only of a peer that answers by UDP at that moment does
// a refused connection mean that it has no TCP; by UDP all the same, as RFC
// 3261 section 18.1.1 has it, a long MESSAGE must not go (RFC 3428 section 8).
func (e *engine) withoutTCP(ctx context.Context, a netip.AddrPort, err error) error {
	if !e.peer.isUp() || e.probeAt(ctx, a) != nil {
		return err
	}
	e.peer.heard()
	if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ENOPROTOOPT) {
		return fmt.Errorf("%w: %w", errTooBig, err)
	}
	return fmt.Errorf("%w: %w", errNoTCP, err)
}

func (e *engine) askBy(ctx context.Context, network string, a netip.AddrPort, make addressed, cred *credential) (*wire.Message, error) {
	f, err := e.way(ctx, network, a)
	if err != nil {
		return nil, err
	}
	return e.askOver(ctx, f, make, cred)
}

func (e *engine) askOver(ctx context.Context, f flow, make addressed, cred *credential) (*wire.Message, error) {
	o, err := make(f)
	if err != nil {
		return nil, err
	}
	return e.authenticated(ctx, f, o, cred)
}
