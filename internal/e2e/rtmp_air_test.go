//go:build e2e

package e2e

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"gateway/bridge"
	. "gateway/internal/peer"
)

// A call that is published on another server is AAC there, whatever the phone says, for
// who listens from the beginning, who comes late, and who has the files for browsers.
func TestACallIsOnTheAir(t *testing.T) {
	w := newRTMPWorld(t)
	n, err := StartNginx(w.ctx, w.Lab, "", "")
	w.must(err)
	w.must(w.phone.Dial(w.ctx, "sip:9003@"+gatewayDomain))
	w.await(w.phone, CallTalking)
	w.waitMetric(w.gateway, "gateway_calls_transcoded", "1")
	w.waitFile(n.HLS("air"))
	for _, row := range []struct{ name, at string }{{"player", n.URL("hls", "air")}, {"browser", n.HLS("air")}} {
		if s, err := ProbeSound(w.ctx, row.at); err != nil || !strings.HasPrefix(s, "aac,48000,1") {
			t.Errorf("%s: %q, %v", row.name, s, err)
		}
		play := StartFFmpegPlayFile
		if row.name == "player" {
			play = func(ctx context.Context, lab *Lab, name, at string) (*RTMPPlayer, error) {
				return StartFFmpegPlay(ctx, lab, name, at)
			}
		}
		p, err := play(w.ctx, w.Lab, row.name, row.at)
		w.must(err)
		w.must(p.WaitTone(w.ctx, ToneA, long))
		p.Stop()
	}
	w.must(w.phone.Hangup(w.ctx))
	w.await(w.phone, CallEnded)
	w.idle()
	if r := w.waitRecord(w.gateway, "pbx:2001", "pbx:9003"); r.Media != "transcoded" {
		t.Errorf("recorded as %q", r.Media)
	}
}

// A server that takes phones' formats gets them as they are, if the file says so.
func TestACallIsPublishedAsTheFileSays(t *testing.T) {
	w := newRTMPWorld(t)
	n, err := StartNginx(w.ctx, w.Lab, "", "")
	w.must(err)
	w.must(w.phone.Dial(w.ctx, "sip:9004@"+gatewayDomain))
	w.await(w.phone, CallTalking)
	if s, err := ProbeSound(w.ctx, n.URL("live", "voice")); err != nil || !strings.HasPrefix(s, "pcm_mulaw,8000,1") {
		t.Errorf("%q, %v", s, err)
	}
	w.must(w.phone.Hangup(w.ctx))
	w.await(w.phone, CallEnded)
	if r := w.waitRecord(w.gateway, "pbx:2001", "pbx:9004"); r.Media != "repacked" {
		t.Errorf("recorded as %q", r.Media)
	}
	w.idle()
}

// AAC that is published into a call crosses to a server elsewhere as it came.
func TestAACCrossesAsItCame(t *testing.T) {
	w := newRTMPWorld(t)
	n, err := StartNginx(w.ctx, w.Lab, "", "")
	w.must(err)
	p := w.publish("ffmpeg", "publisher", w.rtmpURL("alice", "9003"), RTMPSound{Codec: "aac", Rate: 44100, Tone: ToneC})
	w.waitFile(n.HLS("air"))
	if s, err := ProbeSound(w.ctx, n.HLS("air")); err != nil || !strings.HasPrefix(s, "aac,44100,1") {
		t.Errorf("%q, %v", s, err)
	}
	listener, err := StartFFmpegPlay(w.ctx, w.Lab, "listener", n.URL("hls", "air"))
	w.must(err)
	w.must(listener.WaitTone(w.ctx, ToneC, long))
	p.Stop()
	w.idle()
	if r := w.waitRecord(w.gateway, "flash:alice", "flash:9003"); r.Media != "repacked" {
		t.Errorf("recorded as %q", r.Media)
	}
}

