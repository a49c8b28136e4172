package wire

import "time"

// Limits bound what a peer can make of a connection.
type Limits struct {
	Handshake time.Duration // from the first byte that may come to the end of the handshake
	Connect   time.Duration // from there until Greet, or Establish
	Login     time.Duration // from Greet until Establish
	Idle      time.Duration // without a byte; the peer is pinged at half of it
	Stall     time.Duration // how long one write may take

	EarlyMessage int // bytes of one message before Establish
	Message      int // bytes of one message
	Held         int // bytes of all messages that are begun and not yet whole; before Establish 2 EarlyMessage
	ChunkStreams int // that the peer may use

	Queue      int // messages that wait to be written
	QueueMedia int // of sound and pictures among them
	QueueBytes int // of all of them

	// Waiting is how many connections Serve keeps in the handshake, and again
	// how many that have not shown yet who they are.
	Waiting int

	AMF Bounds

	// Policy is whether a Flash policy request is answered.
	Policy bool
}

// Bounds are those of the AMF values in one message.
type Bounds struct {
	Depth    int // objects and arrays within each other
	Elements int // values in all, those that are referred to again counted again
	Text     int // bytes of one string
}

// Defaults are bounds that no known client comes near: 4 MB is a key frame of
// video at a rate that nobody sends in a call.
func Defaults() Limits {
	return Limits{
		Handshake: 10 * time.Second, Connect: 30 * time.Second, Login: 2 * time.Minute, Idle: 60 * time.Second, Stall: 10 * time.Second,
		EarlyMessage: 16 << 10, Message: 4 << 20, Held: 8 << 20, ChunkStreams: 64,
		Queue: 512, QueueMedia: 128, QueueBytes: 4 << 20, Waiting: 512,
		AMF: Bounds{Depth: 16, Elements: 2048, Text: 64 << 10},
	}
}
