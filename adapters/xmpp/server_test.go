package xmpp

import (
	"context"
	"crypto/sha1"
	"encoding/xml"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"gateway/bridge"
)

const (
	testDomain = "gw.example"
	testSecret = "s3cret"
	testID     = "0123456789abcdefghijklmnop"
)

// A node is an element as the fake server got it.
type node struct {
	XMLName xml.Name
	Attrs   []xml.Attr `xml:",any,attr"`
	Text    string     `xml:",chardata"`
	Kids    []node     `xml:",any"`
}

func (n node) attr(name string) string {
	for _, a := range n.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func (n node) kid(name string) node {
	for _, k := range n.Kids {
		if k.XMLName.Local == name {
			return k
		}
	}
	return node{}
}

// brief is the error in n: type, condition, text.
func (n node) brief() string {
	e := n.kid("error")
	s := e.attr("type")
	for _, k := range e.Kids {
		if s += " " + k.XMLName.Local; k.XMLName.Local == "text" {
			s += "=" + k.Text
		}
	}
	return s
}

// fakeServer is a server of ours for one adapter. It speaks XEP-0114 over
// pipes and gives back what a component sends to its own domain.
type fakeServer struct {
	t      *testing.T
	conns  chan net.Conn
	got    chan node // stanzas, barriers apart
	asked  chan node // barriers while hold is set
	ended  chan struct{}
	refuse string // instead of the handshake's answer
	deaf   bool   // does not read after the handshake
	header string
	// take, if there, has every stanza but barriers instead of got.
	take func(node)

	mu   sync.Mutex // guards hold and conn: tests set them, run looks
	hold bool
	conn net.Conn
}

// handler is a bridge that notes what it hears.
type handler struct {
	messages chan bridge.Message
	bounces  chan *bridge.Error
	bounced  chan string
	states   chan string
	changes  chan bridge.Address
	watches  chan bridge.Watch
	// unwatched is what becomes of a Watch.
	unwatched error
	answer    func(m bridge.Message, done func(bridge.Outcome, error))
	// called takes calls; nil: nobody can be called.
	called func(inv bridge.Invite, open func(bridge.Events) bridge.Leg) error
}

func (h *handler) Message(m bridge.Message, done func(bridge.Outcome, error)) {
	if h.answer != nil {
		h.answer(m, done)
		return
	}
	h.messages <- m
	done(bridge.Stored, nil)
}

func (h *handler) Bounced(id string, err *bridge.Error) { h.bounced <- id; h.bounces <- err }
func (h *handler) Incoming(inv bridge.Invite, open func(bridge.Events) bridge.Leg) error {
	if h.called != nil {
		return h.called(inv, open)
	}
	return &bridge.Error{Op: "call", Cause: bridge.Unsupported}
}
func (h *handler) Changed(who bridge.Address) { h.changes <- who }
func (h *handler) Watch(w bridge.Watch, done func(error)) {
	h.watches <- w
	done(h.unwatched)
}
func (h *handler) Reachable(bridge.Address) {}
func (h *handler) State(up bool, err error) { h.states <- fmt.Sprint(up, " ", err) }

// A rig is an adapter that runs against a fake server.
type rig struct {
	*fakeServer
	a    *Adapter
	h    *handler
	quit func() // ends Run's context
	stop func() // and waits
}

func bridgeEnv() bridge.Env {
	return bridge.Env{Name: "chat", Node: "gw", Version: "1.2", Log: slog.New(slog.DiscardHandler), Key: []byte("0123456789abcdef0123456789abcdef")}
}

// inRig runs f in a bubble with an adapter that has just come up, unless setup
// did something about that.
func inRig(t *testing.T, setup func(*rig), f func(*rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cfg := NewConfig()
		cfg.Component, cfg.Server, cfg.Secret, cfg.Domains = testDomain, "127.0.0.1:1", testSecret, []string{"local.example"}
		a, err := New(cfg, bridgeEnv())
		if err != nil {
			t.Fatal(err)
		}
		r := &rig{a: a, h: &handler{
			messages: make(chan bridge.Message, 100), bounces: make(chan *bridge.Error, 100),
			bounced: make(chan string, 100), states: make(chan string, 1000),
			changes: make(chan bridge.Address, 1000), watches: make(chan bridge.Watch, 100),
		}, fakeServer: &fakeServer{
			t: t, conns: make(chan net.Conn), got: make(chan node, 1000), asked: make(chan node, 1000), ended: make(chan struct{}, 100),
			header: `<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' id='s1' from='gw.example' xml:lang='en'>`,
		}}
		a.dial = func(ctx context.Context) (net.Conn, error) {
			ours, theirs := net.Pipe()
			select {
			case r.conns <- theirs:
				return ours, nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		if setup != nil {
			setup(r)
		}
		ctx, cancel := context.WithCancel(t.Context())
		serverCtx, end := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := a.Run(ctx, r.h); err != nil {
				t.Errorf("Run: %v", err)
			}
		})
		var serving sync.WaitGroup
		serving.Go(func() { r.run(serverCtx) })
		r.quit = cancel
		r.stop = func() { cancel(); wg.Wait(); end(); serving.Wait() }
		defer r.stop()
		if setup == nil {
			if s := <-r.h.states; s != "true <nil>" {
				t.Fatalf("state %q", s)
			}
		}
		f(r)
	})
}

