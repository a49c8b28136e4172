// Package dialog keeps the calls of SIP alive: INVITE and what it makes, from
// the first request to the last BYE (RFC 3261 sections 12 to 15 and 17, RFC
// 6026, reliable provisional responses RFC 3262, UPDATE RFC 3311, session timers
// RFC 4028, Replaces RFC 3891). It has no sockets: a Path takes bytes, and what
// comes is handed to a Table.
//
//	sockets ──▶ Table ──▶ Call ──▶ events ──▶ owner
//	                        │  ◀── commands ──┘
//	 Path ◀── bytes ────────┤
//	                        ├─ client    one request of ours, until its final response
//	                        ├─ served    one INVITE of theirs, until its ACK
//	                        └─ dialog    one for each remote tag: route set, target, CSeq
//
// A Call is one INVITE with all the dialogs that it makes: one on the
// answering side; on the calling side one for each fork that rings, of which
// the first 2xx confirms one. The others end by themselves; a 2xx of theirs that
// comes all the same is acknowledged and hung up. A Call has a lock: sockets, the
// Table's clock and the owner's commands take turns, nothing in it waits.
// When it has ended for its owner it stays for as long as a repeat may come
// or a BYE is on its way, and then leaves the Table by itself.
//
// # Who does what
//
// The owner says what a session is like and what a person has done. Everything
// that has one right answer is done here: retransmission, ACK, PRACK, 100,
// challenges, 422, 491 and its back-off, refreshing, requests out of order,
// crossing BYEs. A session description is only carried: the first in a
// transaction is the offer, the next the answer (RFC 3264, RFC 6337), one
// exchange at a time.
//
// Redirections (3xx) are not followed: where a call may go is for the maps to
// say, not for whoever was called.
package dialog