// A player that wants AAC gets it.
func TestAPlayerHasItsSoundInAAC(t *testing.T) {
	w := newRTMPWorld(t)
	p, err := StartFFmpegPlay(w.ctx, w.Lab, "player", w.rtmpURL("alice", "2001")+"&codec=aac")
	w.must(err)
	w.await(w.phone, CallIncoming)
	w.must(w.phone.Answer(w.ctx))
	w.await(w.phone, CallTalking)
	w.must(p.WaitTone(w.ctx, ToneA, long))
	_, err = p.Out.Wait(w.ctx, Containing("Audio: aac (LC), 48000 Hz, mono"))
	w.must(err)
	w.must(w.phone.Hangup(w.ctx))
	w.await(w.phone, CallEnded)
	w.ends(p.Program)
	w.idle()
}

// A stream elsewhere that breaks in a call is sought again: what is said is heard there
// after the server has come back, and what is played there is heard here. If it stays away, the
// calls end.
func TestAStreamElsewhereComesBack(t *testing.T) {
	w := newRTMPWorld(t)
	n, err := StartNginx(w.ctx, w.Lab, "", "")
	w.must(err)
	radio := func(name string) {
		_, err := StartFFmpegPublish(w.ctx, w.Lab, name, n.URL("live", "radio"), RTMPSound{Codec: "aac", Rate: 44100, Tone: ToneC})
		w.must(err)
	}
	radio("radio")
	w.must(w.phone.Dial(w.ctx, "sip:9003@"+gatewayDomain))
	w.await(w.phone, CallTalking)
	c := w.flash("alice")
	told := c.Out.Len()
	w.flashSays(c, "invite", "9002", "pcmu")
	w.flashTold(c, told, "accepted")
	_, in := w.flashTalks(c, 0, 0, ToneB)
	w.flashHears(c, ToneC)

	mark := w.gateway.Out.Len()
	n.Stop()
	waitBoth := func(what string) {
		for _, app := range []string{"/hls", "/live"} {
			_, err := w.gateway.Out.WaitAfter(w.ctx, mark, Containing(what, app))
			w.must(err)
		}
	}
	waitBoth("stream lost")
	w.must(n.Start(w.ctx))
	waitBoth("stream on")
	radio("radio again")
	listener, err := StartFFmpegPlay(w.ctx, w.Lab, "listener", n.URL("hls", "air"))
	w.must(err)
	w.must(listener.WaitTone(w.ctx, ToneA, long))
	w.must(c.Record(w.ctx, in))
	w.flashHears(c, ToneC)

	n.Stop()
	w.await(w.phone, CallEnded)
	w.flashTold(c, told, "byed")
	w.idle()
	for from, to := range map[string]string{"pbx:2001": "pbx:9003", "flash:alice": "flash:9002"} {
		if r := w.waitRecord(w.gateway, from, to); r.Cause != bridge.NoRoute.String() {
			t.Errorf("the call to %s: %+v", to, r)
		}
	}
}

// A server that is away, or has no such application, is no party to a call: the phone hears so
// at once.
func TestAStreamElsewhereThatIsNotThere(t *testing.T) {
	w := newRTMPWorld(t)
	for _, away := range []bool{true, false} {
		if !away {
			_, err := StartNginx(w.ctx, w.Lab, "", "")
			w.must(err)
		}
		w.must(w.phone.Dial(w.ctx, "sip:9005@"+gatewayDomain))
		if e := w.await(w.phone, CallEnded); !strings.Contains(e.Text, "50") && !strings.Contains(e.Text, "404") {
			t.Errorf("away %v: %q", away, e.Text)
		}
	}
	w.idle()
}

// waitFile waits until a file is there.
func (w *world) waitFile(name string) {
	w.t.Helper()
	for {
		if _, err := os.Stat(name); err == nil {
			return
		}
		select {
		case <-w.ctx.Done():
			w.t.Fatalf("%s does not come", name)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
