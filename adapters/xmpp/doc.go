// Package xmpp joins the bridge to an XMPP server as an external component
// (XEP-0114): everything at the component's domain is ours.
//
//	server --- wire.Conn --- reader --- message.go, iq.go, presence.go --> bridge
//	               ^                          |
//	               +------ writer <-- queue <-+------------------- SendMessage
//
// Adapter keeps one session with the server, and looks for the server again
// when it is lost. In a session one goroutine reads and hands on, one writes
// what the queue holds and nobody could write at once, and one asks the server now and
// then whether it is still there. Nothing that stands in a stanza may end the stream: package
// wire keeps what would choke the decoder from it, addresses are parsed here
// and not by the library, and a panic ends with its stanza.
//
// # Addresses
//
// The bridge's names are localpart @ domain / resource, with the localpart
// decoded (XEP-0106): o\27malley@phones.example.org is the name
// o'malley@phones.example.org.
//
// # Messages out
//
// A message is taken when the server has handled it. Components have no
// acknowledgements, but a server handles what one component sends in order; so
// behind messages goes an IQ to ourselves, the barrier, and when it comes back,
// so have the errors for recipients at that server. A recipient in one of the
// configured domains has the message then; for others it is relayed, and an
// error that comes later is told to the bridge.
//
// That is certain where one thread of the server decides, as in Prosody. In
// ejabberd it is so for recipients who are unknown or away; what the session of
// one who is there says (that it blocks the sender, say) may come behind the
// barrier. Such an error is counted as late, and logged.
//
// The identity of a message on the wire is the bridge's, a dot, and marks that
// only this gateway can make of it and the text, and of it and the recipient.
// So a message that comes back to us is known and goes nowhere, and an error
// counts only from the address that the message went to, or its domain.
//
// # Messages in
//
// Types chat, normal and headline with a body or a subject go to the bridge.
// What it refuses is answered with an error, what it takes with nothing. Group
// chat is refused.
//
// What extends a text is put in words, for its reader has a phone:
//
//	correction (XEP-0308)      "(corrected) " before the new text
//	reply (XEP-0461)           the quote stays, cut at 100 characters: > Shall we …
//	reactions (XEP-0444)       "reacted 👍"; nothing when they are taken back
//	retraction (XEP-0424)      "deleted a message"
//	file (XEP-0066, XEP-0363)  its link, behind the text if that does not have it
//
// A body that is there without being marked as a mere fallback (XEP-0428) goes
// before such words. Styling and /me stay as they are; XHTML is passed over. A
// text that only clients with the keys can read (OMEMO, OpenPGP, OTR) never
// goes to the bridge, nor does what stands in for it: each is refused with
// not-acceptable, and once a day its writer is told in a message what to do.
//
// A text that was taken and fails later gets an error too. A server drops one
// for a client that has gone; so if its writer has not written it within the last
// minute, or we don't know, a text besides says what happened.
//
// # Receipts
//
// Receipts (XEP-0184) and markers (XEP-0333) name a text by its stanza's id. One
// for a text of ours counts if the id has our marks and the text went to whom
// it comes from. Clients mark only the last that was displayed, which stands for
// those before it too. One of ours goes to the very address that asked, when the
// bridge knows, and is handed on like a text: behind it goes a barrier.
//
// # Chat states
//
// In: composing says that somebody writes, every other state alone in a message
// that nobody does (XEP-0085). Out: composing and active (RFC 7573 table 3), with
// a hint not to store them, and without a barrier; only to who has ever sent us
// one, and never the same twice in a row. A text has active in it until its
// recipient has written without, so that clients know that we understand
// (XEP-0085 section 5.1).
//
// Receipts and chat states have ids of their own kind, and an error for one is
// passed over.
//
// # The end
//
// When our time has come we close our side of the stream and read on until the
// server has closed its own, as what it has sent by then is in nobody's hands but
// ours. What the bridge refuses of that can only be answered in another session.
// So we come back for a moment: handshake, answers and the end of the stream go
// out at once, so that hardly anything can come in between; if something does,
// once more, five times and three seconds at most. An answer that a lost
// connection did not take goes out in the next session, or likewise at the end.
//
// What a server has not written when it closes the stream is its own to refuse.
// Prosody does. A session of ejabberd may take with it what was sent to it in its
// last moments.
//
// # Presence
//
// Whoever the maps let reach somebody behind the gateway may be shown that
// party: a request to subscribe is granted when the bridge has it on disk, and
// asked back, for clients trust those whom they let see their user; others are
// declined (unsubscribed) at once. A server's probe counts as asking once more.
// Parties here have one device, "gateway". What users show of themselves is
// known for the time of a session, and asked for when a new one begins. Joining
// a room here is refused.
//
// # Calls
//
// A call is a session of Jingle (package jingle), one stream of sound by ICE,
// encrypted by DTLS-SRTP, or by SDES for clients that know nothing else; where a map
// allows it, not encrypted, and without ICE (XEP-0177) for who has none. It begins
// by message where clients know that (XEP-0353), else with the session at once.
//
//	client ─ propose ─▶  Incoming, with what we offer ourselves
//	       ◀ ringing ──  Ring: the telephone rings
//	       ◀ proceed ──  Accept: somebody has taken it there
//	       ─ session ─▶  answered with what was chosen; else an Offered first
//
//	Dial   ── propose ─▶ the party's address, and a session to each client that
//	                     is there and knows no calls by message
//	       ◀─ ringing ── Ringing, the first
//	       ◀─ proceed ── Claimed: nobody else rings any more
//	       ── session ─▶ that client
//	       ◀── accept ── and when it can be heard: Answered, Accepted
//
// What a client can is asked for once for each XEP-0115 hash, and kept only if it
// has that hash. Who is called and does not see our party's presence is shown it
// for the call. Only who a session is with has a say in it: others, also other clients of the
// same user, learn that there is none. A session whose client was told of its end may
// still come late: it is ended, and begins no call.
//
// Of hold, both ways are taken, session-info and senders; session-info is what we
// say. A change that the other side wants is never put to the client: what it has agreed
// to is used or not, and it hears by description-info what is still wanted. Video
// beside the sound is taken without moving where it shares the transport, and left
// out where it does not.
//
// # Requests
//
// Every IQ is answered: service discovery, ping and version for the component
// and for every address at it, requests of sessions, all else with
// service-unavailable. No feature is announced that is not there: corrections and
// reactions are not, as what was sent to a phone can't be changed.
package xmpp