// run serves one connection after the other.
func (s *fakeServer) run(ctx context.Context) {
	for {
		select {
		case c := <-s.conns:
			s.serve(ctx, c)
			c.Close()
			s.ended <- struct{}{}
		case <-ctx.Done():
			return
		}
	}
}

func (s *fakeServer) serve(ctx context.Context, c net.Conn) {
	d := xml.NewDecoder(c)
	if _, err := d.Token(); err != nil {
		return
	}
	io.WriteString(c, s.header)
	var hash node
	if err := d.Decode(&hash); err != nil {
		return
	}
	if want := fmt.Sprintf("%x", sha1.Sum([]byte("s1"+testSecret))); hash.Text != want {
		s.t.Errorf("handshake %q, want %q", hash.Text, want)
	}
	if s.refuse != "" {
		io.WriteString(c, s.refuse)
		return
	}
	s.mu.Lock()
	s.conn = c
	s.mu.Unlock()
	io.WriteString(c, "<handshake/>")
	if s.deaf {
		<-ctx.Done()
		return
	}
	for {
		tok, err := d.Token()
		if err != nil {
			return
		}
		switch t := tok.(type) {
		case xml.StartElement:
			var n node
			if err := d.DecodeElement(&n, &t); err != nil {
				s.t.Errorf("what was sent is no XML: %v", err)
				return
			}
			s.stanza(n)
		case xml.EndElement:
			io.WriteString(c, "</stream:stream>")
			s.got <- node{XMLName: xml.Name{Local: "end"}}
			return
		}
	}
}

func (s *fakeServer) stanza(n node) {
	if n.attr("from") != testDomain && !strings.HasSuffix(n.attr("from"), "@"+testDomain) && !strings.Contains(n.attr("from"), testDomain+"/") {
		s.t.Errorf("sent from %q", n.attr("from"))
	}
	if n.XMLName.Local != "iq" || n.attr("to") != testDomain {
		if s.take != nil {
			s.take(n)
			return
		}
		s.got <- n
		return
	}
	s.mu.Lock()
	hold := s.hold
	s.mu.Unlock()
	if hold {
		s.asked <- n
		return
	}
	s.giveBack(n)
}

// giveBack lets a barrier return, as a server routes it.
func (s *fakeServer) giveBack(n node) {
	s.send("<iq type='get' id='%s' from='%s' to='%s'><ping xmlns='urn:xmpp:ping'/></iq>", n.attr("id"), testDomain, testDomain)
}

func (s *fakeServer) setHold(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hold = on
}

// send writes to the adapter.
func (s *fakeServer) send(format string, args ...any) {
	s.mu.Lock()
	c := s.conn
	s.mu.Unlock()
	if _, err := fmt.Fprintf(c, format, args...); err != nil {
		s.t.Logf("server: %v", err)
	}
}

// alive checks that the stream still works.
func (s *fakeServer) alive() {
	s.t.Helper()
	s.send("<iq type='get' id='alive' from='a@b/c' to='gw.example'><ping xmlns='urn:xmpp:ping'/></iq>")
	if n := <-s.got; n.attr("id") != "alive" || n.attr("type") != "result" {
		s.t.Errorf("asked for a sign of life, got %+v", n)
	}
}

// message is a message for SendMessage.
func message(to, body string) bridge.Message {
	m := bridge.Message{ID: testID, Bodies: []bridge.Body{{Text: body}}}
	m.From.Name, m.To.Name = `o'malley@gw.example`, to
	return m
}

func (h *handler) Enroll(bridge.Enrolment, func(error)) func() { return func() {} }

func (h *handler) EnrollsFor(string, string) bool { return false }

func (h *handler) MayTranscode(...string) bool { return false }
