// Package store keeps what the bridge must not lose: the outbox, and the
// ledger of what was handed on. Each is a JetStream stream, used as a log:
// append, delete by sequence, replay. Order and back-off are the bridge's;
// JetStream's own redelivery would break the order.
//
//	        Open
//	          │
//	embedded ─┴─ remote          who runs JetStream: we, in the state
//	          │                  directory, or the operator, elsewhere
//	      connection
//	       │      │
//	    Outbox  Ledger           Logs: a Stream, and before an embedded one a
//	       │      │              front of two files; runFront carries over
//	       │      │
//	       └─ link ──▶ runMender when the store fails, one goroutine brings
//	                             it back, then does what had to wait
//
// The embedded server listens nowhere and syncs every write before it answers. Most
// records never get there: they are deleted while they are in the front.
// A disk that was full, or a connection that was lost, needs no restart.
package store
