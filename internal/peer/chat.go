package peer

import (
	"context"
	_ "embed" // for the client program
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
)

//go:embed files/chat.py
var chatProgram string

// Chat is XMPP users at their clients, made with slixmpp. One process serves
// them all; each stays connected until it logs out.
type Chat struct {
	Program
	lab *Lab
}

// A ChatBody is a text in one language.
type ChatBody struct {
	Lang string `json:"lang"` // "" if not said
	Text string `json:"text"`
}

// A ChatMessage is one that a user sends.
type ChatMessage struct {
	As      string     `json:"as"` // the full JID of the user who sends
	To      string     `json:"to"`
	ID      string     `json:"id,omitempty"`
	Type    string     `json:"type,omitempty"` // chat, normal, headline ...
	Thread  string     `json:"thread,omitempty"`
	Subject string     `json:"subject,omitempty"`
	Bodies  []ChatBody `json:"bodies"`
}

// A ChatEvent is something a user's client has seen.
type ChatEvent struct {
	Event string `json:"event"` // ready, online, offline, refused, message, iq, presence
	As    string `json:"as"`    // the full JID of the user who saw it
	Why   string `json:"why"`   // of refused, if it is known

	// Of a message or an iq:
	From     string     `json:"from"`
	To       string     `json:"to"`
	ID       string     `json:"id"`
	Type     string     `json:"type"`
	Lang     string     `json:"lang"`
	Thread   string     `json:"thread"`
	Delay    string     `json:"delay"` // the stamp (XEP-0203)
	Subjects []ChatBody `json:"subjects"`
	Bodies   []ChatBody `json:"bodies"`
	Error    *ChatError `json:"error"`
	XML      string     `json:"xml"`

	Origin    string   `json:"origin"`    // the origin-id (XEP-0359)
	Received  string   `json:"received"`  // the id that a receipt is for (XEP-0184)
	Displayed string   `json:"displayed"` // the id that a marker is for (XEP-0333)
	Show      string   `json:"show"`      // of a presence
	State     string   `json:"state"`     // a chat state (XEP-0085): composing, active ...
	Wants     []string `json:"wants"`     // "receipts", "markers"
}

// A ChatError is a stanza error (RFC 6120 section 8.3).
type ChatError struct {
	Type      string `json:"type"`
	Condition string `json:"condition"`
	Text      string `json:"text"`
}

// Asks says whether the message asks for "receipts" (XEP-0184) or "markers"
// (XEP-0333).
func (e ChatEvent) Asks(what string) bool { return slices.Contains(e.Wants, what) }

// Body is the first text, "" if there is none.
func (e ChatEvent) Body() string {
	if len(e.Bodies) == 0 {
		return ""
	}
	return e.Bodies[0].Text
}

// StartChat runs the clients; nobody is logged in yet.
func StartChat(ctx context.Context, lab *Lab) (*Chat, error) {
	const python = "/usr/bin/python3" // Debian's own has Debian's modules
	dir, err := lab.Dir("chat")
	if err != nil {
		return nil, err
	}
	file, err := write(dir, "chat.py", chatProgram)
	if err != nil {
		return nil, err
	}
	c := &Chat{lab: lab}
	c.Program = Program{
		Name: "chat clients", dir: dir, ready: c.isReady,
		argv: []string{python, file, lab.Host(XMPPHost), strconv.Itoa(XMPPPort)},
	}
	lab.add(&c.Program)
	return c, c.Start(ctx)
}

func (c *Chat) isReady(ctx context.Context) error {
	_, err := c.Wait(ctx, func(e ChatEvent) bool { return e.Event == "ready" })
	return err
}

// Login connects the full JID user and returns when it is online.
func (c *Chat) Login(ctx context.Context, user, password string) error {
	mark := c.Out.Len()
	if err := c.do(map[string]string{"do": "login", "as": user, "password": password}); err != nil {
		return err
	}
	e, err := c.WaitAfter(ctx, mark, func(e ChatEvent) bool {
		return e.As == user && (e.Event == "online" || e.Event == "refused")
	})
	if err != nil {
		return fmt.Errorf("log %s in: %w", user, err)
	}
	if e.Event != "online" {
		return fmt.Errorf("log %s in: %s %s", user, e.Event, e.Why)
	}
	return nil
}

