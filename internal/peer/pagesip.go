package peer

import (
	"context"
	_ "embed" // for the page
	"encoding/json"
	"fmt"
	"net/http"
)

// The page, and what its library is made from.
var (
	//go:embed files/sip/page.html
	sipPage string
	//go:embed files/sip/page.js
	sipScript string
	//go:embed files/sip/package-lock.json
	sipLock []byte
)

// A SIPPage is a SIP user in a page in Chromium: the published library JsSIP
// (https://jssip.net) on the browser's WebRTC.
type SIPPage struct {
	callPage
	cfg SIPPageConfig
}

// SIPPageConfig is who is at a page.
type SIPPageConfig struct {
	Host           int // of the lab, that serves the page
	User, Password string
	Domain         string
	URL            string  // of the server's WebSocket (RFC 7118)
	Tone           float64 // what the user says, in Hz
}

// StartSIPPage opens a page, and returns when the user is registered. Whatever
// certificate the server shows is believed: a browser that asked nobody has no other
// way to be told of an authority.
func StartSIPPage(ctx context.Context, lab *Lab, cfg SIPPageConfig) (*SIPPage, error) {
	library, err := pageLibrary("jssip", sipLock)
	if err != nil {
		return nil, err
	}
	p := &SIPPage{cfg: cfg}
	err = p.openCalls(lab, "page "+cfg.User, cfg.Host, map[string]pageFile{
		"/{$}":      {"text/html", sipPage},
		"/page.js":  {"text/javascript", sipScript},
		"/jssip.js": {"text/javascript", library},
	}, "--ignore-certificate-errors")
	if err != nil {
		return nil, err
	}
	p.ready = p.register
	return p, p.begin(ctx)
}

func (p *SIPPage) register(ctx context.Context) error {
	mark := p.Events.Len()
	err := p.do(ctx, "register", map[string]any{
		"uri": "sip:" + p.cfg.User + "@" + p.cfg.Domain, "password": p.cfg.Password, "url": p.cfg.URL, "tone": p.cfg.Tone,
	}, nil)
	if err != nil {
		return err
	}
	e, err := p.WaitEvent(ctx, mark, func(e PageEvent) bool { return e.Event == "registered" || e.Event == "refused" })
	if err == nil && e.Event != "registered" {
		err = fmt.Errorf("page: %s is refused: %s", p.cfg.User, e.Text)
	}
	return err
}

// Number is the user's name.
func (p *SIPPage) Number() string { return p.cfg.User }

// Send writes a text, and returns when it has been taken.
func (p *SIPPage) Send(ctx context.Context, to, text string) error {
	return p.do(ctx, "text", map[string]any{"to": to, "text": text}, nil)
}

// WaitText gives the first text that is text.
func (p *SIPPage) WaitText(ctx context.Context, text string) (Text, error) {
	e, err := p.WaitEvent(ctx, 0, func(e PageEvent) bool { return e.Event == "text" && e.Text == text })
	return Text{From: e.From, Text: e.Text}, err
}

// Dial calls an address.
func (p *SIPPage) Dial(ctx context.Context, to string) error {
	p.forget()
	return p.do(ctx, "dial", map[string]any{"to": to}, nil)
}

// Answer takes the call that is coming in.
func (p *SIPPage) Answer(ctx context.Context) error {
	p.forget()
	return p.do(ctx, "answer", nil, nil)
}

// Hangup ends, refuses or takes back the call.
func (p *SIPPage) Hangup(ctx context.Context) error { return p.do(ctx, "end", nil, nil) }

// Hold holds the call.
func (p *SIPPage) Hold(ctx context.Context) error { return p.do(ctx, "hold", nil, nil) }

// Resume ends the hold.
func (p *SIPPage) Resume(ctx context.Context) error { return p.do(ctx, "resume", nil, nil) }

// Press presses keys: telephone-events, by the browser.
func (p *SIPPage) Press(ctx context.Context, keys string) error {
	return p.do(ctx, "press", map[string]any{"keys": keys}, nil)
}

// Transfer is an error: the page has no way for it.
func (p *SIPPage) Transfer(context.Context, string) error {
	return fmt.Errorf("page: transfer: %w", http.ErrNotSupported)
}

// Stats asks the browser about the last call.
func (p *SIPPage) Stats(ctx context.Context) (json.RawMessage, error) {
	var all json.RawMessage
	err := p.do(ctx, "stats", nil, &all)
	return all, err
}
