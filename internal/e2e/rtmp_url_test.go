//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"

	. "gateway/internal/peer"
)

// publishing is who publishes in which codecs.
var publishing = []struct {
	name, tool string
	sounds     []RTMPSound
}{
	{"ffmpeg's voices", "ffmpeg", []RTMPSound{{Codec: "libspeex", Rate: 16000, Tone: ToneB}, {Codec: "nellymoser", Rate: 8000, Tone: ToneC}, {Codec: "nellymoser", Rate: 16000, Tone: ToneB}}},
	{"ffmpeg's others", "ffmpeg", []RTMPSound{{Codec: "pcm_mulaw", Rate: 8000, Tone: ToneB}, {Codec: "pcm_alaw", Rate: 8000, Tone: ToneC}, {Codec: "aac", Rate: 44100, Tone: ToneB}, {Codec: "libmp3lame", Rate: 44100, Tone: ToneC}}},
	{"GStreamer's", "gstreamer", []RTMPSound{
		{Codec: "libspeex", Rate: 16000, Tone: ToneB}, {Codec: "pcm_mulaw", Rate: 8000, Tone: ToneC}, {Codec: "pcm_alaw", Rate: 8000, Tone: ToneB}, {Codec: "aac", Rate: 48000, Tone: ToneC}, {Codec: "libmp3lame", Rate: 44100, Tone: ToneB},
	}},
}

// What is published by URL rings, and is heard in the call, in every codec. The call
// goes one way only; baresip records none of that kind, so the phone is Linphone.
func TestToolsPublishIntoACall(t *testing.T) {
	for _, group := range publishing {
		t.Run(group.name, func(t *testing.T) {
			w := newRTMPWorld(t)
			phone := w.linphone(w.callConfig(1))
			for i, s := range group.sounds {
				name := fmt.Sprintf("publisher-%d-%s", i, s.Codec)
				p := w.publish(group.tool, name, w.rtmpURL("alice", "2002"), s)
				if e := w.await(phone, CallIncoming); !strings.Contains(e.Text, "alice") {
					t.Errorf("%s: called by %q", name, e.Text)
				}
				w.must(phone.Answer(w.ctx))
				w.await(phone, CallTalking)
				if err := WaitTone(w.ctx, phone, s.Tone, long); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				p.Stop()
				w.await(phone, CallEnded)
				w.idle()
			}
		})
	}
}

// publish has a tool publish.
func (w *world) publish(tool, name, url string, s RTMPSound) *Program {
	w.t.Helper()
	start := StartGStreamerPublish
	if tool == "ffmpeg" {
		start = func(ctx context.Context, lab *Lab, name, url string, s RTMPSound) (*Program, error) {
			return StartFFmpegPublish(ctx, lab, name, url, s)
		}
	}
	p, err := start(w.ctx, w.Lab, name, url, s)
	return got(w.t, p, err)
}

// Who plays a name calls it, and hears the call.
func TestToolsPlayACall(t *testing.T) {
	for _, row := range []struct {
		name string
		play func(w *rtmpWorld, url string) (*RTMPPlayer, error)
	}{
		{"ffmpeg", func(w *rtmpWorld, url string) (*RTMPPlayer, error) {
			return StartFFmpegPlay(w.ctx, w.Lab, "player", url)
		}},
		{"rtmpdump", func(w *rtmpWorld, url string) (*RTMPPlayer, error) { return StartRTMPDump(w.ctx, w.Lab, "player", url) }},
		{"GStreamer", func(w *rtmpWorld, url string) (*RTMPPlayer, error) {
			return StartGStreamerPlay(w.ctx, w.Lab, "player", url)
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newRTMPWorld(t)
			p, err := row.play(w, w.rtmpURL("alice", "2001"))
			w.must(err)
			w.await(w.phone, CallIncoming)
			w.must(w.phone.Answer(w.ctx))
			w.await(w.phone, CallTalking)
			w.must(p.WaitTone(w.ctx, ToneA, long))
			w.must(w.phone.Hangup(w.ctx))
			w.await(w.phone, CallEnded)
			w.ends(p.Program)
			w.idle()
		})
	}
}

