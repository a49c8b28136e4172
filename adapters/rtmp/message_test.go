package rtmp

import (
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"

	"gateway/adapters/rtmp/wire"
	"gateway/bridge"
	"gateway/bridge/bridgetest"
)

func (r *rig) text(to, from, body string) (bridge.Outcome, error) {
	return r.a.SendMessage(r.t.Context(), bridge.Message{ID: "id", From: party(from), To: party(to), Bodies: []bridge.Body{{Text: body}}, Hops: 5})
}

func TestTextsOfACall(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	c := r.phone("alice")
	if _, err := c.Call(t.Context(), "sendMessage", "to whom?"); err == nil {
		t.Error("a text to nobody is taken")
	}
	call := r.rings("alice")
	c.told("invited")
	c.say("accept")
	c.told("accepted")
	bridgetest.Await[bridge.Accepted](call)
	if got := c.say("sendMessage", "hello"); got[0] != "taken" {
		t.Errorf("answered %v", got)
	}
	stream := c.publishes("local")
	if err := c.Write(wire.Data{Name: "message", Args: []any{"by the stream"}, Stream: stream}.Message()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"onMetaData", "@setDataFrame"} { // which is no text
		if err := c.Write(wire.Data{Name: name, Args: []any{"x"}, Stream: stream}.Message()); err != nil {
			t.Fatal(err)
		}
	}
	if got := c.say("sendPagingMessage", "sip:dave@127.0.0.1", "by page"); got[0] != "taken" {
		t.Errorf("answered %v", got)
	}
	for i, want := range [][3]string{{"carol", "hello", ""}, {"carol", "by the stream", "once"}, {"dave", "by page", ""}} {
		m := r.h.Messages(3)[i]
		if m.From.Name != "alice" || m.To.Name != want[0] || m.Body() != want[1] || m.Once != (want[2] != "") {
			t.Errorf("%d: %+v", i, m)
		}
	}
	r.h.Answer(func(bridge.Message) (bridge.Outcome, error) {
		return 0, &bridge.Error{Op: "test", Cause: bridge.Forbidden}
	})
	if err := c.Notify(0, "sendMessage", "nobody waits for the answer"); err != nil {
		t.Fatal(err)
	}
	c.told("messageFailed", "carol", "403 Forbidden")
}

func TestTextsToClients(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	if _, err := r.text("alice", "carol", "away"); !asError(err).Retry || asError(err).Cause != bridge.Unavailable {
		t.Errorf("to one who is away: %v", err)
	}
	if _, err := r.text("nobody", "carol", "x"); asError(err).Retry || asError(err).Cause != bridge.NotFound {
		t.Errorf("to nobody: %v", err)
	}
	c := r.phone("alice")
	r.eventually("alice is there", func() bool { return len(r.a.house.Load().hub.there("alice")) == 1 })
	call := r.rings("alice")
	c.told("invited")
	answer := func(name string, f func(wire.Command)) {
		go func() {
			cmd := <-c.news
			if cmd.Name != name {
				t.Errorf("told %s, want %s", cmd.Name, name)
			}
			f(cmd)
		}()
	}
	taken := func(cmd wire.Command) { _ = c.Write(cmd.Result(nil, nil).Message()) }
	answer("receivedMessage", taken)
	if o, err := r.text("alice", "carol", "in the call"); err != nil || o != bridge.Arrived {
		t.Errorf("%v, %v", o, err)
	}
	answer("receivedPagingMessage", taken)
	if o, err := r.text("alice", "dave", "beside the call"); err != nil || o != bridge.Arrived {
		t.Errorf("%v, %v", o, err)
	}
	answer("receivedPagingMessage", func(cmd wire.Command) {
		_ = c.Write(cmd.Error(nil, wire.Obj("code", codeCallFailed, "description", "Method not found (receivedPagingMessage).")).Message())
	})
	if _, err := r.text("alice", "dave", "not known"); asError(err).Cause != bridge.Unsupported {
		t.Errorf("no such function: %v", err)
	}
	answer("receivedPagingMessage", func(wire.Command) { _ = c.Close() })
	if _, err := r.text("alice", "dave", "on the way out"); asError(err).Cause != bridge.Unavailable || !asError(err).Retry {
		t.Errorf("gone: %v", err)
	}
	bridgetest.Await[bridge.Ended](call)
}

// TestAClientThatNeverAnswers is waited for once.
func TestAClientThatNeverAnswers(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	c := r.phone("alice")
	r.eventually("alice is there", func() bool { return len(r.a.house.Load().hub.there("alice")) == 1 })
	for range 3 {
		if o, err := r.text("alice", "carol", "hello"); err != nil || o != bridge.Relayed {
			t.Errorf("%v, %v", o, err)
		}
		c.told("receivedPagingMessage", "sip:carol", "hello")
	}
	if o, err := r.a.SendMessage(t.Context(), bridge.Message{Kind: bridge.Delivered, From: party("carol"), To: party("alice")}); asError(err).Cause != bridge.Unsupported {
		t.Errorf("news: %v, %v", o, err)
	}
}

// TestATextToADeadConnection is not lost: where nothing comes back, not even the
// answer to a ping, the bridge tries again.
func TestATextToADeadConnection(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	way := newDeadWay(t, r.at)
	r.at = way.at
	r.connect("sip/alice@127.0.0.1", "alice", "secret")
	r.eventually("alice is there", func() bool { return len(r.a.house.Load().hub.there("alice")) == 1 })
	if o, err := r.text("alice", "carol", "hello"); err != nil || o != bridge.Relayed {
		t.Errorf("while it lives: %v, %v", o, err)
	}
	way.dead.Store(true)
	if _, err := r.text("alice", "carol", "lost?"); asError(err).Cause != bridge.Unavailable || !asError(err).Retry {
		t.Errorf("when it is dead: %v", err)
	}
}

// A deadWay is a way to a server, of one connection, on which nothing that a client
// says arrives any more when it is dead.
type deadWay struct {
	at   netip.AddrPort
	dead atomic.Bool
}

func newDeadWay(t *testing.T, to netip.AddrPort) *deadWay {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	far, err := net.Dial("tcp", to.String())
	if err != nil {
		t.Fatal(err)
	}
	w := &deadWay{at: netip.MustParseAddrPort(ln.Addr().String())}
	var all sync.WaitGroup
	near := make(chan net.Conn, 1)
	all.Go(func() {
		nc, err := ln.Accept()
		near <- nc
		if err != nil {
			return
		}
		all.Go(func() { _, _ = io.Copy(nc, far) })
		b := make([]byte, 4096)
		for {
			n, err := nc.Read(b)
			if err == nil && !w.dead.Load() {
				_, err = far.Write(b[:n])
			}
			if err != nil {
				return
			}
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		_ = far.Close()
		if nc := <-near; nc != nil {
			_ = nc.Close()
		}
		all.Wait()
	})
	return w
}
