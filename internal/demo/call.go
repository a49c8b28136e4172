package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gateway/internal/peer"
)

// What the phones say, in Hz, and how long of it must be heard.
const (
	toneOne = peer.ToneA
	toneTwo = peer.ToneB
	toneBob = peer.ToneC
	heard   = 2 * time.Second
)

// keys are pressed on 2001.
const keys = "42#"

// call is the scene with the call of 2001 to 2002.
func (s *stage) call(ctx context.Context) error {
	s.say("2001 calls 2002")
	if err := s.one.Dial(ctx, "sip:2002@"+sipDomain); err != nil {
		return err
	}
	for _, step := range []struct {
		says  string
		phone *peer.LinphonePhone
		kind  peer.CallKind
		then  func(context.Context) error
	}{
		{"2002 is called", s.two, peer.CallIncoming, nil},
		{"2001 hears it ring; 2002 answers", s.one, peer.CallRinging, s.two.Answer},
		{"2001 is connected", s.one, peer.CallTalking, nil},
		{"2002 is connected", s.two, peer.CallTalking, nil},
	} {
		if _, err := step.phone.WaitCall(ctx, step.kind); err != nil {
			return err
		}
		s.say("%s", step.says)
		if step.then == nil {
			continue
		}
		if err := step.then(ctx); err != nil {
			return err
		}
	}
	if err := s.listen(ctx); err != nil {
		return err
	}
	return s.hangUp(ctx)
}

// listen looks for the tones in what the phones record, and for the keys.
func (s *stage) listen(ctx context.Context) error {
	for _, row := range []struct {
		phone *peer.LinphonePhone
		other string
		hz    float64
	}{{s.one, "2002", toneTwo}, {s.two, "2001", toneOne}} {
		if err := peer.WaitTone(ctx, row.phone, row.hz, heard); err != nil {
			return err
		}
		s.say("%s says %v Hz; %s has recorded that, for %v without a break", row.other, row.hz, row.phone.Number(), heard)
	}
	if err := s.one.Press(ctx, keys); err != nil {
		return err
	}
	if err := peer.WaitKeys(ctx, s.two, keys); err != nil {
		return err
	}
	s.say("2001 presses %s, and 2002 hears that", keys)
	return nil
}

// hangUp ends the call and waits for its record.
func (s *stage) hangUp(ctx context.Context) error {
	if err := s.two.Hangup(ctx); err != nil {
		return err
	}
	if _, err := s.one.WaitCall(ctx, peer.CallEnded); err != nil {
		return err
	}
	s.say("2002 hangs up, and 2001 is told")
	var raw []byte
	err := peer.Poll(ctx, func(context.Context) bool {
		var err error
		raw, err = os.ReadFile(filepath.Join(s.gateway.Dir(), records))
		return err == nil && bytes.HasSuffix(raw, []byte("\n"))
	})
	if err != nil {
		return fmt.Errorf("there is no record of the call: %w", err)
	}
	var r struct{ Cause, Media string }
	if err := json.Unmarshal(raw, &r); err != nil {
		return fmt.Errorf("the record %s: %w", raw, err)
	}
	if r.Cause != "normal" || r.Media != "untouched" {
		return fmt.Errorf("the record says that the call ended by %q and sound crossed by %q: %s", r.Cause, r.Media, raw)
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, raw, "      ", "  "); err != nil {
		return fmt.Errorf("the record %s: %w", raw, err)
	}
	s.record = strings.TrimSpace(pretty.String())
	return nil
}
