package osc

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gateway/adapters/osc/wire"
	"gateway/bridge"
)

// signalAge is how old a message of OSC may be that somebody has typed.
const signalAge = 10 * time.Second

// compose makes the packet for a message from another network. signal says that
// it is a message of OSC that its writer has typed: that is for now, and never
// stored.
func (c *chat) compose(m bridge.Message, from, to bridge.Name) (packet []byte, signal bool, err error) {
	name := shortName(from, to)
	switch m.Kind {
	case bridge.Text, bridge.Signal:
		text := m.Body()
		if line, ok := typed(text); ok {
			packet, err = wire.ParseLine(line)
			if err == nil && c.reserves(packet) {
				err = errReserved
			}
			if err != nil {
				return nil, true, &bridge.Error{Op: "send", Cause: bridge.NotAcceptable, Reason: err.Error(), Err: err}
			}
			return packet, true, nil
		}
		packet, err = wire.Compose(c.address, name, withoutSlash(text))
	case bridge.Failed:
		packet, err = wire.Compose(c.address+"/"+failedPart, name, m.Cause.String(), oneLine(m.Reason, maxReason))
	default:
		return nil, false, &bridge.Error{Op: "send", Cause: bridge.Unsupported, Err: fmt.Errorf("a message of kind %d", m.Kind)}
	}
	switch {
	case err != nil:
		return nil, false, &bridge.Error{Op: "send", Cause: bridge.Internal, Err: err}
	case len(packet) > wire.MaxMember:
		return nil, false, &bridge.Error{Op: "send", Cause: bridge.TooLarge, Reason: "the message is too long"}
	}
	return packet, false, nil
}

// typed reports whether a text is a message of OSC: one line that begins with a
// slash. "//" is a text that begins with one, and "/me " what chats know.
func typed(text string) (line string, ok bool) {
	line = strings.TrimSpace(text)
	return line, strings.HasPrefix(text, "/") && !strings.HasPrefix(text, "//") && !strings.HasPrefix(text, "/me ") &&
		!strings.ContainsAny(line, "\r\n")
}

// withoutSlash takes the slash away that kept a text from being a message.
func withoutSlash(text string) string {
	if strings.HasPrefix(text, "//") {
		return text[1:]
	}
	return text
}

var errReserved = errors.New("addresses of the protocol, of texts, calls and presence are not for people")

// reserves reports whether a packet that somebody has typed would speak for the protocol
// itself, or for us: members would take it for another's text, or for news of a call. Its
// address may be a pattern that means one of ours.
func (c *chat) reserves(packet []byte) bool {
	m, ok := wire.First(packet)
	if !ok || isForServer(m.Address) {
		return true
	}
	news := []string{c.address, c.address + "/" + failedPart}
	if c.presence != "" {
		news = append(news, c.presence, c.presence+"/"+failedPart)
	}
	if c.calls.address != "" {
		news = append(news, c.calls.address)
		for _, part := range [...]string{incomingPart, ringingPart, answeredPart, failedPart, endedPart, dtmfPart} {
			news = append(news, c.calls.address+"/"+part)
		}
	}
	return slices.ContainsFunc(news, func(ours string) bool {
		return strings.HasPrefix(string(m.Address)+"/", ours+"/") || wire.Match(m.Address, []byte(ours))
	})
}

// parties reads whom a message is from and to.
func (c *chat) parties(m bridge.Message) (from, to bridge.Name, err error) {
	if from, err = c.naming.Parse(m.From.Name); err != nil {
		return from, to, &bridge.Error{Op: "send", Cause: bridge.BadAddress, Reason: "the sender has no address here", Err: err}
	}
	if to, err = c.naming.Parse(m.To.Name); err != nil {
		return from, to, &bridge.Error{Op: "send", Cause: bridge.BadAddress, Reason: "the recipient has no address here", Err: err}
	}
	return from, to, nil
}

// send hands a message from another network to the group, or one member of it,
// by deliver. Nobody answers for a text, so it is Relayed; a member may refuse
// it still.
func (c *chat) send(m bridge.Message, deliver func(to bridge.Name, packet []byte) error) (bridge.Outcome, error) {
	from, to, err := c.parties(m)
	if err != nil {
		return 0, err
	}
	packet, signal, err := c.compose(m, from, to)
	switch {
	case err != nil:
		return 0, err
	case signal && (m.Try != 0 || !m.At.IsZero() && c.now().Sub(m.At) > signalAge):
		return 0, &bridge.Error{Op: "send", Cause: bridge.Timeout, Reason: "too late to matter"}
	}
	name := shortName(from, to)
	if m.Kind != bridge.Failed && !signal {
		c.remember(m.ID, name, to, withoutSlash(m.Body()))
	}
	if err := deliver(to, packet); err != nil {
		e := asError(err)
		e.Retry = e.Retry && !signal
		return 0, e
	}
	switch {
	case m.Kind == bridge.Failed:
		return bridge.Taken, nil
	case from.Lead != "" && from.Main == to.Main:
		c.stay(to.Main, from.Lead)
	}
	if signal || m.Kind == bridge.Signal {
		return bridge.Taken, nil
	}
	return bridge.Relayed, nil
}

// errAway is for a member, or a group, that is not there now.
func errAway(reason string) *bridge.Error {
	return &bridge.Error{Op: "send", Cause: bridge.Unavailable, Reason: reason, Retry: true}
}
