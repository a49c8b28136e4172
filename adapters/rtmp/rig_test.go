package rtmp

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"gateway/adapters/rtmp/wire"
	"gateway/bridge"
	"gateway/bridge/bridgetest"
	"gateway/bridge/media"
	"gateway/bridge/media/mediatest"
)

// A rig is an adapter that runs, the bridge behind it, and its Plane.
type rig struct {
	t     *testing.T
	a     *Adapter
	h     *bridgetest.Handler
	plane *mediatest.Plane
	at    netip.AddrPort
}

// run starts an adapter with the accounts alice and bob, as change leaves it.
func run(t *testing.T, change func(*Config)) *rig {
	t.Helper()
	plane := &mediatest.Plane{}
	r := runWith(t, change, plane)
	r.plane = plane
	return r
}

// runWith is run with any Plane.
func runWith(t *testing.T, change func(*Config), plane media.Plane) *rig {
	t.Helper()
	c := NewConfig()
	c.Listen = []string{"rtmp:127.0.0.1:0"}
	c.Accounts = map[string]Account{"alice": {Password: "secret"}, "bob": {Password: "secret"}}
	if change != nil {
		change(c)
	}
	r := &rig{t: t, h: bridgetest.NewHandler(t)}
	a, err := New(c, testEnv(plane))
	if err != nil {
		t.Fatal(err)
	}
	r.a = a
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx, r.h) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if n := plane.Count(); n != 0 {
			t.Errorf("%d ports stayed open", n)
		}
	})
	r.h.WaitState(true)
	if all := a.Addrs(); len(all) > 0 {
		r.at = all[0]
	}
	return r
}

// A client is one connection to the adapter, with what it is told.
type client struct {
	*wire.Client
	t       *testing.T
	news    chan wire.Command
	sound   chan wire.Message
	session string // mod_rtmp's
}

// dial connects to an application with the arguments of connect.
func (r *rig) dial(app string, args ...any) (*client, error) {
	r.t.Helper()
	c := &client{t: r.t, news: make(chan wire.Command, 1000), sound: make(chan wire.Message, 1000)}
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	var err error
	c.Client, err = wire.Connect(ctx, urlAt(r.at, app), wire.Connecting{Limits: wire.Defaults(), Args: args, On: func(m wire.Message) {
		if m.Type == wire.TypeAudio {
			c.sound <- m
		}
		if cmd, err := wire.ParseCommand(m, wire.Defaults().AMF); err == nil && m.IsCommand() {
			c.news <- cmd
		}
	}})
	if err != nil {
		return nil, err
	}
	r.t.Cleanup(func() { _ = c.Close() })
	return c, nil
}

// connect is dial that must do.
func (r *rig) connect(app string, args ...any) *client {
	r.t.Helper()
	c, err := r.dial(app, args...)
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

// phone is an account's client that speaks siprtmp's commands.
func (r *rig) phone(name string) *client {
	r.t.Helper()
	c := r.connect("sip/"+name+"@127.0.0.1", name, "secret", name, "wideband")
	r.eventually("it can be called", func() bool { return len(r.a.house.Load().hub.there(name)) > 0 })
	return c
}

// say calls a command and wants _result.
func (c *client) say(name string, args ...any) []any {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	got, err := c.Call(ctx, name, args...)
	if err != nil {
		c.t.Fatalf("%s%v: %v", name, args, err)
	}
	return got
}

// told waits for the next command that is not of a stream, which must be name, and
// gives its arguments.
func (c *client) told(name string, want ...any) []any {
	c.t.Helper()
	for timeout := time.After(patience); ; {
		select {
		case got := <-c.news:
			if got.Name == "onStatus" || got.Name == "onFCSubscribe" {
				continue
			}
			if got.Name != name || len(want) > 0 && !slices.Equal(got.Args, want) {
				c.t.Fatalf("told %s%v, want %s%v", got.Name, got.Args, name, want)
			}
			return got.Args
		case <-timeout:
			c.t.Fatalf("not told %s", name)
		}
	}
}

// status waits for the next onStatus with a code, and gives what describes it.
func (c *client) status(code string) string {
	c.t.Helper()
	for timeout := time.After(patience); ; {
		select {
		case got := <-c.news:
			info, _ := got.Arg(0).(wire.Object)
			if got.Name == "onStatus" && wire.Text(info.Get("code")) == code {
				return wire.Text(info.Get("description"))
			}
		case <-timeout:
			c.t.Fatalf("no status %s", code)
		}
	}
}

// ended waits for the end of the connection.
func (c *client) ended() {
	c.t.Helper()
	select {
	case <-c.Ended():
	case <-time.After(patience):
		c.t.Fatal("the connection stays")
	}
}

// publishes begins a stream and gives its number.
func (c *client) publishes(name string) uint32 {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	id, err := c.Publish(ctx, name)
	if err != nil {
		c.t.Fatal(err)
	}
	return id
}

// plays likewise.
func (c *client) plays(name string) uint32 {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	id, err := c.Play(ctx, name)
	if err != nil {
		c.t.Fatal(err)
	}
	return id
}

// utter sends a message of sound.
func (c *client) utter(stream, ms uint32, body ...byte) {
	c.t.Helper()
	if err := c.Write(wire.Message{Type: wire.TypeAudio, Stream: stream, Time: ms, Body: body}); err != nil {
		c.t.Fatal(err)
	}
}

// hears waits for a message of sound.
func (c *client) hears() wire.Message {
	c.t.Helper()
	select {
	case m := <-c.sound:
		return m
	case <-time.After(patience):
		c.t.Fatal("nothing is heard")
		return wire.Message{}
	}
}

// refusal is the code and description that a call was refused with.
func refusal(t *testing.T, err error) (code, description string) {
	t.Helper()
	var refused *wire.StatusError
	if !errors.As(err, &refused) {
		t.Fatalf("%v is no refusal", err)
	}
	return refused.Code, refused.Description
}

// party is a name as the bridge has it.
func party(name string) bridge.Party { return bridge.Party{Address: bridge.Address{Name: name}} }

// rings has the bridge call an account, with an offer of PCMU.
func (r *rig) rings(name string) *bridgetest.Call {
	r.t.Helper()
	c := bridgetest.NewCall(r.t)
	c.Invite = bridge.Invite{
		ID: "id", Call: "call", Hops: 10, From: party("carol"), To: party(name), Offer: &bridge.Offer{Seq: 1, Desc: bridgetest.Sound("pcmu", "pcma")},
	}
	c.Leg = r.a.Dial(c.Invite, c)
	return c
}

// takes has the bridge take the call that an adapter's client has placed, in PCMU.
func (r *rig) takes(n int) *bridgetest.Call {
	r.t.Helper()
	c := r.h.Call(n)
	d := bridgetest.Sound("pcmu")
	d[0].ID = c.Invite.Offer.Desc[0].ID
	c.Leg.Answer(1, d)
	c.Leg.Accept()
	return c
}

// eventually waits until ok does.
func (r *rig) eventually(what string, ok func() bool) {
	r.t.Helper()
	for until := time.Now().Add(patience); !ok(); {
		if time.Now().After(until) {
			r.t.Fatalf("%s: not within %v", what, patience)
		}
		<-time.After(time.Millisecond)
	}
}

// port waits for the port of a call.
func (r *rig) port(c *bridgetest.Call) (port media.PacketPort) {
	r.t.Helper()
	r.eventually("there is a port", func() bool {
		for _, ev := range c.Events() {
			if ready, ok := ev.(bridge.MediaReady); ok {
				port = ready.Port
				return true
			}
		}
		return false
	})
	return port
}