// Logout disconnects the full JID user and returns when it is offline.
func (c *Chat) Logout(ctx context.Context, user string) error {
	mark := c.Out.Len()
	if err := c.do(map[string]string{"do": "logout", "as": user}); err != nil {
		return err
	}
	_, err := c.WaitAfter(ctx, mark, func(e ChatEvent) bool { return e.As == user && e.Event == "offline" })
	return err
}

// Send sends m.
func (c *Chat) Send(m ChatMessage) error {
	return c.do(struct {
		Do string `json:"do"`
		ChatMessage
	}{"send", m})
}

// Say sends a text of type chat, with an id.
func (c *Chat) Say(as, to, id, text string) error {
	return c.Send(ChatMessage{As: as, To: to, ID: id, Type: "chat", Bodies: []ChatBody{{Text: text}}})
}

// Raw sends a stanza as it is.
func (c *Chat) Raw(as, xml string) error {
	return c.do(map[string]string{"do": "raw", "as": as, "xml": xml})
}

func (c *Chat) do(what any) error {
	line, err := json.Marshal(what)
	if err != nil {
		return err
	}
	return c.Type(string(line))
}

// Wait gives the first event of all that match likes, once there is one.
func (c *Chat) Wait(ctx context.Context, match func(ChatEvent) bool) (ChatEvent, error) {
	return c.WaitAfter(ctx, 0, match)
}

// WaitAfter is Wait for the events behind the first mark lines of Out.
func (c *Chat) WaitAfter(ctx context.Context, mark int, match func(ChatEvent) bool) (ChatEvent, error) {
	var found ChatEvent
	_, err := c.Out.WaitAfter(ctx, mark, func(line string) bool {
		e, ok := chatEvent(line)
		if !ok || !match(e) {
			return false
		}
		found = e
		return true
	})
	return found, err
}

// Events gives the events behind the first mark lines of Out, at least one, and
// the mark behind them.
func (c *Chat) Events(ctx context.Context, mark int) ([]ChatEvent, int, error) {
	var all []ChatEvent
	for len(all) == 0 {
		if _, err := c.Out.WaitAfter(ctx, mark, func(string) bool { return true }); err != nil {
			return nil, mark, err
		}
		lines := c.Out.All()[mark:]
		mark += len(lines)
		for _, line := range lines {
			if e, ok := chatEvent(line); ok {
				all = append(all, e)
			}
		}
	}
	return all, mark, nil
}

// All is every event so far, in order.
func (c *Chat) All() []ChatEvent {
	var all []ChatEvent
	for _, line := range c.Out.All() {
		if e, ok := chatEvent(line); ok {
			all = append(all, e)
		}
	}
	return all
}

// Texts gives the messages with a text that the full JID user got so far, in
// their order. Errors are not among them.
func (c *Chat) Texts(user string) []ChatEvent {
	var all []ChatEvent
	for _, e := range c.All() {
		if e.As == user && e.Event == "message" && e.Type != "error" && e.Body() != "" {
			all = append(all, e)
		}
	}
	return all
}

// WaitText gives the first message for the full JID user whose text is text.
func (c *Chat) WaitText(ctx context.Context, user, text string) (ChatEvent, error) {
	return c.Wait(ctx, func(e ChatEvent) bool {
		return e.As == user && e.Event == "message" && e.Type != "error" && e.Body() == text
	})
}

// WaitError gives the error that the full JID user got for the stanza id.
func (c *Chat) WaitError(ctx context.Context, user, id string) (ChatEvent, error) {
	return c.Wait(ctx, func(e ChatEvent) bool {
		return e.As == user && e.Type == "error" && e.ID == id && e.Error != nil
	})
}

// Ask sends a get query and gives its answer, a result or an error. query is
// the iq's child.
func (c *Chat) Ask(ctx context.Context, as, to, id, query string) (ChatEvent, error) {
	xml := fmt.Sprintf("<iq type='get' to='%s' id='%s'>%s</iq>", to, id, query)
	if err := c.Raw(as, xml); err != nil {
		return ChatEvent{}, err
	}
	return c.Wait(ctx, func(e ChatEvent) bool { return e.As == as && e.Event == "iq" && e.ID == id })
}

func chatEvent(line string) (ChatEvent, bool) {
	var e ChatEvent
	if len(line) == 0 || line[0] != '{' {
		return e, false // Python's own words
	}
	err := json.Unmarshal([]byte(line), &e)
	return e, err == nil
}
