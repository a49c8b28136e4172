package peer

import (
	"context"
	"fmt"
	"strings"
)

// A JingleUser is an XMPP user whose sessions a test plays stanza by stanza.
type JingleUser struct {
	Chat *Chat
	JID  string // the full one of the user, at Chat
}

// Message sends a message of session initiation (XEP-0353): inside is what it
// carries.
func (u JingleUser) Message(to, inside string) error {
	return u.Chat.Raw(u.JID, fmt.Sprintf("<message type='chat' to='%s'>%s<store xmlns='urn:xmpp:hints'/></message>", to, inside))
}

// WaitMessage waits for a message of session initiation of a kind, such as
// "proceed".
func (u JingleUser) WaitMessage(ctx context.Context, kind, sid string) (ChatEvent, error) {
	e, err := u.Chat.Wait(ctx, func(e ChatEvent) bool {
		return e.As == u.JID && e.Event == "message" && e.Type != "error" && strings.Contains(e.XML, "urn:xmpp:jingle-message:0") &&
			strings.Contains(e.XML, ":"+kind+" ") && strings.Contains(e.XML, sid)
	})
	if err != nil {
		return e, fmt.Errorf("jingle peer: wait for %s: %w", kind, err)
	}
	return e, nil
}

// Do sends an action of a session, with what is inside, and waits for its answer.
func (u JingleUser) Do(ctx context.Context, to, action, sid, inside string) error {
	id := action + "-" + sid
	err := u.Chat.Raw(u.JID, fmt.Sprintf("<iq type='set' to='%s' id='%s'><jingle xmlns='urn:xmpp:jingle:1' action='%s' sid='%s' initiator='%s'>%s</jingle></iq>",
		to, id, action, sid, u.JID, inside))
	if err != nil {
		return err
	}
	e, err := u.Chat.Wait(ctx, func(e ChatEvent) bool { return e.As == u.JID && e.Event == "iq" && e.ID == id })
	if err != nil {
		return fmt.Errorf("jingle peer: %s: %w", action, err)
	}
	if e.Type != "result" {
		return fmt.Errorf("jingle peer: %s: %s", action, e.XML)
	}
	return nil
}

// Take waits for an action of the other side, and says that it came.
func (u JingleUser) Take(ctx context.Context, action string) (ChatEvent, error) {
	e, err := u.Chat.Wait(ctx, func(e ChatEvent) bool {
		return e.As == u.JID && e.Event == "iq" && e.Type == "set" && strings.Contains(e.XML, `action="`+action+`"`)
	})
	if err != nil {
		return e, fmt.Errorf("jingle peer: wait for %s: %w", action, err)
	}
	return e, u.Chat.Raw(u.JID, fmt.Sprintf("<iq type='result' to='%s' id='%s'/>", e.From, e.ID))
}
