package xmpp

import (
	"context"
	"encoding/xml"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"gateway/bridge"
	"gateway/bridge/bridgetest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, theirs string }{
		{"with a party at the server", "alice@local.example/Home PC"},
		{"with a party at another server", "o'hara@far.example/phone"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			bridgetest.Conformance(t, func(t *testing.T) *bridgetest.Rig { return newConformanceRig(t, tt.theirs) })
		})
	}
}

// patience bounds the waits of what plays the far side.
const patience = time.Minute

// A farSide plays the server and, at it or behind it, one person who writes
// and is written to.
type farSide struct {
	*fakeServer
	naming bridge.Naming
	ours   string // on the wire
	theirs string
	addr   string // where it listens
	ctx    context.Context

	heard    chan node     // messages
	refused  chan node     // errors for what was said
	accepted chan string   // ids of what the bridge has taken
	passed   chan struct{} // answers to what goes behind a message

	mu       sync.Mutex // guards what follows: the test sets it, run looks
	said     int
	refusals []bridge.Cause // of messages to come
	listener net.Listener
	accepts  sync.WaitGroup
}

const conformanceOurs = `o'malley@gw.example`

func newConformanceRig(t *testing.T, theirs string) *bridgetest.Rig {
	f, a := newFarSide(t, theirs, bridgeEnv())
	return &bridgetest.Rig{
		Adapter: &watched{Adapter: a, accepted: f.accepted}, Ours: conformanceOurs, Theirs: theirs,
		Say: f.say, Hear: f.hear, Refuse: f.refuseNext, Cut: f.cut, Mend: f.open,
		Lossy: map[bridge.Cause]bridge.Cause{ // what RFC 6120 has no condition for
			bridge.BadAddress: bridge.NotFound, bridge.WrongType: bridge.NotAcceptable, bridge.Looped: bridge.NotAcceptable,
			bridge.TooLarge: bridge.Policy, bridge.Busy: bridge.Unavailable, bridge.BusyEverywhere: bridge.Unavailable, bridge.Declined: bridge.Unavailable,
			bridge.Cancelled: bridge.Unavailable, bridge.Overloaded: bridge.Constrained, bridge.GatewayTimeout: bridge.Timeout,
		},
	}
}

// newFarSide makes an adapter, and a server with one client for it.
func newFarSide(t *testing.T, theirs string, env bridge.Env) (*farSide, *Adapter) {
	ctx, cancel := context.WithCancel(context.Background())
	f := &farSide{
		fakeServer: &fakeServer{
			t: t, conns: make(chan net.Conn), asked: make(chan node, 1), ended: make(chan struct{}, 100), got: make(chan node, 100),
			header: `<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' id='s1' from='gw.example'>`,
		},
		ctx: ctx, addr: bridgetest.OwnHost() + ":0", heard: make(chan node, 100), refused: make(chan node, 100),
		accepted: make(chan string, 100), passed: make(chan struct{}, 100),
	}
	f.take = f.stanzaFromGateway
	f.open(t)
	cfg := NewConfig()
	cfg.Component, cfg.Server, cfg.Secret, cfg.Domains = testDomain, f.addr, testSecret, []string{"local.example"}
	f.naming = cfg.Naming()
	f.ours, f.theirs = f.onWire(conformanceOurs), f.onWire(theirs)
	a, err := New(cfg, env)
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() { f.run(ctx) })
	t.Cleanup(func() {
		cancel()
		f.shut()
		serving.Wait()
	})
	return f, a
}

// A watched adapter tells the far side when the bridge has taken a message:
// that is answered with nothing, which can't be waited for.
type watched struct {
	*Adapter
	accepted chan<- string
}

func (w *watched) Run(ctx context.Context, h bridge.Handler) error {
	return w.Adapter.Run(ctx, watchedHandler{h, w.accepted})
}

type watchedHandler struct {
	bridge.Handler
	accepted chan<- string
}

func (h watchedHandler) Message(m bridge.Message, done func(bridge.Outcome, error)) {
	h.Handler.Message(m, func(o bridge.Outcome, err error) {
		done(o, err)
		if err == nil {
			h.accepted <- m.Ref
		}
	})
}

func (f *farSide) onWire(name string) string {
	n, err := f.naming.Parse(name)
	if err != nil {
		f.t.Fatal(err)
	}
	return formatAddress(n)
}

// open lets the adapter in.
func (f *farSide) open(t *testing.T) {
	l, err := net.Listen("tcp", f.addr)
	if err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.addr, f.listener = l.Addr().String(), l
	f.accepts.Go(func() { f.runAccept(l) })
}

