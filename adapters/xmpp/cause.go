package xmpp

import "gateway/bridge"

// nsStanzas qualifies the conditions and texts of stanza errors (RFC 6120
// section 8.3).
const nsStanzas = "urn:ietf:params:xml:ns:xmpp-stanzas"

// A condition is a stanza error's defined condition with the type that goes
// with it (RFC 6120 section 8.3.2).
type condition struct{ name, kind string }

// toCondition says a cause in the words of RFC 6120 section 8.3.3, by way of
// RFC 7247 section 5, table 3. It departs from that where it would say less
// than we know: too much at once is resource-constraint.
func toCondition(c bridge.Cause) condition {
	switch c {
	case bridge.Malformed:
		return condition{"bad-request", "modify"}
	case bridge.Unauthorized:
		return condition{"not-authorized", "auth"}
	case bridge.Unregistered:
		return condition{"registration-required", "auth"}
	case bridge.Forbidden:
		return condition{"forbidden", "auth"}
	case bridge.NotFound, bridge.BadAddress:
		return condition{"item-not-found", "cancel"}
	case bridge.Gone:
		return condition{"gone", "cancel"}
	case bridge.Moved:
		return condition{"redirect", "modify"}
	case bridge.Unsupported:
		return condition{"feature-not-implemented", "cancel"}
	case bridge.NotAcceptable, bridge.WrongType:
		return condition{"not-acceptable", "modify"}
	case bridge.Looped:
		return condition{"not-acceptable", "cancel"}
	case bridge.Policy, bridge.TooLarge:
		return condition{"policy-violation", "modify"}
	case bridge.Unavailable, bridge.Busy, bridge.BusyEverywhere:
		return condition{"recipient-unavailable", "wait"}
	case bridge.Declined, bridge.Cancelled:
		return condition{"recipient-unavailable", "cancel"}
	case bridge.Conflict:
		return condition{"unexpected-request", "wait"}
	case bridge.Constrained, bridge.Overloaded:
		return condition{"resource-constraint", "wait"}
	case bridge.NoRoute:
		return condition{"remote-server-not-found", "cancel"}
	case bridge.Timeout, bridge.GatewayTimeout:
		return condition{"remote-server-timeout", "wait"}
	default: // bridge.Internal among them
		return condition{"internal-server-error", "wait"}
	}
}

// fromCondition is the way back, by RFC 7247 section 5, table 2, but that
// service-unavailable is what servers say for a recipient who is not there and
// for one they don't know alike (RFC 6121 section 8.5), and that a server that
// does not answer is told from a peer that does not. known is false for a
// condition that no RFC defines.
func fromCondition(name string) (c bridge.Cause, known bool) {
	switch name {
	case "bad-request", "conflict", "jid-malformed", "subscription-required", "undefined-condition":
		return bridge.Malformed, true
	case "feature-not-implemented":
		return bridge.Unsupported, true
	case "forbidden", "not-allowed":
		return bridge.Forbidden, true
	case "gone":
		return bridge.Gone, true
	case "internal-server-error":
		return bridge.Internal, true
	case "item-not-found":
		return bridge.NotFound, true
	case "not-acceptable":
		return bridge.NotAcceptable, true
	case "not-authorized":
		return bridge.Unauthorized, true
	case "policy-violation":
		return bridge.Policy, true
	case "recipient-unavailable", "service-unavailable":
		return bridge.Unavailable, true
	case "redirect":
		return bridge.Moved, true
	case "registration-required":
		return bridge.Unregistered, true
	case "remote-server-not-found":
		return bridge.NoRoute, true
	case "remote-server-timeout":
		return bridge.Timeout, true
	case "resource-constraint":
		return bridge.Constrained, true
	case "unexpected-request":
		return bridge.Conflict, true
	}
	return bridge.Malformed, false
}
