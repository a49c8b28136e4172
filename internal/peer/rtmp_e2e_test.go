//go:build e2e

package peer

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"gateway/adapters/rtmp/wire"
)

// rtmpTime bounds a test with many programs.
const rtmpTime = 2 * time.Minute

// sounds are the codecs that the programs publish in.
var sounds = map[string]RTMPSound{
	"speex":          {"libspeex", 16000, ToneA},
	"nellymoser 8k":  {"nellymoser", 8000, ToneB},
	"nellymoser 16k": {"nellymoser", 16000, ToneB},
	"mu-law":         {"pcm_mulaw", 8000, ToneC},
	"A-law":          {"pcm_alaw", 8000, ToneC},
	"AAC":            {"aac", 44100, ToneA},
	"MP3":            {"libmp3lame", 44100, ToneB},
}

func rtmpLab(t *testing.T) (context.Context, *Lab) {
	t.Helper()
	lab, err := NewLab(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), rtmpTime)
	t.Cleanup(func() {
		cancel()
		lab.Close()
		if t.Failed() {
			lab.Report(t.Output())
		}
	})
	return ctx, lab
}

// players are the programs that play.
var players = map[string]func(context.Context, *Lab, string, string) (*RTMPPlayer, error){
	"ffmpeg": func(ctx context.Context, l *Lab, n, u string) (*RTMPPlayer, error) {
		return StartFFmpegPlay(ctx, l, n, u)
	},
	"rtmpdump": func(ctx context.Context, l *Lab, n, u string) (*RTMPPlayer, error) {
		return StartRTMPDump(ctx, l, n, u)
	},
	"gstreamer": StartGStreamerPlay,
}

// across has a program publish to url, and one play it.
func across(t *testing.T, url string, s RTMPSound, publisher, plays string) {
	t.Helper()
	ctx, lab := rtmpLab(t)
	var err error
	switch publisher {
	case "ffmpeg":
		_, err = StartFFmpegPublish(ctx, lab, "publisher", url, s)
	case "gstreamer":
		_, err = StartGStreamerPublish(ctx, lab, "publisher", url, s)
	}
	if err != nil {
		t.Fatal(err)
	}
	p, err := players[plays](ctx, lab, plays, url)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.WaitTone(ctx, s.Tone, time.Second); err != nil {
		t.Error(err)
	}
}