func (f *farSide) runAccept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return // closed
		}
		select {
		case f.conns <- c:
		case <-f.ctx.Done():
			c.Close()
			return
		}
	}
}

// shut closes the door.
func (f *farSide) shut() {
	f.mu.Lock()
	l := f.listener
	f.mu.Unlock()
	l.Close()
	f.accepts.Wait()
}

// cut makes the server go away.
func (f *farSide) cut(*testing.T) {
	f.shut()
	f.fakeServer.mu.Lock()
	c := f.conn
	f.fakeServer.mu.Unlock()
	c.Close()
}

// stanzaFromGateway takes what the adapter sent. It answers at once, as a
// server that knows its users does.
func (f *farSide) stanzaFromGateway(n node) {
	switch {
	case n.XMLName.Local == "iq":
		f.passed <- struct{}{}
	case n.XMLName.Local == "message" && n.attr("type") == "error":
		if n.attr("to") == f.theirs && n.attr("from") == f.ours {
			f.refused <- n
		}
	case n.XMLName.Local == "message" && n.attr("to") == f.theirs:
		if c, ok := f.refusal(); ok {
			f.send("<message type='error' id='%s' from='%s' to='%s'><error type='%s'><%s xmlns='%s'/></error></message>",
				escape(n.attr("id")), escape(f.theirs), escape(n.attr("from")), kinds[c].kind, kinds[c].name, nsStanzas)
			return
		}
		f.heard <- n
	default:
		f.t.Errorf("the server got %+v", n)
	}
}

// kinds are the errors of the far side, by RFC 6120 section 8.3.3.
var kinds = map[bridge.Cause]condition{
	bridge.NotFound: {"item-not-found", "cancel"}, bridge.Forbidden: {"forbidden", "auth"},
	bridge.NotAcceptable: {"not-acceptable", "modify"}, bridge.Gone: {"gone", "cancel"},
	bridge.Internal: {"internal-server-error", "wait"},
}

func (f *farSide) refuseNext(c bridge.Cause) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.refusals = append(f.refusals, c)
}

func (f *farSide) refusal() (bridge.Cause, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.refusals) == 0 {
		return 0, false
	}
	c := f.refusals[0]
	f.refusals = f.refusals[1:]
	return c, true
}

// say writes a text, and waits for an error, or until the bridge has taken it
// and an error would have come.
func (f *farSide) say(t *testing.T, text string) bridge.Cause {
	t.Helper()
	f.mu.Lock()
	f.said++
	id := fmt.Sprintf("said-%d", f.said)
	f.mu.Unlock()
	f.send("<message type='chat' id='%s' from='%s' to='%s'><body>%s</body></message>", id, escape(f.theirs), escape(f.ours), escape(text))
	timeout := time.After(patience)
	select {
	case got := <-f.accepted:
		if got != id {
			t.Errorf("%q was taken, want %q", got, id)
		}
	case n := <-f.refused:
		return f.cause(t, n, id)
	case <-timeout:
		t.Fatalf("no answer to %q", text)
	}
	f.send("<iq type='get' id='behind' from='%s' to='%s'><ping xmlns='urn:xmpp:ping'/></iq>", escape(f.theirs), testDomain)
	select {
	case <-f.passed:
	case <-timeout:
		t.Fatalf("no answer behind %q", text)
	}
	select {
	case n := <-f.refused:
		return f.cause(t, n, id)
	default:
		return 0
	}
}

// cause reads a refusal as RFC 7247 section 5 says.
func (f *farSide) cause(t *testing.T, n node, id string) bridge.Cause {
	t.Helper()
	if n.attr("id") != id {
		t.Errorf("%q was refused, want %q", n.attr("id"), id)
	}
	for _, k := range n.kid("error").Kids {
		if c, known := fromCondition(k.XMLName.Local); known && k.XMLName.Space == nsStanzas {
			return c
		}
	}
	t.Errorf("no condition in %+v", n)
	return 0
}

func (f *farSide) hear(t *testing.T) (from, text string) {
	t.Helper()
	select {
	case n := <-f.heard:
		name, err := parseAddress(n.attr("from"))
		if err != nil {
			t.Errorf("a message from %q: %v", n.attr("from"), err)
		}
		return f.naming.Text(name), n.kid("body").Text
	case <-time.After(patience):
		t.Fatal("nothing was heard")
		return "", ""
	}
}

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder takes everything
	return b.String()
}
