// Package wire stands between the socket and the XML decoder of a component's
// stream.
//
// A stream is one endless XML document, so one stanza that the decoder does
// not like ends it, and with it everybody's messages. Other people's stanzas
// must not be able to do that. [Reader] therefore cuts the stream into stanzas
// without parsing it, holds each back until it is complete and within
// [Limits], decodes it by itself, and lets it through only if that works.
// What is over a limit is skipped without being kept. [Reader.Stanza] gives what that decoder
// has made of it, so that nobody decodes it once more.
//
//	socket -> scanner -> limits -> decoded alone -> Read
//	                       |            |
//	                       +--> Drop <--+
//
// Only a stream that is itself broken is an error: text between stanzas, an
// end tag too many, a document type.
package wire
