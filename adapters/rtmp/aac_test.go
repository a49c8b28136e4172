//go:build !noaac

package rtmp

import (
	"bytes"
	"encoding/hex"
	"testing"

	"gateway/bridge"
	"gateway/bridge/bridgetest"
	"gateway/bridge/media"
	"gateway/codec"
	coders "gateway/codec/sound"
)

func TestTastesOfAAC(t *testing.T) {
	t.Parallel()
	aac := codec.Format{Kind: codec.Audio, Name: nameAAC, Rate: 44100, Channels: 2, Params: "config=1210"}
	hear := []codec.Format{speexWide, pcmu, pcma}
	ev := events
	checkTastes(t, map[string]tasting{
		"a publisher of AAC":             {taste{send: []codec.Format{aac}, hear: hear}, []codec.Format{aac, speexWide, ev}, []codec.Format{opus, g722, ev}, []codec.Format{opus, g722, ev}, speexWide},
		"a publisher of one-channel AAC": {taste{send: []codec.Format{aacVoice}, hear: hear}, []codec.Format{aacVoice, ev}, []codec.Format{opus, ev}, []codec.Format{opus, ev}, speexWide},
		"a server elsewhere":             {remoteTaste(), []codec.Format{aacVoice, ev}, []codec.Format{opus, pcmu, ev}, []codec.Format{opus, pcmu, ev}, aacVoice},
		"one that hears AAC as it comes": {remoteTaste(), []codec.Format{aacVoice, ev}, []codec.Format{aac, pcmu, ev}, []codec.Format{aac, ev}, aac},
		"a tool that hears AAC too":      {urlTaste(), []codec.Format{speexWide, pcmu, pcma, speexNarrow, ev}, []codec.Format{aac, speexWide, ev}, []codec.Format{aac, speexWide, ev}, aac},
		"a tool that hears AAC only":     {masked(maskAAC), []codec.Format{aacVoice, ev}, []codec.Format{pcma}, []codec.Format{pcma}, aacVoice},
	})
}

// TestOurAACIsWhatWeSay: the configuration that goes before the sound is that of the encoder.
func TestOurAACIsWhatWeSay(t *testing.T) {
	t.Parallel()
	e, err := coders.NewEncoder(aacVoice, coders.Setting{})
	if err != nil {
		t.Fatal(err)
	}
	c, ok := e.(interface{ Config() []byte })
	if !ok {
		t.Fatal("the encoder has no configuration")
	}
	if got := "config=" + hex.EncodeToString(c.Config()); got != aacVoice.Params {
		t.Errorf("%s, want %s", aacVoice.Params, got)
	}
	rate, channels, ok := parseConfig(c.Config())
	if !ok || rate != aacVoice.Rate || channels != aacVoice.Channels || e.Frame() != aacSamples {
		t.Errorf("%d Hz, %d channels, frames of %d", rate, channels, e.Frame())
	}
}

// TestAPlayerHearsAAC: the Plane is told to make AAC of what was agreed on, the
// bridge, that it does, and a player's configuration comes before its first sound, each time.
func TestAPlayerHearsAAC(t *testing.T) {
	t.Parallel()
	r := run(t, nil)
	r.h.TakeCalls(nil)
	c := r.connect("call?user=alice&password=secret")
	c.plays("bob?codec=aac")
	call := r.takes(0)
	port := r.port(call)
	if s, _ := r.plane.Setting(port); len(s.Out) != 1 || s.Out[0].Format != aacVoice {
		t.Fatalf("the Plane makes %v", s.Out)
	}
	if !bridgetest.Await[bridge.Transcodes](call).On {
		t.Error("the bridge was told that nothing is transcoded")
	}
	config, head := []byte{0xaf, 0, 0x11, 0x88}, []byte{0xaf, 1, 7}
	for _, name := range []string{"first", "another"} {
		r.plane.Give(port, media.Frame{Type: payloadBase, Data: []byte{7}})
		if m := c.hears(); !bytes.Equal(m.Body, config) || m.Time != 0 {
			t.Errorf("%s: began with % x at %d", name, m.Body, m.Time)
		}
		if m := c.hears(); !bytes.Equal(m.Body, head) {
			t.Errorf("%s: then % x", name, m.Body)
		}
		r.plane.Give(port, media.Frame{Type: payloadBase, Time: 1024, Data: []byte{7}})
		if m := c.hears(); !bytes.Equal(m.Body, head) || m.Time != 21 {
			t.Errorf("%s: went on with % x at %d", name, m.Body, m.Time)
		}
		if name == "first" { // a late one has its own beginning
			c = r.connect("call?user=alice&password=secret&codec=aac")
			c.plays("bob")
			r.eventually("both hear", func() bool {
				r.plane.Give(port, media.Frame{Type: payloadBase + 1, Data: []byte{9}}) // of nothing that was agreed on
				l := call.Leg.(*leg).sound
				l.outLock.Lock()
				defer l.outLock.Unlock()
				return len(l.taps) == 2
			})
		}
	}
}

// TestStreamsArePublishedAsTheFileSays: for all of them, or for one.
func TestStreamsArePublishedAsTheFileSays(t *testing.T) {
	t.Parallel()
	c := NewConfig()
	c.Push = []string{"pcma", "speex"}
	c.Streams = map[string]Stream{"live": {URL: "rtmp://h/a/k", Push: []string{"aac"}}, "plain": {URL: "rtmp://h/a/k"}}
	set, err := newSettings(c)
	if err != nil {
		t.Fatal(err)
	}
	if got := words(set.push.hear); got != words([]codec.Format{pcma, speexWide}) {
		t.Errorf("the adapter pushes %s", got)
	}
	if got := words(set.streams["live"].hears.hear); got != words([]codec.Format{aacVoice}) {
		t.Errorf("the stream is pushed as %s", got)
	}
	if len(set.streams["plain"].hears.hear) != 0 {
		t.Error("a stream has a taste of its own that nobody gave it")
	}
}

// TestAPlayerThatHearsAACOnly says so by connect.
func TestAPlayerThatHearsAACOnly(t *testing.T) {
	t.Parallel()
	if got := masked(0x0404).hear; words(got) != words([]codec.Format{aacVoice}) {
		t.Errorf("it hears %v", got)
	}
}
