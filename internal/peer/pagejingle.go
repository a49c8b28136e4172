package peer

import (
	"context"
	_ "embed" // for the page
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// The page, and what its library is made from.
var (
	//go:embed files/jingle/page.html
	jinglePage string
	//go:embed files/jingle/page.js
	jingleScript string
	//go:embed files/jingle/package-lock.json
	jingleLock []byte
)

// A JinglePage is an XMPP user in a page in Chromium: the published library
// stanza (Jingle) on the browser's WebRTC, with a tone for a microphone. It
// calls no STUN server, and hears nothing before a call is taken.
type JinglePage struct {
	callPage
	cfg JingleConfig
}

// JingleConfig is who is at a page.
type JingleConfig struct {
	Host     int    // of the lab, that serves the page
	JID      string // full: "alice@example.org/desk"
	Password string
	URL      string  // of the server's WebSocket (RFC 7395)
	Tone     float64 // what the user says, in Hz
	Codec    string  // the only one of the user's, such as "pcmu"; "" for all there are
	// Silent: it does not say that it rings.
	Silent bool
	// Messages: it says that it knows message initiation (XEP-0353). What it says and
	// takes of that is the test's to do, by Raw.
	Messages bool
	// Batch: all candidates are in the first word, none come later.
	Batch bool
}

// WebSocketURL is where an XMPP server at XMPPHost of the lab takes WebSockets: a
// Prosody or an Ejabberd.
func WebSocketURL(lab *Lab) string {
	return "ws://" + lab.At(XMPPHost, webSocketPort) + "/xmpp-websocket"
}

const webSocketPort = 25280

// A PageEvent is something that a page has seen.
type PageEvent struct {
	Event  string          `json:"event"`
	Text   string          `json:"text"`   // of "sent" and "got", a stanza; of "candidate"
	State  string          `json:"state"`  // of "connection", RTCPeerConnection.connectionState
	From   string          `json:"from"`   // of "incoming" and "subscribed"
	Reason string          `json:"reason"` // of "ended", the word in session-terminate
	ID     int             `json:"id"`     // of "done", the order's
	Error  string          `json:"error"`  // of "done", "" if it went well
	Result json.RawMessage `json:"result"` // of "done"
}

// StartJinglePage opens a page, and returns when the user is online.
func StartJinglePage(ctx context.Context, lab *Lab, cfg JingleConfig) (*JinglePage, error) {
	library, err := pageLibrary("stanza", jingleLock)
	if err != nil {
		return nil, err
	}
	p := &JinglePage{cfg: cfg}
	local, _, _ := strings.Cut(cfg.JID, "@")
	err = p.openCalls(lab, "page "+local, cfg.Host, map[string]pageFile{
		"/{$}":       {"text/html", jinglePage},
		"/page.js":   {"text/javascript", jingleScript},
		"/stanza.js": {"text/javascript", library},
	})
	if err != nil {
		return nil, err
	}
	p.ready = p.login
	return p, p.begin(ctx)
}

// login has the user come online.
func (p *JinglePage) login(ctx context.Context) error {
	mark := p.Events.Len()
	err := p.do(ctx, "login", map[string]any{
		"jid": p.cfg.JID, "password": p.cfg.Password, "url": p.cfg.URL, "tone": p.cfg.Tone,
		"codec": p.cfg.Codec, "silent": p.cfg.Silent, "trickle": !p.cfg.Batch,
		"messages": p.cfg.Messages,
	}, nil)
	if err != nil {
		return err
	}
	e, err := p.WaitEvent(ctx, mark, func(e PageEvent) bool {
		return e.Event == "online" || e.Event == "refused" || e.Event == "offline"
	})
	if err == nil && e.Event != "online" {
		err = fmt.Errorf("page: %s is %s", p.cfg.JID, e.Event)
	}
	return err
}

// Stanzas are those that the page has sent or got so far, in their order, each
// behind "sent " or "got ".
func (p *JinglePage) Stanzas() []string {
	var all []string
	for _, line := range p.Events.All() {
		var e PageEvent
		if json.Unmarshal([]byte(line), &e) == nil && (e.Event == "sent" || e.Event == "got") {
			all = append(all, e.Event+" "+e.Text)
		}
	}
	return all
}

// Number is the local part of the user's address.
func (p *JinglePage) Number() string {
	local, _, _ := strings.Cut(p.cfg.JID, "@")
	return local
}

// Dial calls a full JID.
func (p *JinglePage) Dial(ctx context.Context, to string) error {
	p.forget()
	return p.do(ctx, "dial", map[string]any{"to": to}, nil)
}

// DialAs is Dial of a call that has an ID already, by a message before.
func (p *JinglePage) DialAs(ctx context.Context, to, sid string) error {
	p.forget()
	return p.do(ctx, "dial", map[string]any{"to": to, "sid": sid}, nil)
}

// Answer takes the call that is coming in.
func (p *JinglePage) Answer(ctx context.Context) error {
	p.forget()
	return p.do(ctx, "answer", nil, nil)
}

// Hangup ends the call. One that has not been taken is ended as the library's
// user would by End.
func (p *JinglePage) Hangup(ctx context.Context) error { return p.End(ctx, "success") }

// End ends the call with one of the words of XEP-0166 section 7.4: success,
// busy, decline, cancel ...
func (p *JinglePage) End(ctx context.Context, reason string) error {
	return p.do(ctx, "end", map[string]any{"reason": reason}, nil)
}

// Hold says that the call is held; the microphone stays on.
func (p *JinglePage) Hold(ctx context.Context) error { return p.do(ctx, "hold", nil, nil) }

// Resume ends the hold.
func (p *JinglePage) Resume(ctx context.Context) error { return p.do(ctx, "resume", nil, nil) }

// Press presses keys: telephone-events, by the browser.
func (p *JinglePage) Press(ctx context.Context, keys string) error {
	return p.do(ctx, "press", map[string]any{"keys": keys}, nil)
}

// Transfer is an error: Jingle has none that the library knows.
func (p *JinglePage) Transfer(context.Context, string) error {
	return fmt.Errorf("page: transfer: %w", http.ErrNotSupported)
}

// RestartICE begins another run of ICE, with new credentials.
func (p *JinglePage) RestartICE(ctx context.Context) error { return p.do(ctx, "restart", nil, nil) }

// Raw sends a stanza as it is.
func (p *JinglePage) Raw(ctx context.Context, xml string) error {
	return p.do(ctx, "raw", map[string]any{"text": xml}, nil)
}

// Subscribe asks for the presence of a bare JID, and waits until that is granted.
// Whoever asks for the user's is granted it.
func (p *JinglePage) Subscribe(ctx context.Context, to string) error {
	mark := p.Events.Len()
	if err := p.do(ctx, "subscribe", map[string]any{"to": to}, nil); err != nil {
		return err
	}
	_, err := p.WaitEvent(ctx, mark, func(e PageEvent) bool { return e.Event == "subscribed" && e.From == to })
	return err
}

// Logout takes the user offline.
func (p *JinglePage) Logout(ctx context.Context) error {
	mark := p.Events.Len()
	if err := p.do(ctx, "logout", nil, nil); err != nil {
		return err
	}
	_, err := p.WaitEvent(ctx, mark, func(e PageEvent) bool { return e.Event == "offline" })
	return err
}

// A PageStat is one entry of what RTCPeerConnection.getStats says, as far as
// tests look at it.
type PageStat struct {
	Type      string `json:"type"` // "codec", "transport", "inbound-rtp", "local-candidate" ...
	MimeType  string `json:"mimeType"`
	SRTP      string `json:"srtpCipher"`
	DTLS      string `json:"dtlsState"`
	Role      string `json:"dtlsRole"`
	Address   string `json:"address"`
	Candidate string `json:"candidateType"`
	SSRC      uint32 `json:"ssrc"`
	Packets   int    `json:"packetsReceived"`
	Lost      int    `json:"packetsLost"`
}

// Stats asks the browser about the last call.
func (p *JinglePage) Stats(ctx context.Context) ([]PageStat, error) {
	var all []PageStat
	err := p.do(ctx, "stats", nil, &all)
	return all, err
}