func TestToolsPublishAndPlayByNginx(t *testing.T) {
	t.Parallel()
	ctx, lab := rtmpLab(t)
	n, err := StartNginx(ctx, lab, "", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range [][3]string{{"speex", "ffmpeg", "rtmpdump"}, {"mu-law", "gstreamer", "ffmpeg"}, {"AAC", "ffmpeg", "gstreamer"}} {
		across(t, n.URL("live", tt[1]+"-"+tt[2]), sounds[tt[0]], tt[1], tt[2])
	}
}

// The gateway's own protocol between programs that others wrote, in every codec.
func TestToolsPublishAndPlayByOurProtocol(t *testing.T) {
	t.Parallel()
	_, lab := rtmpLab(t)
	addr := lab.At(GatewayHost, RTMPPort)
	startRelay(t, addr, nil)
	for name, s := range sounds {
		for _, publisher := range []string{"ffmpeg", "gstreamer"} {
			if publisher == "gstreamer" && gstEncoders[s.Codec] == "" {
				continue
			}
			plays := "ffmpeg"
			switch {
			case name == "speex" && publisher == "ffmpeg", name == "A-law" && publisher == "gstreamer":
				plays = "rtmpdump"
			case name == "MP3", name == "AAC" && publisher == "gstreamer":
				plays = "gstreamer"
			}
			t.Run(name+" from "+publisher+" to "+plays, func(t *testing.T) {
				t.Parallel()
				across(t, "rtmp://"+addr+"/app/"+fmt.Sprintf("%s-%s-%d", publisher, s.Codec, s.Rate), s, publisher, plays)
			})
		}
	}
}

func TestFFmpegSpeaksRTMPS(t *testing.T) {
	t.Parallel()
	_, lab := rtmpLab(t)
	dir := t.TempDir()
	if err := WriteCert(dir, "gw.example.org"); err != nil {
		t.Fatal(err)
	}
	cert, err := tls.LoadX509KeyPair(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	addr := lab.At(GatewayHost, RTMPPort)
	startRelay(t, addr, &tls.Config{Certificates: []tls.Certificate{cert}})
	across(t, "rtmps://"+addr+"/app/name", sounds["mu-law"], "ffmpeg", "ffmpeg")
}

// Our client pushes to nginx, and pulls from it.
func TestOurClientAndNginx(t *testing.T) {
	t.Parallel()
	ctx, lab := rtmpLab(t)
	n, err := StartNginx(ctx, lab, "", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := StartFFmpegPublish(ctx, lab, "publisher", n.URL("live", "pulled"), sounds["speex"]); err != nil {
		t.Fatal(err)
	}
	player, err := StartFFmpegPlay(ctx, lab, "player", n.URL("live", "pushed"))
	if err != nil {
		t.Fatal(err)
	}
	u, err := wire.ParseURL(n.URL("live", "pulled"))
	if err != nil {
		t.Fatal(err)
	}
	heard := make(chan wire.Message, 1000)
	from, err := wire.Connect(ctx, u, wire.Connecting{Limits: wire.Defaults(), On: func(m wire.Message) {
		if m.Type == wire.TypeAudio {
			select {
			case heard <- m:
			default:
			}
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	to, err := wire.Connect(ctx, u, wire.Connecting{Limits: wire.Defaults()})
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	stream, err := to.Publish(ctx, "pushed")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := from.Play(ctx, "pulled"); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case m := <-heard:
				m.Stream = stream
				to.Write(m)
			case <-stop:
				return
			}
		}
	}()
	err = player.WaitTone(ctx, ToneA, time.Second)
	close(stop)
	<-done
	if err != nil {
		t.Error(err)
	}
	if err := to.Unpublish(stream, "pushed"); err != nil {
		t.Error(err)
	}
	to.Stop()
}

func TestARefusedURLIsSaid(t *testing.T) {
	t.Parallel()
	ctx, lab := rtmpLab(t)
	n, err := StartNginx(ctx, lab, "", "")
	if err != nil {
		t.Fatal(err)
	}
	u, err := wire.ParseURL(n.URL("nothing", "name"))
	if err != nil {
		t.Fatal(err)
	}
	if c, err := wire.Connect(ctx, u, wire.Connecting{Limits: wire.Defaults()}); err == nil {
		c.Close()
		t.Error("an application that is not there was connected to")
	}
}

// The client with calls, against the gateway's own protocol.
func TestAClientWithCallsByOurProtocol(t *testing.T) {
	t.Parallel()
	ctx, lab := rtmpLab(t)
	addr := lab.At(GatewayHost, RTMPPort)
	r := startRelay(t, addr, nil)
	c, err := StartRTMPClient(ctx, lab, "client")
	if err != nil {
		t.Fatal(err)
	}
	info, err := c.Connect(ctx, addr, "sip/alice@example.org", "alice", "secret", "Alice", "wideband")
	if err != nil || info["code"] != "NetConnection.Connect.Success" {
		t.Fatalf("connect: %v, %v", info, err)
	}
	r.mu.Lock()
	args := r.args
	r.mu.Unlock()
	if want := []any{"alice", "secret", "Alice", "wideband"}; !slices.Equal(args, want) {
		t.Errorf("connect came with %v", args)
	}
	if v, err := c.Call(ctx, "echo", "Grüße"); err != nil || v != "Grüße" {
		t.Errorf("echo: %v, %v", v, err)
	}
	var refused *RTMPRefusal
	if _, err := c.Call(ctx, "fail"); !errors.As(err, &refused) || refused.Info["code"] != "Call.Failed" {
		t.Errorf("fail: %v", err)
	}
	if _, err := c.Call(ctx, "callme"); err != nil {
		t.Error(err)
	}
	if args, err := c.WaitCalled(ctx, 0, "called"); err != nil || !slices.Equal(args, []any{"from", "to"}) {
		t.Errorf("called with %v, %v", args, err)
	}
	out, err := c.Stream(ctx)
	if err != nil {
		t.Fatal(err)
	}
	in, err := c.Stream(ctx)
	if err != nil || in == out {
		t.Fatalf("streams %d and %d, %v", out, in, err)
	}
	for _, err := range []error{
		c.Command(ctx, out, "publish", "local", "live"), c.WaitStatus(ctx, 0, out, wire.PublishStart),
		c.Record(ctx, in), c.Command(ctx, in, "play", "local"), c.WaitStatus(ctx, 0, in, wire.PlayStart),
		c.Tone(ctx, out, ToneC), c.WaitTone(ctx, ToneC), c.Silence(ctx, out),
		c.Data(ctx, out, "hello", "text"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.WaitEvent(ctx, 0, func(e RTMPEvent) bool { return e.Event == "data" && e.Name == "hello" && e.Args[0] == "text" }); err != nil {
		t.Error(err)
	}
	if err := c.CloseConnection(ctx); err != nil {
		t.Error(err)
	}
	if _, err := c.WaitEvent(ctx, 0, func(e RTMPEvent) bool { return e.Event == "closed" }); err != nil {
		t.Error(err)
	}
}
