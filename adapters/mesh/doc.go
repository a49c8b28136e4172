// Package mesh is the adapter for the PTP mesh tester (chrisy/ptptest): a server
// (listen), or one of the clients of another's (join). Package wire has its packets.
//
//	UDP ──▶ hub.go ──▶ client.go ──▶ list.go ──▶ who is where
//	        who is there             forward.go: for those who can't meet
//	                                 rival.go: who has an address now
//
//	UDP ──▶ node.go ──▶ link.go      how a client stands with its server
//	                ──▶ listing.go   who the server says is there
//	                ──▶ peer.go      how one of them is reached; far.go: by the server
//
//	        bridge ◀──▶ texts.go, message.go: texts; roster.go: presence
//
// A server is a hub, a client a node. What each knows is under one lock; whoever holds
// it waits for nothing: what is to be sent, and to be told others, goes into a mail
// of the goroutine's own, and is dealt with behind the lock (server.go, post).
//
// # What is added to the original
//
// Everything that the original does not know stands in values of type CC, towards
// programs that say version 3 only (package wire). A server tells such clients who
// the others are, and lists longer than a packet; hands on packets between them;
// and takes what they tell of each other, and of their NATs.
//
// # Who is believed
//
// The protocol has no passwords. A client is listed when it has sent back a time stamp
// that went to where it says it is; until then it gets no more than three times what it
// sends. A UUID, and a name, belong to who has them until it is gone. What is no packet
// changes nothing. From one address come no more clients than per_host, and who has
// been there longest stands first in every list. One packet puts nobody out: who says
// that it ends is asked once, and who says that a client's address is its own has the
// place when it has sent back a time stamp, and the client's beacons have ceased
// (rival.go). A client hears a peer from an address that has sent one back within the
// last probes (node.go, fromPeer). A client's name, and its router's port, are told anew
// once in 10 s, and news to all cost so many bytes a second (list.go). What stays: whoever joins may take any name that is free, and who forges
// the address and the UUID of one who is there can speak as that.
//
// # Values of type CC
//
// The first byte of such a value says whose it is. What begins with 'T' is texts', with
// 'R', 'F', 'L' and 'I' the server's and the client's own. Whatever else crosses between
// peers has a byte of its own and a taker in part.takers (adapter.go), and sends by
// the part's carrier (ops.go), the same for a server and a client: find gives a peer
// by name, with its path and times; send takes values to it, directly, or by the
// server where that is the only way. A taker must not wait, and keeps nothing
// that it is given.
//
// # Snapshots
//
// Adapter.Snapshot gives all that is known at one moment as plain values, which
// marshal to JSON: who is there, and how each reaches the others, with times, loss and
// jitter (snapshot.go).
//
// # Texts
//
// A text is cut into parts of 240 bytes; each has a receipt, and is repeated until that
// comes. While others are missing that is "part"; the last one's says what became of it
// all: nothing, when a person's program has it; "taken" or "stored", when the peer's
// gateway has; else the word for a cause, and the reason. Without that one a text is
// not delivered, whatever receipts there were. A peer who speaks for others says in META "from"
// whom, and "to" is who of those behind the recipient it is for; without it, a text is
// for the recipient's own name (peer).
//
// # Presence
//
// A server's client is there while it is listed, a client's peer while it is reached.
package mesh
