package wire

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
)

const (
	startChunk = 128      // what a chunk holds until its size is set (RTMP 1.0 section 5.4.1)
	maxChunk   = 0xffffff // no message is longer
	extended   = 0xffffff // a time of 24 bits that says that one of 32 follows
	firstGrow  = 64 << 10 // memory that a message gets on its word; for more it has to send
)

var (
	errTooLong    = errors.New("a message is too long")
	errHeld       = errors.New("too many bytes of messages that are not whole")
	errStreams    = errors.New("too many chunk streams")
	errNoHeader   = errors.New("a chunk stream begins without a header")
	errTypeInside = errors.New("a header inside of a message")
)

// A chunkReader puts messages together from chunks (RTMP 1.0 section 5.3.1).
type chunkReader struct {
	in     *bufio.Reader
	size   uint32 // of a chunk
	limits Limits
	free   atomic.Bool // whether the bounds are those of a peer that has connected

	low     [64]*chunkStream // by id; those that fit one byte are what everybody uses
	high    map[uint32]*chunkStream
	streams int
	holding int
}

// A chunkStream is what the headers said so far.
type chunkStream struct {
	head     Message // without its body
	length   int
	delta    uint32
	extended bool
	field    uint32 // the 32 bits of the extended time
	open     bool   // a message is begun
	body     []byte
}

func newChunkReader(in *bufio.Reader, l Limits) *chunkReader {
	return &chunkReader{in: in, size: startChunk, limits: l}
}

// read reads chunks until a message is whole.
func (r *chunkReader) read() (Message, error) {
	for {
		m, whole, err := r.chunk()
		if err != nil {
			return Message{}, err
		}
		if whole {
			return m, nil
		}
	}
}

// chunk reads one chunk. The error is io.EOF only where a stream may end.
func (r *chunkReader) chunk() (Message, bool, error) {
	c, err := r.in.ReadByte()
	if err != nil {
		return Message{}, false, err
	}
	form, id, err := r.basic(c)
	if err != nil {
		return Message{}, false, noEOF(err)
	}
	s, err := r.stream(id, form)
	if err != nil {
		return Message{}, false, err
	}
	if err := r.header(s, form); err != nil {
		return Message{}, false, noEOF(err)
	}
	if err := r.fill(s); err != nil {
		return Message{}, false, noEOF(err)
	}
	if len(s.body) < s.length {
		return Message{}, false, nil
	}
	m := s.head
	m.Body = s.body
	r.drop(s)
	return m, true, nil
}

// drop forgets the message that was begun.
func (r *chunkReader) drop(s *chunkStream) {
	r.holding -= cap(s.body)
	s.body, s.open = nil, false
}

// abort is what an Abort message asks for (section 5.4.2).
func (r *chunkReader) abort(id uint32) {
	if s := r.find(id); s != nil && s.open {
		r.drop(s)
	}
}

// basic reads the rest of a basic header (section 5.3.1.1): its three forms.
func (r *chunkReader) basic(c byte) (form byte, id uint32, err error) {
	form, id = c>>6, uint32(c&63)
	switch id {
	case 0:
		b, err := r.in.ReadByte()
		return form, 64 + uint32(b), err
	case 1:
		b, err := r.in.Peek(2)
		if err != nil {
			return 0, 0, err
		}
		id = 64 + uint32(b[0]) + uint32(b[1])<<8
		_, err = r.in.Discard(2)
		return form, id, err
	default:
		return form, id, nil
	}
}

func (r *chunkReader) find(id uint32) *chunkStream {
	if id < 64 {
		return r.low[id]
	}
	return r.high[id]
}

// stream is the chunk stream of that id. The first chunk has a whole header; one
// without a stream id is let pass, since some servers begin so on id 2.
func (r *chunkReader) stream(id uint32, form byte) (*chunkStream, error) {
	if s := r.find(id); s != nil {
		return s, nil
	}
	if form > 1 {
		return nil, fmt.Errorf("%w: id %d", errNoHeader, id)
	}
	if r.streams >= r.limits.ChunkStreams {
		return nil, errStreams
	}
	r.streams++
	s := new(chunkStream)
	if id < 64 {
		r.low[id] = s
		return s, nil
	}
	if r.high == nil {
		r.high = make(map[uint32]*chunkStream)
	}
	r.high[id] = s
	return s, nil
}

