package sip

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"gateway/bridge"
)

// runPeer asks the peer for a sign of life, now and then while it gives one,
// less and less often while it does not. Whatever else comes from it is as
// good as an answer.
func (e *engine) runPeer(ctx context.Context) {
	p := e.peer
	e.status.expect(e.lines, errNotTried)
	var pace bridge.Backoff
	var looked time.Time
	for {
		var err error
		if len(p.addresses()) == 0 || !p.isUp() || time.Since(looked) > lookUpEvery {
			looked = time.Now()
			err = p.locate(ctx)
		}
		if err == nil {
			err = e.probe(ctx)
			if ctx.Err() == nil {
				p.probed(err == nil)
			}
		}
		if ctx.Err() != nil {
			return
		}
		if p.heardLately() {
			err = nil // it may not care for OPTIONS
		}
		e.conclude(err)
		wait := watchEvery
		if err == nil {
			pace.Reset()
		} else {
			wait = pace.Next()
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		case <-p.sounds:
			timer.Stop()
			if p.heardLately() {
				e.conclude(nil)
			}
		}
	}
}

// conclude makes known whether the peer is there. When it comes back, what it
// knew of our lines counts for nothing until they have been registered anew.
func (e *engine) conclude(err error) {
	before, told := e.status.isUp()
	if told && !before {
		e.metrics.reconnect(reconnectPeer, err)
		if err == nil {
			e.status.expect(e.lines, errNotAgain)
		}
	}
	e.peer.setUp(err == nil)
	e.status.peer(err == nil, err)
}

// probe sends an OPTIONS (RFC 3261 section 11). Any answer will do.
func (e *engine) probe(ctx context.Context) error {
	var last error
	for _, a := range e.peer.addresses() {
		err := e.probeAt(ctx, a)
		if err == nil {
			return nil
		}
		last = fmt.Errorf("ask %v for OPTIONS: %w", a, err)
	}
	return last
}

// probeAt is probe for one address of the peer. A connection from before may end just
// then, for it may have been idle: that says nothing of the peer, who is asked by
// another.
func (e *engine) probeAt(ctx context.Context, a netip.AddrPort) error {
	ctx, cancel := context.WithTimeout(ctx, watchPatient)
	defer cancel()
	ask := func() error {
		_, err := e.askBy(ctx, e.set.network, a, func(f flow) (*outgoing, error) {
			return e.plain(f, "OPTIONS", e.set.asPeer("sip:"+e.set.peer.hostport()), e.set.asPeer("sip:"+e.set.peer.host))
		}, nil)
		return err
	}
	err := ask()
	if errors.Is(err, errClosed) {
		err = ask()
	}
	return err
}

// plain makes a request of nobody's in particular.
func (e *engine) plain(f flow, method, uri, to string) (*outgoing, error) {
	host, port, err := e.sentBy(f)
	if err != nil {
		return nil, err
	}
	domain := e.set.domain
	if domain == "" {
		domain = hostPort(host, port)
	}
	return &outgoing{
		method: method, uri: uri, route: e.set.route, from: "<" + e.set.asPeer("sip:"+domain) + ">;tag=" + newToken(), to: "<" + to + ">",
		callID: newToken(), cseq: 1, hops: defaultHops,
	}, nil
}
