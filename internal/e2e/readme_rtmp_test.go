//go:build e2e

package e2e

import (
	"strings"
	"testing"

	. "gateway/internal/peer"
)

// TestREADMEToolsWork runs every command line of the README with a tool of RTMP's: what it
// publishes is heard by the phone that it calls, and what it plays is what the phone says.
func TestREADMEToolsWork(t *testing.T) {
	var lines []string
	for _, b := range readme(t) {
		if b.lang == "sh" {
			lines = append(lines, strings.Split(strings.TrimSpace(b.text), "\n")...)
		}
	}
	if len(lines) < 6 {
		t.Fatalf("only %d commands found", len(lines))
	}
	for _, line := range lines {
		tool, _, _ := strings.Cut(line, " ")
		t.Run(tool, func(t *testing.T) {
			w := newRTMPWorld(t)
			// Names and addresses are the reader's there. A phone that only hears is Linphone:
			// baresip records nothing of such a call.
			names := []string{"gw.example.org", w.At(GatewayHost, RTMPPort), "change-me-alice", "alice-pw"}
			plays, file := tool == "ffplay", ""
			if tool == "rtmpdump" {
				plays, file = true, "call.flv"
			}
			if plays {
				c, err := StartRTMPCommand(w.ctx, w.Lab, "tool", strings.NewReplacer(names...).Replace(line), ToneB)
				w.must(err)
				w.await(w.phone, CallIncoming)
				w.must(w.phone.Answer(w.ctx))
				w.await(w.phone, CallTalking)
				ear, err := c.Hears(w.ctx, file, 8000)
				w.must(err)
				w.must(ear.WaitTone(w.ctx, ToneA, long))
				w.must(w.phone.Hangup(w.ctx))
				w.await(w.phone, CallEnded)
				w.ends(c.Program)
			} else {
				tone := float64(ToneB)
				if tool == "gst-launch-1.0" {
					tone = 440 // that of audiotestsrc
				}
				phone := w.linphone(w.callConfig(1))
				c, err := StartRTMPCommand(w.ctx, w.Lab, "tool", strings.NewReplacer(append(names, "/2001", "/2002")...).Replace(line), ToneB)
				w.must(err)
				w.await(phone, CallIncoming)
				w.must(phone.Answer(w.ctx))
				w.await(phone, CallTalking)
				w.must(WaitTone(w.ctx, phone, tone, long))
				c.Stop()
				w.await(phone, CallEnded)
			}
			w.idle()
		})
	}
}
