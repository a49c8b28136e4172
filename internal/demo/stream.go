package main

import (
	"context"
	"fmt"
	"strings"

	"gateway/internal/peer"
)

// What ffmpeg says, in Hz, and who it is.
const (
	toneStream   = peer.ToneC
	studio       = "studio"
	studioSecret = "studio-pw"
)

// stream is the scene in which ffmpeg calls 2001, by publishing a URL.
func (s *stage) stream(ctx context.Context) error {
	url := fmt.Sprintf("rtmp://%s/call/2001?user=%s&password=%s", s.lab.At(peer.GatewayHost, peer.RTMPPort), studio, studioSecret)
	s.say("ffmpeg publishes a tone at %s", url)
	p, err := peer.StartFFmpegPublish(ctx, s.lab, "ffmpeg", url, peer.RTMPSound{Codec: "pcm_mulaw", Rate: 8000, Tone: toneStream})
	if err != nil {
		return err
	}
	rings, err := s.one.WaitCall(ctx, peer.CallIncoming)
	if err != nil {
		return err
	}
	if !strings.Contains(rings.Text, studio) {
		return fmt.Errorf("2001 is called by %q, not by %s", rings.Text, studio)
	}
	s.say("2001 is called by %s, and answers", studio)
	if err := s.one.Answer(ctx); err != nil {
		return err
	}
	if _, err := s.one.WaitCall(ctx, peer.CallTalking); err != nil {
		return err
	}
	if err := peer.WaitTone(ctx, s.one, toneStream, heard); err != nil {
		return err
	}
	s.say("ffmpeg says %v Hz; 2001 has recorded that, for %v without a break", toneStream, heard)
	p.Stop()
	if _, err := s.one.WaitCall(ctx, peer.CallEnded); err != nil {
		return err
	}
	s.say("ffmpeg ends, and 2001 is told")
	return nil
}
