package rtmp

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"gateway/adapters/rtmp/wire"
	"gateway/bridge"
)

// connectTime is for a connection, and its stream.
const connectTime = 10 * time.Second

// A remote is the far side of a leg that is a stream on another server: what the call
// says is published there, or what is played there is heard in the call. One
// goroutine keeps the connection; a call that was taken outlives it for a while.
type remote struct {
	house  *house
	to     target
	leg    *leg
	cancel context.CancelFunc
	reader tagReader // the connection's goroutine's, as heard is
	heard  bool      // the call has been taken for what came
}

var _ far = (*remote)(nil)

// newRemote makes the leg of a call to a stream elsewhere.
func (h *house) newRemote(inv bridge.Invite, t target) *leg {
	r := &remote{house: h, to: t}
	way, hears := bridge.ReceiveOnly, t.hears
	if t.pull {
		way = bridge.SendOnly
	}
	if len(hears.hear) == 0 { // a URL in a map
		hears = h.set.push
	}
	r.leg = h.newLeg(inv, r, way, hears)
	return r.leg
}

// dial implements far.
func (r *remote) dial(l *leg) {
	l.rings()
	ctx, cancel := context.WithCancel(runContext{r.house.stopped})
	r.cancel = cancel
	if !r.house.crew.start(func() { r.keep(ctx) }) {
		cancel()
		l.quit(bridge.Unavailable)
	}
}

// keep has the stream on for as long as it can be, and then ends the call.
func (r *remote) keep(ctx context.Context) {
	cause, err := keepOn(ctx, r.connect, func(c bridge.Cause) {
		r.leg.log.Info("stream lost", "server", r.to.where(), "cause", c)
	})
	if ctx.Err() == nil {
		r.leg.box.put(func() { r.leg.end(cause, "", err) })
	}
}

// errStreamOver: the other server says that there is nothing more to hear.
var errStreamOver = errors.New("the stream has ended")

// connect is one connection, to its end. on is since when the stream was on; zero: it
// never was.
func (r *remote) connect(ctx context.Context) (on time.Time, err error) {
	over := make(chan error, 1)
	client, err := r.open(ctx, over)
	r.house.metrics.remote(err)
	if err != nil {
		return time.Time{}, err
	}
	defer func() { _ = client.Stop() }() // nothing more is to be said
	within, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	stream, err := r.start(within, client)
	if err != nil {
		return time.Time{}, err
	}
	on = time.Now()
	r.leg.log.Info("stream on", "server", r.to.where(), "pull", r.to.pull)
	if !r.to.pull {
		r.leg.sound.listen(client.Conn, stream, nil)
		defer r.leg.sound.deafen(client.Conn, stream)
		r.leg.box.put(r.leg.take)
	}
	select {
	case <-ctx.Done():
		if !r.to.pull {
			_ = client.Unpublish(stream, r.to.key) // the connection ends anyway
		}
		return on, ctx.Err()
	case err = <-over:
		return on, err
	case <-client.Ended():
		return on, client.Err()
	}
}

// start begins the stream.
func (r *remote) start(ctx context.Context, client *wire.Client) (uint32, error) {
	if r.to.pull {
		return client.Play(ctx, r.to.key)
	}
	return client.Publish(ctx, r.to.key)
}

// open connects; where the server wants to know who we are by Adobe's way, it is
// told.
func (r *remote) open(ctx context.Context, over chan<- error) (*wire.Client, error) {
	u := r.to.url()
	how := wire.Connecting{Limits: r.house.set.limits, On: func(m wire.Message) { r.take(m, over) }}
	app := u.App
	for step := 0; ; step++ {
		within, cancel := context.WithTimeout(ctx, connectTime)
		client, err := wire.Connect(within, u, how)
		cancel()
		var refused *wire.StatusError
		if err == nil || step == 2 || r.to.user == "" || !errors.As(err, &refused) {
			return client, err
		}
		query, ok := r.to.respond(refused.Description)
		if !ok {
			return nil, err
		}
		u.App = app + query
	}
}

// respond is what is put behind the application when a server asks who we are.
func (t target) respond(description string) (query string, ok bool) {
	head, rest, _ := strings.Cut(description, "?")
	begin := "?authmod=" + adobe + "&user=" + t.user
	asked, err := url.ParseQuery(rest)
	switch {
	case !strings.Contains(head, "authmod="+adobe) || err != nil:
		return "", false
	case asked.Get("reason") == "":
		return begin, true
	case asked.Get("reason") != "needauth":
		return "", false
	}
	plain := func(key string) string { return strings.ReplaceAll(asked.Get(key), " ", "+") }
	mine, opaque := newID()[:8], plain("opaque")
	said := opaque
	if said == "" {
		said = plain("challenge")
	}
	query = begin + "&challenge=" + mine + "&response=" + adobeResponse(t.user, plain("salt"), t.password, said, mine)
	if opaque != "" {
		query += "&opaque=" + opaque
	}
	return query, true
}

// take takes what comes from the other server. It is called by the connection's
// goroutine.
func (r *remote) take(m wire.Message, over chan<- error) {
	end := func(err error) {
		select {
		case over <- err:
		default: // it has ended already
		}
	}
	switch {
	case m.Type == wire.TypeAudio && r.to.pull:
		p := pulse{ms: m.Time}
		if p.format, p.frames = r.reader.read(m.Body); len(p.frames) == 0 {
			return
		}
		r.leg.sound.feed(r, p)
		if !r.heard { // now there is something to hear
			r.heard = r.leg.box.ask(r.leg.take)
		}
	case m.IsCommand():
		c, err := wire.ParseCommand(m, r.house.set.limits.AMF)
		if err != nil || c.Name != "onStatus" {
			return
		}
		info, _ := c.Arg(0).(wire.Object)
		code := wire.Text(info.Get("code"))
		cause, bad := causeOfCode(wire.Text(info.Get("level")), code)
		switch {
		case bad && cause == bridge.Normal:
			end(errStreamOver)
		case bad:
			end(&wire.StatusError{Code: code, Description: wire.Text(info.Get("description"))})
		}
	}
}

// ring implements far: a stream elsewhere never calls.
func (*remote) ring(bool) {}

func (*remote) accepted() {}

func (*remote) held(bool) {}

func (*remote) pressed(rune) {}

func (*remote) transferred(bridge.Cause) {}

// ended implements far.
func (r *remote) ended(bridge.Cause, string) {
	if r.cancel != nil {
		r.cancel()
	}
}
