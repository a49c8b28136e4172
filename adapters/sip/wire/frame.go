package wire

import "bytes"

var (
	crlf      = []byte("\r\n")
	emptyLine = []byte("\r\n\r\n")
)

// A Framer cuts the bytes of one connection into messages by their
// Content-Length (RFC 3261 section 18.3). It holds no more than MaxMessage
// bytes and what one Write adds. The zero Framer is ready to use.
type Framer struct {
	buf  []byte
	need int // length of the message that buf begins with; 0: not known yet
	seen int // of buf, searched for an empty line in vain
}

// Write adds what was read from the connection.
func (f *Framer) Write(p []byte) { f.buf = append(f.buf, p...) }

// Pending reports whether a message has begun and not ended.
func (f *Framer) Pending() bool { return len(f.buf) > 0 }

// Next gives the next whole message, nil if there is none yet. ping says that
// a keep-alive stood there, which wants a CRLF back (RFC 5626 section 4.4.1).
// After an error there is no boundary to go on from: rest is what has come of
// the message, and the connection is to be closed.
func (f *Framer) Next() (msg []byte, ping bool, rest []byte, err error) {
	if f.need == 0 {
		ping = f.skip()
		end, e := f.measure()
		if e != nil {
			return nil, ping, f.buf, e
		}
		f.need = end
	}
	if f.need == 0 || len(f.buf) < f.need {
		return nil, ping, nil, nil
	}
	// A copy: what is made of the message may outlive the buffer.
	msg = bytes.Clone(f.buf[:f.need])
	f.buf = append(f.buf[:0], f.buf[f.need:]...)
	f.need, f.seen = 0, 0
	return msg, ping, nil, nil
}

// skip drops empty lines before a start line (RFC 3261 section 7.5).
func (f *Framer) skip() (ping bool) {
	if f.seen > 0 {
		return false
	}
	for bytes.HasPrefix(f.buf, crlf) {
		if bytes.HasPrefix(f.buf, emptyLine) {
			ping = true
			f.buf = f.buf[len(emptyLine):]
			continue
		}
		if len(f.buf) == len(crlf) || f.buf[len(crlf)] != '\r' {
			f.buf = f.buf[len(crlf):]
			continue
		}
		break // CR LF CR: the rest of a ping may be on its way
	}
	return ping
}

// measure is how long the message at the beginning of buf is, 0 if that can't
// be told yet.
func (f *Framer) measure() (int, error) {
	from := max(0, f.seen-len(emptyLine))
	i := bytes.Index(f.buf[from:], emptyLine)
	if i < 0 {
		f.seen = len(f.buf)
		if len(f.buf) > 0 && f.buf[0] == '\r' {
			f.seen = 0 // empty lines, for skip to look at again
		}
		if len(f.buf) > maxHead {
			return 0, fault(513, "Headers too large")
		}
		return 0, nil
	}
	i += from
	if i > maxHead {
		return 0, fault(513, "Headers too large")
	}
	h, err := scan(string(f.buf[:i]))
	if err != nil {
		return 0, err
	}
	n, err := h.contentLength()
	if err != nil {
		return 0, err
	}
	if n < 0 {
		return 0, fault(400, "Missing Content-Length")
	}
	total := i + len(emptyLine) + n
	if total > MaxMessage {
		return 0, fault(513, "Message Too Large")
	}
	return total, nil
}
