package main

import (
	"context"

	"gateway/internal/peer"
)

// browse is the scene with the call of the browser to 2001: by Jingle, with ICE and
// DTLS-SRTP.
func (s *stage) browse(ctx context.Context) error {
	s.say("bob calls 2001@%s from the browser", component)
	if err := s.page.Dial(ctx, "2001@"+component+"/gateway"); err != nil {
		return err
	}
	if _, err := s.one.WaitCall(ctx, peer.CallIncoming); err != nil {
		return err
	}
	if _, err := s.page.WaitCall(ctx, peer.CallRinging); err != nil {
		return err
	}
	s.say("2001 rings, and bob hears that; 2001 answers")
	if err := s.one.Answer(ctx); err != nil {
		return err
	}
	for _, phone := range []peer.CallPhone{s.one, s.page} {
		if _, err := phone.WaitCall(ctx, peer.CallTalking); err != nil {
			return err
		}
	}
	for _, row := range []struct {
		phone peer.CallPhone
		who   string
		hz    float64
	}{{s.one, "bob", toneBob}, {s.page, "2001", toneOne}} {
		if err := peer.WaitTone(ctx, row.phone, row.hz, heard); err != nil {
			return err
		}
		s.say("%s says %v Hz; %s has heard that, for %v without a break", row.who, row.hz, row.phone.Number(), heard)
	}
	if err := s.page.Hangup(ctx); err != nil {
		return err
	}
	if _, err := s.one.WaitCall(ctx, peer.CallEnded); err != nil {
		return err
	}
	s.say("bob hangs up, and 2001 is told")
	return nil
}
