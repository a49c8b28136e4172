package wire

import "encoding/binary"

// ourChunk is the size of the chunks that we send once we have said so: all
// clients take it, and sound fits into one.
const ourChunk = 4096

// A chunkWriter cuts messages into chunks. It writes each message whole, so that
// chunks of two never mix, and every chunk stream's first header is a full one.
type chunkWriter struct {
	size    int
	streams [64]writeStream
}

// A writeStream is what the peer knows from the headers so far.
type writeStream struct {
	known  bool
	head   Message // without its body
	length int
	delta  uint32
}

// The chunk streams that we write to: control has its own by the specification
// (section 5.4), and each message stream four of the rest, by turns.
const (
	controlStream = 2
	commandStream = 3
	firstStream   = 4
)

// chunkStreamOf says which chunk stream a message goes by.
func chunkStreamOf(m Message) int {
	kind := 0
	switch {
	case m.Type < TypeAudio:
		return controlStream
	case m.Stream == 0:
		return commandStream
	case m.Type == TypeAudio:
		kind = 1
	case m.Type == TypeVideo:
		kind = 2
	case m.IsData():
		kind = 3
	}
	return firstStream + int((m.Stream-1)%15)*4 + kind
}

// append writes a message as chunks.
func (w *chunkWriter) append(b []byte, m Message) []byte {
	id := chunkStreamOf(m)
	s := &w.streams[id]
	form, field := s.next(m)
	b = append(b, form<<6|byte(id))
	short := min(field, extended)
	if form < 3 {
		b = append(b, byte(short>>16), byte(short>>8), byte(short))
	}
	if form < 2 {
		n := len(m.Body)
		b = append(b, byte(n>>16), byte(n>>8), byte(n), byte(m.Type))
	}
	if form == 0 {
		b = binary.LittleEndian.AppendUint32(b, m.Stream)
	}
	if short == extended {
		b = binary.BigEndian.AppendUint32(b, field)
	}
	body := m.Body
	for {
		n := min(len(body), w.size)
		b, body = append(b, body[:n]...), body[n:]
		if len(body) == 0 {
			return b
		}
		b = append(b, 3<<6|byte(id))
		if short == extended {
			b = binary.BigEndian.AppendUint32(b, field)
		}
	}
}

// next says what form of header the message needs, and what its time is written
// as. After a full header it is never the shortest one: readers differ in what
// that means then.
func (s *writeStream) next(m Message) (form byte, field uint32) {
	delta := m.Time - s.head.Time
	was := *s
	*s = writeStream{known: true, head: Message{Type: m.Type, Stream: m.Stream, Time: m.Time}, length: len(m.Body), delta: delta}
	switch {
	case !was.known || was.head.Stream != m.Stream || delta >= 1<<31: // back in time
		s.delta = extended // no delta
		return 0, m.Time
	case was.length != s.length || was.head.Type != m.Type:
		return 1, delta
	case was.delta != delta || delta >= extended:
		return 2, delta
	default:
		return 3, delta
	}
}
