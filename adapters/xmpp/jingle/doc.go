// Package jingle has the forms of Jingle on the wire, and translates between them
// and the bridge's words. It is pure: no I/O, no clock, no goroutine.
//
//	Element ⇄ Jingle, Message          XEP-0166, XEP-0353: what is said of a session
//	          └ Content                XEP-0167, 0176, 0320: of one stream of it
//	             └ Exchange ⇄ bridge.Stream, media.Setting
//
// What comes from a network is bounded before it is looked at, and what is not
// understood is passed over where its XEP allows that.
package jingle

// The namespaces.
const (
	NS          = "urn:xmpp:jingle:1"                     // XEP-0166
	NSErrors    = "urn:xmpp:jingle:errors:1"              // XEP-0166 section 10
	NSRTP       = "urn:xmpp:jingle:apps:rtp:1"            // XEP-0167
	NSAudio     = "urn:xmpp:jingle:apps:rtp:audio"        // XEP-0167 section 12
	NSInfo      = "urn:xmpp:jingle:apps:rtp:info:1"       // XEP-0167 section 8
	NSRTPErrors = "urn:xmpp:jingle:apps:rtp:errors:1"     // XEP-0167 section 6.5
	NSICE       = "urn:xmpp:jingle:transports:ice-udp:1"  // XEP-0176
	NSRaw       = "urn:xmpp:jingle:transports:raw-udp:1"  // XEP-0177
	NSDTLS      = "urn:xmpp:jingle:apps:dtls:0"           // XEP-0320
	NSGroup     = "urn:xmpp:jingle:apps:grouping:0"       // XEP-0338
	NSMessage   = "urn:xmpp:jingle-message:0"             // XEP-0353
	NSDisco     = "http://jabber.org/protocol/disco#info" // XEP-0030
	NSCaps      = "http://jabber.org/protocol/caps"       // XEP-0115
	nsNick      = "http://jabber.org/protocol/nick"       // XEP-0172
	nsForm      = "jabber:x:data"                         // XEP-0004
	nsXML       = "http://www.w3.org/XML/1998/namespace"  // the prefix xml
)

// Bounds on what one element may have of each.
const (
	MaxSID        = 128 // bytes of a session's identity
	maxContents   = 16
	maxPayloads   = 64
	maxParams     = 32
	maxParamBytes = 512 // of one payload's parameters together
	maxCandidates = 128
	maxPrints     = 8
	maxCryptos    = 16
	maxName       = 128 // bytes of a content's name
	maxText       = 256 // bytes of a word about a reason
	maxCred       = 256 // characters of ufrag and pwd (RFC 8839 section 5.4)
	maxFeatures   = 512 // of a disco#info answer
)
