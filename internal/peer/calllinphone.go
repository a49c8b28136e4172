package peer

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// A LinphonePhone is a linphonec that has calls. It takes its sound from a file
// and puts what it hears into another.
type LinphonePhone struct {
	*Linphone
	tone, record string

	mu    sync.Mutex // guards taken
	taken int        // how many lines of output WaitCall has passed over
}

// StartLinphonePhone runs one, and returns when it is registered. Codec and
// Encryption of cfg say nothing.
func StartLinphonePhone(ctx context.Context, lab *Lab, cfg CallConfig) (*LinphonePhone, error) {
	l, err := StartLinphone(ctx, lab, cfg.PhoneConfig)
	if err != nil {
		return nil, err
	}
	p := &LinphonePhone{Linphone: l, tone: filepath.Join(l.dir, "tone.wav"), record: filepath.Join(l.dir, "heard.wav")}
	if err := Tone(cfg.Tone, toneLong).WriteWAV(p.tone); err != nil {
		return nil, err
	}
	return p, p.Type("soundcard use files")
}

// Number is the user in its address.
func (p *LinphonePhone) Number() string { return p.cfg.User }

// Dial calls an address.
func (p *LinphonePhone) Dial(_ context.Context, to string) error { return p.Type("call " + to) }

// Answer takes the call that is coming in.
func (p *LinphonePhone) Answer(context.Context) error { return p.Type("answer") }

// Hangup ends, refuses or takes back the call.
func (p *LinphonePhone) Hangup(context.Context) error { return p.Type("terminate") }

// Hold holds the call.
func (p *LinphonePhone) Hold(context.Context) error { return p.Type("pause") }

// Resume ends the hold.
func (p *LinphonePhone) Resume(context.Context) error { return p.Type("resume") }

// Transfer has the other side call an address instead.
func (p *LinphonePhone) Transfer(_ context.Context, to string) error {
	return p.Type("transfer " + to)
}

// Join has the other sides of two calls, by their numbers from 1, talk to each
// other instead (RFC 3891).
func (p *LinphonePhone) Join(one, two int) error {
	return p.Type(fmt.Sprintf("transfer %d --to-call %d", one, two))
}

// ResumeCall ends the hold of a call, by its number from 1.
func (p *LinphonePhone) ResumeCall(n int) error { return p.Type(fmt.Sprintf("resume %d", n)) }

// Press presses keys, one after the other.
func (p *LinphonePhone) Press(_ context.Context, keys string) error {
	for _, key := range keys {
		if err := p.Type(string(key)); err != nil {
			return err
		}
	}
	return nil
}

// linphoneSays is what linphonec prints when something happens to a call.
var linphoneSays = map[CallKind][]string{
	CallIncoming: {"Receiving new incoming call from "},
	CallRinging:  {"Call ", " ringing."},
	CallEarly:    {"Call ", " early media."},
	CallTalking:  {"Media streams established with "},
	CallHeld:     {"Call ", " has been paused by "},
	CallEnded:    {"Call ", " ended ("},
}

// WaitCall gives the next event of a kind, and passes over those before. A call
// that is talked in plays its tone and is recorded from then on.
func (p *LinphonePhone) WaitCall(ctx context.Context, kind CallKind) (CallEvent, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, says := p.taken, linphoneSays[kind]
	line, err := p.Out.WaitAfter(ctx, at, func(line string) bool {
		at++
		// It comes behind the prompt, or behind what is echoed.
		return Containing(says...)(line) || kind == CallEnded && Containing("Call ", " error.")(line)
	})
	if err != nil {
		return CallEvent{}, fmt.Errorf("%s waits for a call to be %s: %w", p.Name, kind, err)
	}
	p.taken = at
	if kind == CallTalking {
		_ = os.Remove(p.record) // of the call before, if there was one
		for _, do := range []string{"record " + filepath.Base(p.record), "play " + filepath.Base(p.tone)} {
			if err := p.Type(do); err != nil {
				return CallEvent{}, err
			}
		}
	}
	_, text, _ := strings.Cut(line, says[len(says)-1])
	return CallEvent{Kind: kind, Text: text}, nil
}

// Keys are those that it heard pressed so far.
func (p *LinphonePhone) Keys() string {
	var keys strings.Builder
	for _, line := range p.Out.All() {
		if _, rest, ok := strings.Cut(line, "Receiving tone "); ok && rest != "" {
			keys.WriteByte(rest[0])
		}
	}
	return keys.String()
}

// Heard is what it has recorded so far, since it last began to talk. linphonec
// leaves room for the file's header and writes that when it stops recording; what
// it then appends is not in the header's lengths until it stops again.
func (p *LinphonePhone) Heard() (Sound, error) {
	const header = 44
	raw, err := os.ReadFile(p.record)
	if err != nil {
		return Sound{}, fmt.Errorf("%s has heard nothing: %w", p.Name, err)
	}
	if len(raw) <= header {
		return Sound{}, fmt.Errorf("%s has heard nothing yet", p.Name)
	}
	return Sound{Rate: toneRate, Samples: pcm(raw[header:], 1)}, nil
}
