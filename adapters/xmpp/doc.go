// Package xmpp joins the bridge to an XMPP server as an external component
// (XEP-0114): everything at the component's domain is ours.
//
//	server --- wire.Conn --- reader --- message.go, iq.go, presence.go --> bridge
//	               ^                          |
//	               +------ writer <-- queue <-+------------------- SendMessage
//
// Adapter keeps one session with the server, and looks for the server again
// when it is lost. In a session one goroutine reads and hands on, one writes
// what the queue holds, and one asks the server now and then whether it is
// still there. Nothing that stands in a stanza may end the stream: package
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
// chat is refused. Chat states and markers alone are passed over in silence.
//
// # Presence
//
// We have none to give yet, and accepting a subscription would promise some. So
// a request to subscribe is declined (unsubscribed) at once rather than left
// pending; messages need no subscription. Joining a room here is refused. All
// other presence is passed over.
//
// # Requests
//
// Every IQ is answered: service discovery, ping and version for the component
// and for every address at it, all else with service-unavailable. No feature
// is announced that is not there.
package xmpp
