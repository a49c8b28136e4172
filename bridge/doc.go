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
//	leg ──events──▶ call ──commands──▶ leg
//	 ▲            (a machine)           ▲
//	 └── packets ── media.Plane ── packets
//
// # Who owns what
//
//   - The Router is immutable. A reload swaps the pointer to it.
//   - A lane carries the messages of one sender to one recipient, one at a time
//     and in order. It lives while there is something to carry. While nothing is
//     amiss it is a record that whoever has news of it takes one step on (light.go);
//     else it is one goroutine, which owns the jobs in it, and every try is a
//     goroutine of its own that the lane waits for.
//   - A group joins the copies of one message to several homes and decides
//     what its sender hears.
//   - The outbox knows the lanes, the disk, and what was relayed and may still
//     bounce. The disk is a log: records are appended and deleted, never
//     changed; marks say what became true of a record later.
//   - A call is served by one goroutine at a time: by who has something for it, or by
//     one that lives as long as there is something. It steps a pure machine, and owns it.
//     A leg says what has happened to its box and takes commands from its call only; both
//     return at once. Calls write letters to each other. A leg that is handed
//     over belongs to the other call from then on.
//   - A leg owns its ports. A call joins and parts them.
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
// no copy of it (Message.Once) goes to disk before anything else. A Composing or a Signal
// is promised nothing: it is tried at once, or lost.
//
// A call rings where its map says and nowhere else. The first home that takes it
// has it. Its legs end together, each with the cause of the other. What one party
// can hear and send reaches the other as it was said; its packets cross untouched
// where both have a format in common, else its sound is repacked or transcoded.
//
// # Words
//
// A party is somebody with an Address. A home is where a map says a party
// lives. A hop is the next system that takes a message from us. A leg is one
// party's side of a call; an offer says what a party can send and hear, an
// answer what another takes of that. A Cause says why something failed, in words
// that every adapter can translate.
package bridge
