package xmpp

import "gateway/bridge"

// reasons are the causes that a call ends for in the words of XEP-0166 section
// 7.4. What is the same word for several means the first of them on the way back.
var reasons = []struct {
	cause bridge.Cause
	word  string
	text  string // for people, where the word says too little
}{
	{bridge.Normal, "success", ""},
	{bridge.Replaced, "success", "the call goes on elsewhere"},
	{bridge.Busy, "busy", ""},
	{bridge.BusyEverywhere, "busy", ""},
	{bridge.Declined, "decline", ""},
	{bridge.Forbidden, "decline", "not allowed"},
	{bridge.Unauthorized, "decline", "not allowed"},
	{bridge.Unregistered, "decline", "not allowed"},
	{bridge.Policy, "decline", "against a rule of the place"},
	{bridge.Cancelled, "cancel", ""},
	{bridge.Elsewhere, "cancel", "answered elsewhere"},
	{bridge.Timeout, "timeout", ""},
	{bridge.GatewayTimeout, "timeout", ""},
	{bridge.Unavailable, "gone", "not there now"},
	{bridge.Gone, "gone", "not there any more"},
	{bridge.NotFound, "gone", "number not found"},
	{bridge.BadAddress, "gone", "number not found"},
	{bridge.Moved, "alternative-session", ""},
	{bridge.NotAcceptable, "incompatible-parameters", ""},
	{bridge.WrongType, "incompatible-parameters", ""},
	{bridge.TooLarge, "incompatible-parameters", ""},
	{bridge.Unsupported, "unsupported-applications", ""},
	{bridge.Insecure, "security-error", ""},
	{bridge.NoMedia, "connectivity-error", ""},
	{bridge.Internal, "general-error", ""},
	{bridge.Malformed, "general-error", ""},
	{bridge.Looped, "general-error", "the call goes in circles"},
	{bridge.Conflict, "general-error", "two calls have crossed"},
	{bridge.Constrained, "general-error", "no room for the call now"},
	{bridge.Overloaded, "general-error", "too many calls now"},
	{bridge.NoRoute, "general-error", "the network can't be found"},
}

// otherReasons are words that we don't say ourselves.
var otherReasons = map[string]bridge.Cause{
	"expired":                bridge.Timeout,
	"failed-application":     bridge.Internal,
	"failed-transport":       bridge.NoMedia,
	"media-error":            bridge.Internal,
	"unsupported-transports": bridge.NotAcceptable,
}

// toReason is what a cause is called when a session ends for it, and a text
// for people, or "".
func toReason(c bridge.Cause) (word, text string) {
	for _, r := range reasons {
		if r.cause == c {
			return r.word, r.text
		}
	}
	return "general-error", ""
}

// fromReason is the way back; none for what is not known, or not said.
func fromReason(word string, none bridge.Cause) bridge.Cause {
	for _, r := range reasons {
		if r.word == word {
			return r.cause
		}
	}
	if c, ok := otherReasons[word]; ok {
		return c
	}
	return none
}