// Publish and play of one account under one name are one party, and one call; there
// is one publisher.
func TestPublishAndPlayAreOneParty(t *testing.T) {
	w := newRTMPWorld(t)
	player, in := w.flashPlayer("alice")
	w.flashPlays(player, in, "alice")
	pub := w.publish("ffmpeg", "publisher", w.rtmpURL("alice", "alice"), RTMPSound{Codec: "libspeex", Rate: 16000, Tone: ToneB})
	_, err := pub.Out.Wait(w.ctx, Containing("Output #0")) // which it says when it may publish
	w.must(err)
	w.must(w.phone.Dial(w.ctx, "sip:alice@"+gatewayDomain))
	w.await(w.phone, CallTalking)
	w.hears(w.phone, ToneB)
	w.flashHears(player, ToneA)
	second := w.publish("ffmpeg", "second", w.rtmpURL("alice", "alice"), RTMPSound{Codec: "pcm_mulaw", Rate: 8000, Tone: ToneC})
	if w.ends(second) == 0 {
		t.Error("a second publisher came to a good end")
	}
	w.hears(w.phone, ToneB)
	pub.Stop() // the player has the call still
	w.must(player.Record(w.ctx, in))
	w.flashHears(player, ToneA)
	w.must(player.Command(w.ctx, in, "closeStream"))
	w.await(w.phone, CallEnded)
	w.idle()
}

// An account that publishes and plays its own name takes every call: what it
// publishes is heard by baresip, in every codec.
func TestToolsTakeCalls(t *testing.T) {
	for _, group := range publishing {
		t.Run(group.name, func(t *testing.T) {
			w := newRTMPWorld(t)
			player, in := w.flashPlayer("bob")
			for i, s := range group.sounds {
				name := fmt.Sprintf("publisher-%d-%s", i, s.Codec)
				p := w.publish(group.tool, name, w.rtmpURL("bob", "bob"), s)
				w.dialUntilTaken("bob") // and then the publisher is there
				w.must(w.phone.Hangup(w.ctx))
				w.await(w.phone, CallEnded)
				w.flashPlays(player, in, "bob")
				w.must(w.phone.Dial(w.ctx, "sip:bob@"+gatewayDomain))
				w.await(w.phone, CallTalking)
				if err := WaitTone(w.ctx, w.phone, s.Tone, long); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				w.flashHears(player, ToneA)
				w.must(w.phone.Hangup(w.ctx))
				w.await(w.phone, CallEnded)
				w.must(player.Command(w.ctx, in, "closeStream"))
				p.Stop()
				w.idle()
			}
		})
	}
}

// dialUntilTaken has the phone dial an account until somebody takes the call.
func (w *rtmpWorld) dialUntilTaken(account string) {
	w.t.Helper()
	for {
		w.must(w.phone.Dial(w.ctx, "sip:"+account+"@"+gatewayDomain))
		e, err := w.phone.WaitCallAny(w.ctx, CallTalking, CallEnded)
		w.must(err)
		if e.Kind == CallTalking {
			return
		}
	}
}

// ffmpeg logs in as an account of siprtmp's, by arguments of connect.
func TestFFmpegLogsInByArguments(t *testing.T) {
	w := newRTMPWorld(t)
	base := "rtmp://" + w.At(GatewayHost, RTMPPort)
	speex := RTMPSound{Codec: "libspeex", Rate: 16000, Tone: ToneB}
	p, err := StartFFmpegPublish(w.ctx, w.Lab, "wrong", base+"/sip/alice/local", speex, "-rtmp_conn", "S:alice S:wrong S:Alice")
	w.must(err)
	if w.ends(p) == 0 {
		t.Error("a wrong password was taken")
	}
	w.must(w.phone.Dial(w.ctx, "sip:alice@"+gatewayDomain))
	if e := w.await(w.phone, CallEnded); !strings.Contains(e.Text, "480") {
		t.Errorf("alice, who is not there: %q", e.Text)
	}
	_, err = StartFFmpegPublish(w.ctx, w.Lab, "right", base+"/sip/alice/local", speex, "-rtmp_conn", "S:alice S:alice-pw S:Alice")
	w.must(err)
	w.waitMetric(w.gateway, `gateway_rtmp_logins_total{adapter="flash"}`, "1")
	w.must(w.phone.Dial(w.ctx, "sip:alice@"+gatewayDomain))
	w.await(w.phone, CallRinging)
	w.must(w.phone.Hangup(w.ctx))
	w.await(w.phone, CallEnded)
	w.idle()
	// And by URL, likewise, with a call.
	phone := w.linphone(w.callConfig(1))
	p, err = StartFFmpegPublish(w.ctx, w.Lab, "calls", base+"/call/2002", speex, "-rtmp_conn", "S:bob S:bob-pw S:Bob")
	w.must(err)
	w.await(phone, CallIncoming)
	w.must(phone.Answer(w.ctx))
	w.await(phone, CallTalking)
	w.hears(phone, ToneB)
	p.Stop()
	w.await(phone, CallEnded)
}

