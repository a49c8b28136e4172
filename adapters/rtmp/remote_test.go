package rtmp

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"gateway/bridge"
	"gateway/bridge/bridgetest"
	"gateway/bridge/media"
)

// elsewhere runs another server, whose calls are taken, and gives the URL of its
// application.
func elsewhere(t *testing.T) (*rig, string) {
	t.Helper()
	far := run(t, nil)
	far.h.TakeCalls(nil)
	return far, "rtmp://" + far.at.String() + "/call"
}

// A log keeps what is written to it.
type logged struct {
	mu  sync.Mutex // guards all
	all bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

// calling is a rig without a server, whose stream "live" is at url.
func calling(t *testing.T, url string) (*rig, *logged) {
	t.Helper()
	r := run(t, func(c *Config) {
		c.Listen, c.Accounts = nil, nil
		c.Streams = map[string]Stream{"live": {URL: bridge.Secret(url)}}
	})
	l := &logged{}
	r.a.house.Load().log = slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
	return r, l
}

func TestACallIsPushed(t *testing.T) {
	t.Parallel()
	far, url := elsewhere(t)
	r, log := calling(t, url+"/bob?user=alice&password=secret")
	call := r.rings("live")
	bridgetest.Await[bridge.Ringing](call)
	if a := bridgetest.Await[bridge.Answered](call); a.Desc[0].Dir != bridge.ReceiveOnly {
		t.Errorf("answered %v", a.Desc[0].Dir)
	}
	port := r.port(call)
	bridgetest.Await[bridge.Accepted](call)
	r.plane.Give(port, media.Frame{Type: payloadBase, Data: []byte{1, 2}})
	there := far.takes(0)
	if there.Invite.From.Name != "alice" || there.Invite.To.Name != "bob" {
		t.Errorf("a call by %+v", there.Invite)
	}
	farPort := far.port(there)
	far.eventually("sound arrives", func() bool {
		r.plane.Give(port, media.Frame{Type: payloadBase, Time: 160, Data: []byte{3, 4}})
		return len(far.plane.Fed(farPort)) > 0
	})
	call.Leg.Hangup(bridge.Normal)
	if end := bridgetest.Await[bridge.Ended](there); end.Cause != bridge.Normal {
		t.Errorf("there: %v", end.Cause)
	}
	if text := log.String(); strings.Contains(text, "secret") || !strings.Contains(text, "stream on") {
		t.Errorf("logged %q", text)
	}
}

func TestAStreamIsPulled(t *testing.T) {
	t.Parallel()
	far, url := elsewhere(t)
	r, _ := calling(t, url+"/bob?user=alice&password=secret#pull")
	call := r.rings("live")
	there := far.takes(0)
	farPort := far.port(there)
	far.eventually("the call is taken", func() bool {
		far.plane.Give(farPort, media.Frame{Type: payloadBase, Data: []byte{5, 6}})
		for _, ev := range call.Events() {
			if _, ok := ev.(bridge.Accepted); ok {
				return true
			}
		}
		return false
	})
	port := r.port(call)
	r.eventually("sound arrives", func() bool {
		far.plane.Give(farPort, media.Frame{Type: payloadBase, Time: 320, Data: []byte{7, 8}})
		return len(r.plane.Fed(port)) > 0
	})
	there.Leg.Hangup(bridge.Normal)
	if end := bridgetest.Await[bridge.Ended](call); end.Cause != bridge.Normal {
		t.Errorf("the stream has ended: %v", end.Cause)
	}
}

func TestStreamsThatAreNotThere(t *testing.T) {
	t.Parallel()
	_, url := elsewhere(t)
	for stream, want := range map[string]bridge.Cause{
		url + "/bob": bridge.Forbidden, strings.Replace(url, "/call", "/none", 1) + "/bob": bridge.Forbidden,
		"rtmp://127.0.0.1:1/a/b": bridge.NoRoute, "rtmp://alice:wrong@" + strings.TrimPrefix(url, "rtmp://") + "/alice/bob": bridge.Forbidden,
	} {
		r, log := calling(t, stream)
		if end := bridgetest.Await[bridge.Ended](r.rings("live")); end.Cause != want {
			t.Errorf("%s: %v, want %v", stream, end.Cause, want)
		}
		if strings.Contains(log.String(), "wrong") {
			t.Errorf("logged %q", log)
		}
	}
}

// TestCredentialsOfURLs: whose server asks who we are, by the way of encoders.
func TestCredentialsOfURLs(t *testing.T) {
	t.Parallel()
	far, url := elsewhere(t)
	r, _ := calling(t, "rtmp://alice:secret@"+strings.TrimPrefix(url, "rtmp://")+"/alice/bob")
	call := r.rings("live")
	bridgetest.Await[bridge.Accepted](call)
	port := r.port(call)
	far.eventually("the call is there", func() bool {
		r.plane.Give(port, media.Frame{Type: payloadBase, Data: []byte{3, 4}})
		return far.plane.Count() > 0
	})
	if inv := far.h.Call(0).Invite; inv.From.Name != "alice" || inv.To.Name != "bob" {
		t.Errorf("a call by %+v", inv)
	}
}

// TestAHomeThatIsAURL: the name says where the stream is.
func TestAHomeThatIsAURL(t *testing.T) {
	t.Parallel()
	far, url := elsewhere(t)
	r, _ := calling(t, "rtmp://h/a/b")
	r.rings(url + "/bob?user=alice&password=secret#pull")
	if inv := far.h.Call(0).Invite; inv.To.Name != "bob" {
		t.Errorf("a call by %+v", inv)
	}
}