// headerSizes are those of the message headers by form (section 5.3.1.2).
var headerSizes = [4]int{11, 7, 3, 0}

// header reads the message header and the extended time, and begins a message
// where one begins.
func (r *chunkReader) header(s *chunkStream, form byte) error {
	if s.open && form != 3 {
		// A sender that gives up on a message has to abort it. One that begins
		// anew without doing so means the new one.
		if form > 1 {
			return errTypeInside
		}
		r.drop(s)
	}
	if form == 3 {
		return r.continued(s)
	}
	b, err := r.in.Peek(headerSizes[form])
	if err != nil {
		return err
	}
	field := uint24(b)
	if form < 2 {
		s.length, s.head.Type = int(uint24(b[3:])), Type(b[6])
	}
	if form == 0 {
		s.head.Stream = binary.LittleEndian.Uint32(b[7:])
	}
	if _, err := r.in.Discard(len(b)); err != nil {
		return err
	}
	if s.extended = field == extended; s.extended {
		if b, err = r.in.Peek(4); err != nil {
			return err
		}
		field = binary.BigEndian.Uint32(b)
		if _, err := r.in.Discard(4); err != nil {
			return err
		}
	}
	s.field, s.delta = field, field
	if form == 0 {
		s.head.Time = field
	} else {
		s.head.Time += field
	}
	return r.begin(s)
}

// continued reads a header of form 3: the message goes on, or another one of the
// same kind begins, later by the same time. Where the time was extended it is so
// here, too (section 5.3.1.3). Senders of an older reading leave it out; then
// what stands there is not that time again.
func (r *chunkReader) continued(s *chunkStream) error {
	if s.extended {
		if b, err := r.in.Peek(4); err == nil && binary.BigEndian.Uint32(b) == s.field {
			if _, err := r.in.Discard(4); err != nil {
				return err
			}
		}
	}
	if s.open {
		return nil
	}
	s.head.Time += s.delta
	return r.begin(s)
}

// bounds are what one message, and all that are begun, may have in bytes.
func (r *chunkReader) bounds() (message, held int) {
	if r.free.Load() {
		return r.limits.Message, r.limits.Held
	}
	return r.limits.EarlyMessage, 2 * r.limits.EarlyMessage
}

func (r *chunkReader) begin(s *chunkStream) error {
	if message, _ := r.bounds(); s.length > message {
		return fmt.Errorf("%w: %d bytes of %v", errTooLong, s.length, s.head.Type)
	}
	s.open = true
	return r.grow(s, min(s.length, firstGrow))
}

// grow gives a message memory of n bytes.
func (r *chunkReader) grow(s *chunkStream, n int) error {
	if _, held := r.bounds(); r.holding-cap(s.body)+n > held {
		return errHeld
	}
	r.holding -= cap(s.body)
	body := make([]byte, len(s.body), n)
	copy(body, s.body)
	s.body = body
	r.holding += cap(body)
	return nil
}

// fill reads what a chunk holds of the message.
func (r *chunkReader) fill(s *chunkStream) error {
	for n := min(s.length-len(s.body), int(r.size)); n > 0; {
		if len(s.body) == cap(s.body) {
			if err := r.grow(s, min(s.length, 2*cap(s.body))); err != nil {
				return err
			}
		}
		at := len(s.body)
		part := s.body[at : at+min(n, cap(s.body)-at)]
		if _, err := io.ReadFull(r.in, part); err != nil {
			return err
		}
		s.body, n = s.body[:at+len(part)], n-len(part)
	}
	return nil
}

func uint24(b []byte) uint32 { return uint32(b[0])<<16 | uint32(b[1])<<8 | uint32(b[2]) }

// noEOF makes an end inside of a chunk no regular one.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
