//go:build e2e

package peer

import (
	"context"
	"crypto/tls"
	"net"
	"slices"
	"sync"
	"testing"

	"gateway/adapters/rtmp/wire"
)

// A relay is a server made of the gateway's own protocol: what is published under
// a name goes to who plays it. It says "echo" back, and calls who calls "callme".
type relay struct {
	t *testing.T

	mu      sync.Mutex // guards what follows
	players map[string][]player
	config  map[string]wire.Message // how what is published is to be decoded
	args    []any                   // of the last connect
}

type player struct {
	conn   *wire.Conn
	stream uint32
}

// startRelay runs one at an address of the lab.
func startRelay(t *testing.T, addr string, secure *tls.Config) *relay {
	t.Helper()
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	if secure != nil {
		ln = tls.NewListener(ln, secure)
	}
	r := &relay{t: t, players: map[string][]player{}, config: map[string]wire.Message{}}
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() {
		if err := wire.Serve(ctx, ln, wire.Defaults(), r.serve); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); all.Wait() })
	return r
}

func (r *relay) serve(ctx context.Context, c *wire.Conn) {
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	defer r.leave(c)
	published := map[uint32]string{}
	streams := uint32(0)
	for {
		m, err := c.Read()
		if err != nil {
			return
		}
		if m.Type == wire.TypeAudio || m.Type == wire.TypeDataAMF0 {
			r.pass(published[m.Stream], m)
			continue
		}
		cmd, err := wire.ParseCommand(m, c.Limits().AMF)
		if err != nil {
			return
		}
		switch cmd.Name {
		case "connect":
			r.mu.Lock()
			r.args = cmd.Args
			r.mu.Unlock()
			c.Establish()
			c.Write(cmd.Result(wire.Obj("fmsVer", "FMS/3,5,7,0", "capabilities", 31),
				wire.Obj("level", "status", "code", "NetConnection.Connect.Success", "objectEncoding", 0)).Message())
		case "createStream":
			streams++
			c.Write(cmd.Result(nil, streams).Message())
		case "publish":
			published[cmd.Stream] = wire.Text(cmd.Arg(0))
			c.Tell(wire.StreamBegin, cmd.Stream)
			c.Write(wire.Status(cmd.Stream, "status", wire.PublishStart, "").Message())
		case "play":
			r.join(c, cmd.Stream, wire.Text(cmd.Arg(0)))
		case "echo":
			c.Write(cmd.Result(nil, cmd.Arg(0)).Message())
		case "fail":
			c.Write(cmd.Error(nil, wire.Obj("code", "Call.Failed", "description", "as asked")).Message())
		case "callme":
			c.Write(cmd.Result(nil).Message())
			c.Write(wire.Command{Name: "called", ID: 2, Args: []any{"from", "to"}}.Message())
		}
	}
}

// join has a connection play a name.
func (r *relay) join(c *wire.Conn, stream uint32, name string) {
	c.Tell(wire.StreamBegin, stream)
	c.Write(wire.Status(stream, "status", "NetStream.Play.Reset", "").Message())
	c.Write(wire.Status(stream, "status", wire.PlayStart, "").Message())
	r.mu.Lock()
	defer r.mu.Unlock()
	if m, ok := r.config[name]; ok {
		m.Stream = stream
		c.Write(m)
	}
	r.players[name] = append(r.players[name], player{c, stream})
}

func (r *relay) pass(name string, m wire.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if tag, err := wire.ParseAudio(m.Body); m.Type == wire.TypeAudio && err == nil && tag.Config {
		r.config[name] = m
	}
	for _, p := range r.players[name] {
		m.Stream = p.stream
		p.conn.Write(m)
	}
}

func (r *relay) leave(c *wire.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, all := range r.players {
		r.players[name] = slices.DeleteFunc(all, func(p player) bool { return p.conn == c })
	}
}
