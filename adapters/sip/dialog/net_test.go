package dialog

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gateway/adapters/sip/wire"
)

// A wireTap sees every message between two nodes, and may lose it.
type wireTap struct {
	mu   sync.Mutex
	log  []string
	lose func(n int, text string) bool // n counts from 0
}

func (w *wireTap) passes(text string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := len(w.log)
	w.log = append(w.log, text)
	return w.lose == nil || !w.lose(n, text)
}

func (w *wireTap) texts() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.log)
}

// firsts are the start lines of what was sent, CSeq's method behind a status.
func (w *wireTap) firsts() []string {
	var all []string
	for _, t := range w.texts() {
		all = append(all, start(t))
	}
	return all
}

func start(text string) string {
	line, _, _ := strings.Cut(text, "\r\n")
	if !strings.HasPrefix(line, "SIP/2.0 ") {
		method, _, _ := strings.Cut(line, " ")
		return method
	}
	_, method, _ := strings.Cut(value(text, "CSeq"), " ")
	return line[8:11] + " " + method
}

func value(text, name string) string {
	for _, l := range strings.Split(text, "\r\n") {
		if v, ok := strings.CutPrefix(l, name+": "); ok {
			return v
		}
	}
	return ""
}

// A node is one side of a call: a Table with a stand-in for the engine around
// it. Where script is set it is asked instead of the Table.
type node struct {
	t      *testing.T
	table  *Table
	addr   netip.AddrPort
	tap    *wireTap
	stream bool
	peer   *node
	in     chan string
	script func(text string)

	mu       sync.Mutex
	txs      map[string]*fakeServer
	incoming []*ear
	refused  []*Refusal
	answer   func(e *ear)
}

// ends makes two nodes that talk by UDP, or TCP, each 10 ms away.
func ends(t *testing.T, stream bool) (a, b *node, tap *wireTap) {
	t.Helper()
	tap = &wireTap{}
	a, b = newNode(t, "192.0.2.1:5060", tap, stream), newNode(t, "192.0.2.2:5060", tap, stream)
	a.peer, b.peer = b, a
	t.Cleanup(func() {
		a.table.Close()
		b.table.Close()
		close(a.in)
		close(b.in)
	})
	return a, b, tap
}

func newNode(t *testing.T, addr string, tap *wireTap, stream bool) *node {
	n := &node{
		t: t, addr: netip.MustParseAddrPort(addr), tap: tap, stream: stream, in: make(chan string, 1000), txs: map[string]*fakeServer{},
		table: NewTable(Config{Agent: "test", Allow: "INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, INFO, REFER, NOTIFY, OPTIONS", Panicked: func(p any) { panic(p) }}),
	}
	go func() {
		for text := range n.in {
			time.Sleep(10 * time.Millisecond) // in a bubble
			n.receive(text)
		}
	}()
	return n
}

// A pipe is a Path from one node to the other.
type pipe struct{ from *node }

func (p pipe) Write(data []byte) error {
	if p.from.tap.passes(string(data)) {
		select {
		case p.from.peer.in <- string(data):
		default:
			p.from.t.Error("a storm")
		}
	}
	return nil
}
func (p pipe) Reliable() bool         { return p.from.stream }
func (p pipe) SentBy() string         { return p.from.addr.String() }
func (p pipe) Remote() netip.AddrPort { return p.from.peer.addr }
func (p pipe) Next(string) Path       { return p }
func (p pipe) Long() Path             { return p }
func (p pipe) Silent()                {}
func (p pipe) Transport() string {
	if p.from.stream {
		return "TCP"
	}
	return "UDP"
}

type fakeServer struct {
	n    *node
	last []byte
	call *Call
}

func (s *fakeServer) Reply(status int, data []byte) {
	s.n.mu.Lock()
	s.last = data
	if status >= 200 && status < 300 && strings.Contains(string(data), " INVITE\r\n") {
		s.last = nil
	}
	s.n.mu.Unlock()
	_ = pipe{s.n}.Write(data)
}

// say sends a text as it stands.
func (n *node) say(text string) { _ = pipe{n}.Write([]byte(text)) }

func (n *node) receive(text string) {
	if n.script != nil {
		n.script(text)
		return
	}
	m, err := wire.Parse([]byte(text))
	if err != nil {
		n.t.Errorf("%v in\n%s", err, text)
		return
	}
	if m.Response != nil {
		n.table.Response(m)
		return
	}
	branch, _ := m.Request.Via().Params.Get("branch")
	method := string(m.Request.Method)
	n.mu.Lock()
	tx, invite := n.txs[branch+method], n.txs[branch+methodInvite]
	n.mu.Unlock()
	switch {
	case method == methodAck && invite != nil:
		if invite.call != nil {
			invite.call.Ack(m)
		}
	case method == methodAck:
		if c := n.table.Inside(m); c != nil {
			c.Ack(m)
		}
	case tx != nil:
		n.mu.Lock()
		last := tx.last
		n.mu.Unlock()
		if last != nil {
			_ = pipe{n}.Write(last)
		}
	case method == methodCancel && invite != nil:
		n.begin(branch+method).Reply(200, m.Reply(200, "OK", invite.call.ID(), n.peer.addr, nil, nil))
		invite.call.Cancel(m)
	default:
		n.request(m, n.begin(branch+method))
	}
}

