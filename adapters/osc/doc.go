// Package osc is the adapter for OSC (Open Sound Control) groups, as OSCgroups
// has them: a server (listen), or a member of one group (join, or broadcast).
//
//	UDP ──▶ request.go ──▶ hub.go, user.go ──▶ listing.go ──▶ who is where
//	        user_alive     users and groups    pair.go: how two of them meet
//
//	UDP ──▶ port.go ────────┐   a port of ours that stands for a user
//	TCP ──▶ stream.go ──────┼─▶ guest.go, port.go ──▶ mail.go ──▶ the group
//	WS  ──▶ websocket.go ───┘                           │
//	                                                    ▼
//	           bridge ◀──▶ chat.go, message.go, lines.go: texts
//	                       calls.go, leg.go: calls; roster.go, presence.go
//
//	apps ──▶ app.go ──▶ member.go ──▶ the group    a member: peer.go says where
//	apps ◀───────────── member.go ◀── the group    the others are, link.go how it
//	                                               stands with its server, uplink.go
//	                                               how it plays without UDP
//
// Who is in a group, and everything that follows, belongs to the hub, under one
// lock. Whoever holds it waits for nothing: what is to be sent goes into a mail of
// the goroutine's own, and is sent behind the lock, many datagrams with one system
// call (package datagram). What is handed on is never copied, parsed further than
// wire.Check does, or changed.
//
// # What members must be spared
//
// OscGroupClient and OscGroupServer end at a packet that is not whole, has no type
// tags, or has more than 4096 bytes. So nobody is sent one: it is dropped and
// counted. A client of 64 bits that is pinged by one peer from two addresses
// pings back without end; so nobody ever is (pair.go).
//
// # Who is believed
//
// Nothing in the protocol proves who or where somebody is, but for the password
// with which a name was registered. A member is where its registration comes from; a
// ping counts only from that IP address, and only a ping opens a port of ours
// to its sender. Until a member has pinged a port that it was told, it gets three
// bytes at most for each that it sent, then 32 KiB a second. The address that a
// member tells of itself goes to those behind the same NAT only, and only if it is
// a private one. What stays: who can see the packets can take a member's place,
// as hashes of passwords travel in each registration; and who can send from
// somebody's address, and knows a port of ours, can have it sent 32 KiB a second.
//
// # Members by other ways
//
// A connection (tcp, slip, ws, wss) registers as a member by UDP does, with
// /groupserver/user_alive, and hears the same answers, and of those who come later;
// or as with tcposcrouter, "/oscrouter/register user password group password",
// with passwords as they are, which is answered by /oscrouter/register/USER/GROUP
// and by /oscrouter/userlist as members come and go. After that, every packet goes
// to all others in its groups. "/oscrouter/private user address arguments" goes to
// one, as "/oscrouter/private sender address arguments". The end of the connection
// is the end of the membership. By WebSocket a packet is a binary message; the path
// and the page's origin do not matter. To members by UDP, one by another way is a
// port of ours.
//
// Our own member comes so where its network lets no UDP through (uplink.go): to our
// own kind of server, as tcposcrouter does not know user_alive. It meets nobody: the
// server hands on, and what it hands on does not say who has sent it. So only apps
// play; texts, calls and presence need a member by UDP.
//
// # Texts
//
// With chat = "/chat" the gateway is a member of its server's groups, called user
// ("gateway"). "/chat from text" in group g, by member tim, is a text of tim@g to
// the name g, and to each party elsewhere that has written there, or was written
// to, within the hour. "/chat/alice from text" goes to alice@g alone. What fails
// comes back as "/chat/failed party cause reason", and a member may say the same of
// the last text that a party wrote to it. Texts for a member, or for a group, go
// there as "/chat from text".
//
// A text of one line that begins with "/" is a message of OSC, in the types that
// wire.ParseLine guesses or is told: "/fader/1 0.75", "/cue ,s 5". It is delivered
// now or never. "//x" is the text "/x", and "/me " begins a text. What else members
// send is shown likewise, as lines: of each address the last message, in one text
// per member every 5 seconds (lines). Such lines are signals: nobody keeps them.
//
// # What a member does besides
//
// Apps hear the group at rx and speak to it at tx, and hear each other. An app may
// ask "/groupclient/peers", and is told of each other member in
// "/groupclient/peer name path address milliseconds"; and it may write to one
// member as above, by /oscrouter/private. Two gateways measure the time between
// them by what they add to pings. With broadcast, members on one network find
// each other by UDP port 22241, where each announces itself, its group and that
// group's hash every 3 s.
//
// # Presence
//
// A member is there from joining (or, to a member of another's group, from its first
// ping) to leaving, and a group while somebody is in it (roster.go). With presence =
// "/presence" a member asks "/presence/watch party" to be told "/presence party
// state note" from now on, until "/presence/unwatch party"; what is refused comes
// back as "/presence/failed party cause reason". It asks again when it has been away.
//
// # Calls
//
// With calls = "/call" a group, or a member, takes every call at once, and listens
// (calls.go, leg.go). There is no port of ours in it: the other side hears keys, and the
// sound goes nowhere. A call to a group is told to all of it, one to a member, or by
// one, to that member alone. id is the call's own, or the tag that it was dialled with:
//
//	/call/incoming ,ssss id from to display    somebody calls
//	/call/ringing  ,sss  id from to            what was dialled rings
//	/call/answered ,sss  id from to            the call is taken
//	/call/dtmf     ,ssi  id key milliseconds   the other side has pressed a key
//	/call/ended    ,ssssf id from to cause seconds
//	/call/failed   ,ssss id to cause reason    what was dialled was not taken
//
// and members, or their apps, say:
//
//	/call/dial   ,s  party       or ,ss with a tag of their own
//	/call/hangup ,s  id
//	/call/dtmf   ,ss id keys     0-9 * # A-D and ! for flash
//
// Any of these arguments may be a number. Whom a member may call, maps say. A call ends with the
// member who has dialled it, and one to a group when nobody is left there.
package osc
