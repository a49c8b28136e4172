//go:build e2e && obs

package e2e

import (
	"strings"
	"testing"

	. "gateway/internal/peer"
)

// OBS publishes into a call, by both ways that it has to say who it is; what its microphone
// hears is heard by the phone. The end of the call is the end of its stream.
func TestOBSPublishesIntoACall(t *testing.T) {
	for name, cfg := range map[string]OBSConfig{
		"use authentication": {Server: "/call/alice", Key: "2002", User: "alice", Password: "alice-pw"},
		"behind the key":     {Server: "/call", Key: "2002?user=alice&password=alice-pw"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newRTMPWorld(t)
			phone := w.linphone(w.callConfig(1))
			cfg.Server, cfg.Tone = "rtmp://"+w.At(GatewayHost, RTMPPort)+cfg.Server, ToneC
			o, err := StartOBS(w.ctx, w.Lab, "alice", cfg)
			w.must(err)
			if e := w.await(phone, CallIncoming); !strings.Contains(e.Text, "alice") {
				t.Errorf("called by %q", e.Text)
			}
			w.must(phone.Answer(w.ctx))
			w.await(phone, CallTalking)
			w.must(WaitTone(w.ctx, phone, ToneC, long))
			w.must(phone.Hangup(w.ctx))
			w.await(phone, CallEnded)
			_, err = o.Out.Wait(w.ctx, Containing("Disconnected from"))
			w.must(err)
			w.idle()
		})
	}
}