func (n *node) begin(key string) *fakeServer {
	n.mu.Lock()
	defer n.mu.Unlock()
	tx := &fakeServer{n: n}
	n.txs[key] = tx
	return tx
}

func (n *node) request(m *wire.Message, tx *fakeServer) {
	if m.Request.To().Params.Has("tag") {
		if c := n.table.Inside(m); c != nil {
			n.mu.Lock()
			tx.call = c // for the ACK of a refusal
			n.mu.Unlock()
			c.Request(m, pipe{n}, tx)
			return
		}
		tx.Reply(481, m.Reply(481, "Gone", "", n.peer.addr, nil, nil))
		return
	}
	if m.Request.Method != methodInvite {
		tx.Reply(481, m.Reply(481, "Gone", "x", n.peer.addr, nil, nil))
		return
	}
	c, refusal := n.table.Incoming(m, pipe{n}, tx, "bob")
	if refusal != nil {
		n.mu.Lock()
		n.refused = append(n.refused, refusal)
		n.mu.Unlock()
		tx.Reply(refusal.Status, m.Reply(refusal.Status, refusal.Phrase, "x", n.peer.addr, refusal.Fields, nil))
		return
	}
	n.mu.Lock()
	tx.call = c
	e := &ear{c: c}
	n.incoming = append(n.incoming, e)
	answer := n.answer
	n.mu.Unlock()
	c.Own(e.post)
	if answer != nil {
		answer(e)
	}
}

// call is the i-th call that came.
func (n *node) call(i int) *ear {
	n.t.Helper()
	synctest.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	if i >= len(n.incoming) {
		n.t.Fatalf("%d calls came", len(n.incoming))
	}
	return n.incoming[i]
}

// An ear owns a call.
type ear struct {
	c      *Call
	mu     sync.Mutex
	events []Event
	act    func(ev Event) // in a goroutine of its own
}

func (e *ear) post(ev Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.events = append(e.events, ev)
	if e.act != nil {
		go e.act(ev)
	}
}

func (e *ear) all() []Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.events)
}

// names are the kinds of the events, with what tells them apart.
func (e *ear) names() string {
	var all []string
	for _, ev := range e.all() {
		switch ev := ev.(type) {
		case Ringing:
			all = append(all, fmt.Sprintf("ringing %d%s", ev.Status, said(ev.Session)))
		case Accepted:
			all = append(all, "accepted"+said(ev.Session))
		case Acked:
			all = append(all, "acked")
		case Offered:
			all = append(all, "offered"+said(ev.Session))
		case Answered:
			all = append(all, "answered "+string(ev.SDP))
		case Refused:
			all = append(all, fmt.Sprintf("refused %d", ev.Status))
		case Requested:
			all = append(all, "requested "+ev.Request.Method)
		case Responded:
			all = append(all, fmt.Sprintf("responded %d", ev.Status))
		case Ended:
			all = append(all, "ended: "+ev.Why.String())
		}
	}
	return strings.Join(all, ", ")
}

func said(s Session) string {
	switch s.Role {
	case Offer:
		return " offer " + string(s.SDP)
	case Answer:
		return " answer " + string(s.SDP)
	}
	return ""
}

// dial places a call from n.
func (n *node) dial(change func(inv *Invite)) *ear {
	n.t.Helper()
	inv := Invite{
		URI: "sip:bob@192.0.2.2", From: "<sip:alice@192.0.2.1>", To: "<sip:bob@192.0.2.2>", User: "alice", Hops: 70, SDP: []byte("o1"),
	}
	if change != nil {
		change(&inv)
	}
	e := &ear{c: n.table.Dial(inv)}
	e.c.Own(e.post)
	e.c.Try(pipe{n}, 0)
	return e
}

// after lets time pass.
func after(d time.Duration) {
	time.Sleep(d) // in a bubble
	synctest.Wait()
}

// bubble runs a test in one, after which no Call is left in any Table.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, f)
}

// left checks that both sides forget the call in the end.
func left(t *testing.T, nodes ...*node) {
	t.Helper()
	after(3 * patience)
	for _, n := range nodes {
		if n.table.Len() != 0 || len(n.table.clients) != 0 || len(n.table.sources) != 0 || len(n.table.merged) != 0 {
			t.Errorf("%v: %d calls, %d transactions, %d sources, %d INVITEs are left", n.addr, n.table.Len(), len(n.table.clients),
				len(n.table.sources), len(n.table.merged))
		}
	}
}

func want(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\ngot  %s\nwant %s", what, got, want)
	}
}
