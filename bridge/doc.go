// Package bridge decides who is connected to whom. It has no network's words
// in it: what it knows of the outside are names in parts, texts and causes.
//
//	         mapping.toml
//	              │ maps: who lives where, and is called what elsewhere
//	              ▼
//	adapter ──▶ Handler ──▶ Router ──▶ a job for each home ──▶ lane ──▶ adapter
//	(incoming)     ▲      (pure)                               │ ▲     (outgoing)
//	               │                                           ▼ │
//	               └──── the answer, or later a Failed ──── outbox on disk
//
// # Who owns what
//
//   - The Router is immutable. A reload swaps the pointer to it.
//   - A lane is one goroutine. It carries the messages of one sender to one
//     recipient, one at a time and in order, and owns the jobs in it. It lives
//     while there is something to carry. Every try is a goroutine of its own
//     that the lane waits for.
//   - A group joins the copies of one message to several homes and decides
//     what its sender hears.
//   - The outbox knows the lanes, the disk, and what was relayed and may still
//     bounce. The disk is a log: records are appended and deleted, never
//     changed; marks say what became true of a record later.
//   - An adapter owns its sockets and everything about its network. It calls
//     Handler from any goroutine, and never waits in it.
//
// # What is promised
//
// A sender hears Taken when the recipient, or the recipient's own server, has
// the message; Stored when it is on our disk, synced; else an error. Nothing
// is answered earlier, and that within three seconds and a disk write. What
// was Stored is tried until it arrives, is refused for good, or expires; of
// the last two its sender is told. It arrives in the order of sending. It can
// arrive twice only if an answer was lost, or a process died between handing
// it over and writing that down, and then with the same Message.ID. A message whose network keeps
// no copy of it (Message.Once) goes to disk before anything else.
//
// # Words
//
// A party is somebody with an Address. A home is where a map says a party
// lives. A hop is the next system that takes a message from us. A Cause says
// why something failed, in words that every adapter can translate.
package bridge
