// Package child is a media.Plane whose packets are carried by a process of its
// own: the same binary, started again with a hidden argument. Its heap is small and its
// collector quick, and what the signalling does does not hold up sound.
//
//	Plane (this process)            child process
//	  commands ──▶ standard input ──▶ relay.Relay
//	  teller   ◀── standard output ◀── events, answers, log records
//
// Both ways go values in gob. When the child dies every port is told Lost, and
// another child is started; the new one knows nothing of the old one's ports,
// whose names do not fit any more. When this process dies the child finds its
// standard input closed, and ends.
package child
