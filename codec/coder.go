package codec

// A Decoder turns the payloads of one stream into linear sound: 16 bits a
// sample, one channel, into which more are folded. It belongs to one goroutine.
type Decoder interface {
	// Rate is how many samples a second it gives.
	Rate() int
	// Decode appends the sound of one payload, of any number of frames, to pcm.
	// An error says that the payload is malformed; what could be decoded of it
	// has been appended, and the decoder stays good for the next.
	Decode(pcm []int16, payload []byte) ([]int16, error)
	// Conceal appends n samples in place of what was lost.
	Conceal(pcm []int16, n int) []int16
}

// A Recoverer is a Decoder whose payloads can carry a copy of the one before.
type Recoverer interface {
	Decoder
	// Recover appends n samples in place of those that were lost right before
	// the payload next, out of next as far as it can, else like Conceal. It is called
	// before next is decoded.
	Recover(pcm []int16, n int, next []byte) []int16
}

// An Encoder turns linear sound into the payloads of one stream. It belongs to
// one goroutine.
type Encoder interface {
	// Rate is how many samples a second it takes.
	Rate() int
	// Frame is how many samples one frame has.
	Frame() int
	// Encode appends the encoded form of pcm, which has exactly Frame samples,
	// to out. It may append nothing where the format has nothing to say of a frame.
	Encode(out []byte, pcm []int16) ([]byte, error)
}

// A Configurer is an Encoder of a format that is not decoded without its parameter
// "config".
type Configurer interface {
	Encoder
	// Config is the value of it, in bytes (in a description it is hexadecimal).
	Config() []byte
}
