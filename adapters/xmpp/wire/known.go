package wire

// known gives the words that most stanzas are made of, none of which has anything that is escaped, without taking memory.
func known(b []byte) (string, bool) {
	switch string(b) {
	case "":
		return "", true
	case "message":
		return "message", true
	case "iq":
		return "iq", true
	case "presence":
		return "presence", true
	case "body":
		return "body", true
	case "thread":
		return "thread", true
	case "error":
		return "error", true
	case "ping":
		return "ping", true
	case "request":
		return "request", true
	case "received":
		return "received", true
	case "markable":
		return "markable", true
	case "active":
		return "active", true
	case "origin-id":
		return "origin-id", true
	case "stanza-id":
		return "stanza-id", true
	}
	return knownValue(string(b))
}

// knownValue is known for attributes and what they say most.
func knownValue(s string) (string, bool) {
	switch s {
	case "id":
		return "id", true
	case "to":
		return "to", true
	case "from":
		return "from", true
	case "type":
		return "type", true
	case "by":
		return "by", true
	case "xml":
		return "xml", true
	case "lang":
		return "lang", true
	case "xmlns":
		return "xmlns", true
	case "chat":
		return "chat", true
	case "get":
		return "get", true
	case "set":
		return "set", true
	case "result":
		return "result", true
	case "en":
		return "en", true
	case "jabber:client":
		return "jabber:client", true
	case "jabber:component:accept":
		return "jabber:component:accept", true
	case "urn:xmpp:ping":
		return "urn:xmpp:ping", true
	case "urn:xmpp:sid:0":
		return "urn:xmpp:sid:0", true
	case "urn:xmpp:receipts":
		return "urn:xmpp:receipts", true
	case "urn:xmpp:chat-markers:0":
		return "urn:xmpp:chat-markers:0", true
	case "http://jabber.org/protocol/chatstates":
		return "http://jabber.org/protocol/chatstates", true
	}
	return "", false
}