// user:password before the host is what OBS and other encoders have.
func TestFFmpegLogsInByURL(t *testing.T) {
	w := newRTMPWorld(t)
	phone := w.linphone(w.callConfig(1))
	for _, row := range []struct {
		password string
		takes    bool
	}{{"wrong", false}, {"alice-pw", true}} {
		url := fmt.Sprintf("rtmp://alice:%s@%s/call/alice/2002", row.password, w.At(GatewayHost, RTMPPort))
		p, err := StartFFmpegPublish(w.ctx, w.Lab, "publisher-"+row.password, url, RTMPSound{Codec: "libspeex", Rate: 16000, Tone: ToneC})
		w.must(err)
		if !row.takes {
			if w.ends(p) == 0 {
				t.Error("a wrong password was taken")
			}
			continue
		}
		w.await(phone, CallIncoming)
		w.must(phone.Answer(w.ctx))
		w.await(phone, CallTalking)
		w.hears(phone, ToneC)
		p.Stop()
		w.await(phone, CallEnded)
	}
}

// A call that fails is said so to tools that know of no calls.
func TestToolsAreToldWhatFails(t *testing.T) {
	w := newRTMPWorld(t)
	for _, row := range []struct{ name, to, account, word string }{
		{"nobody", "8888", "alice", ""},
		{"elsewhere", "2001@elsewhere.example", "alice", ""},
		{"a phone that is not there", "2002", "alice", ""},
		{"a stranger", "2001", "mallory", ""},
	} {
		p, err := StartFFmpegPublish(w.ctx, w.Lab, "publisher-"+strings.ReplaceAll(row.name, " ", "-"), w.rtmpURL(row.account, row.to),
			RTMPSound{Codec: "libspeex", Rate: 16000, Tone: ToneB})
		w.must(err)
		if w.ends(p) == 0 {
			t.Errorf("%s: a good end", row.name)
		}
	}
	p, err := StartFFmpegPublish(w.ctx, w.Lab, "refused", w.rtmpURL("alice", "2001"), RTMPSound{Codec: "libspeex", Rate: 16000, Tone: ToneB})
	w.must(err)
	w.await(w.phone, CallIncoming)
	w.must(w.phone.Hangup(w.ctx))
	if w.ends(p) == 0 {
		t.Error("refused: a good end")
	}
	w.idle()
}

// A call to a live stream: the phone is heard by who plays it there. And a phone
// that dials a radio.
func TestCallsToAndFromAnotherServer(t *testing.T) {
	w := newRTMPWorld(t)
	n, err := StartNginx(w.ctx, w.Lab, "", "")
	w.must(err)
	listener, err := StartFFmpegPlay(w.ctx, w.Lab, "listener", n.URL("live", "show"))
	w.must(err)
	w.must(w.phone.Dial(w.ctx, "sip:9001@"+gatewayDomain))
	w.await(w.phone, CallTalking)
	w.must(listener.WaitTone(w.ctx, ToneA, long))
	w.must(w.phone.Hangup(w.ctx))
	w.await(w.phone, CallEnded)
	w.idle()
	_, err = StartFFmpegPublish(w.ctx, w.Lab, "radio", n.URL("live", "radio"), RTMPSound{Codec: "aac", Rate: 44100, Tone: ToneC})
	w.must(err)
	// A phone that dials the radio gets its sound, one way, which no phone here
	// records; a client that dials it does.
	w.must(w.phone.Dial(w.ctx, "sip:9002@"+gatewayDomain))
	w.await(w.phone, CallTalking)
	c := w.flash("alice")
	mark := c.Out.Len()
	w.flashSays(c, "invite", "9002", "pcmu")
	w.flashTold(c, mark, "accepted")
	w.flashTalks(c, 0, 0, ToneB)
	w.flashHears(c, ToneC)
	w.flashSays(c, "bye")
	w.must(w.phone.Hangup(w.ctx))
	w.await(w.phone, CallEnded)
	r := w.waitRecord(w.gateway, "pbx:2001", "pbx:9002")
	if out := r.Legs[0].Streams[0].Out; r.Legs[0].Adapter != "pbx" || out.Packets < 25 || out.Loss > 0.1 {
		t.Errorf("what the phone was sent: %+v", r)
	}
	w.idle()
	n.Stop()
	w.must(w.phone.Dial(w.ctx, "sip:9001@"+gatewayDomain))
	if e := w.await(w.phone, CallEnded); e.Text == "" {
		t.Errorf("a server that is not there: %q", e.Text)
	}
}
