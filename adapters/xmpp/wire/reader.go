package wire

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
)

// ErrBroken is behind every error of a stream that is itself no XML stream.
var ErrBroken = errors.New("the stream is broken")

const (
	chunkSize = 8 << 10
	keepSize  = 64 << 10 // of a buffer, between stanzas
)

// A Reader is one incoming stream with everything taken out that its decoder
// would choke on. It keeps at most Limits.Bytes of a stanza, and what one read
// of the socket gives. It is for one goroutine.
type Reader struct {
	src  io.Reader
	lim  Limits
	drop func(Drop)

	sc  scanner
	hdr *header // nil until the stream is open

	raw   [chunkSize]byte
	chunk []byte // read, and not scanned yet

	buf     []byte // the stanza at hand
	headEnd int    // where its start tag ends in buf; 0 while it has not
	bad     *Drop  // the stanza at hand is skipped

	tokens []xml.Token // of the stanza in buf
	quick  quick
	dec    *xml.Decoder
	feed   bytes.Reader // what dec reads

	out   []byte // what Read gives next: part of buf, or of a literal
	spent bool   // buf is behind out
	err   error  // what Read gives when out is empty

	srcErr error // of src, once chunk is used up
}

// NewReader reads a stream from src. drop is called, from Read, for every
// stanza that is not let through.
func NewReader(src io.Reader, lim Limits, drop func(Drop)) *Reader {
	r := &Reader{src: src, lim: lim, drop: drop}
	r.sc.lim = lim
	return r
}

// Lang is the stream's default language (RFC 6120 section 4.7.4), "" if none
// was said. It is known once Read has given something.
func (r *Reader) Lang() string {
	if r.hdr == nil {
		return ""
	}
	return r.hdr.lang
}

// Read gives the stream's header and then whole stanzas, in pieces that fit.
// Its errors are io.EOF when the stream was closed, io.ErrUnexpectedEOF when the
// source ended before, others of the source, and ErrBroken.
func (r *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if err := r.fill(); err != nil {
		return 0, err
	}
	n := copy(p, r.out)
	r.out = r.out[n:]
	return n, nil
}

// Stanza gives the next stanza, decoded: who has read the stream's header needs no other
// decoder. What Read has begun to give is passed over. Its errors are Read's.
func (r *Reader) Stanza() (*Stanza, error) {
	r.out = nil
	for {
		if err := r.fill(); err != nil {
			return nil, err
		}
		if r.out = nil; r.spent {
			s := &Stanza{r.tokens}
			r.tokens = nil
			return s, nil
		}
	}
}

// A Stanza is the tokens of one, from its start tag to its end tag.
type Stanza struct{ tokens []xml.Token }

// Start is its start tag, while no Token has been asked for.
func (s *Stanza) Start() xml.StartElement {
	start, _ := s.tokens[0].(xml.StartElement)
	return start
}

// Token implements xml.TokenReader.
func (s *Stanza) Token() (xml.Token, error) {
	if len(s.tokens) == 0 {
		return nil, io.EOF
	}
	tok := s.tokens[0]
	s.tokens = s.tokens[1:]
	return tok, nil
}

// fill reads on until there is something to give.
func (r *Reader) fill() error {
	for len(r.out) == 0 {
		if r.err != nil {
			return r.err
		}
		if len(r.chunk) > 0 {
			r.advance()
			continue
		}
		if r.srcErr != nil {
			r.err = r.srcErr
			if errors.Is(r.err, io.EOF) {
				r.err = io.ErrUnexpectedEOF
			}
			continue
		}
		n, err := r.src.Read(r.raw[:])
		r.chunk, r.srcErr = r.raw[:n], err
	}
	return nil
}

// advance scans up to the next event.
func (r *Reader) advance() {
	if r.spent {
		r.reset()
	}
	n, ev, why := r.sc.next(r.chunk)
	r.keep(r.chunk[:n])
	r.chunk = r.chunk[n:]
	if r.err != nil {
		return
	}
	switch ev {
	case evMore:
	case evIdle:
		r.reset()
	case evStray:
		if r.hdr != nil {
			r.drop(Drop{Reason: Stray})
		}
		r.reset()
	case evOver:
		r.skip(why)
	case evOpen:
		r.open()
	case evDone:
		r.done()
	case evClose:
		r.out, r.err = []byte(plainEnd), io.EOF
		if r.hdr == nil {
			r.out = nil
			r.fail("it ends before it begins")
		}
	case evBroken:
		r.fail(string(why))
	}
}

// keep adds to the stanza at hand.
func (r *Reader) keep(b []byte) {
	if r.bad != nil {
		return
	}
	limit := r.lim.Bytes
	if r.hdr == nil {
		limit = maxHeader
	}
	if len(r.buf)+len(b) > limit {
		r.skip(TooLarge)
		return
	}
	r.buf = append(r.buf, b...)
}

// skip gives the stanza at hand up. Its head is kept if it is complete.
func (r *Reader) skip(why Reason) {
	if r.hdr == nil {
		r.fail("its header is " + string(why))
		return
	}
	if r.bad != nil {
		return
	}
	r.bad = &Drop{Reason: why}
	if r.headEnd > 0 {
		r.bad.Head = readHead(r.buf[:r.headEnd])
	}
	r.buf = nil
}

// open is called behind the start tag of a stanza, or of the stream.
func (r *Reader) open() {
	if r.hdr != nil {
		r.headEnd = len(r.buf)
		return
	}
	h, err := parseHeader(r.buf)
	if err != nil {
		r.err = fmt.Errorf("%w: %w", ErrBroken, err)
		return
	}
	r.hdr = h
	r.sc.depth = 0 // what is in the stream counts from here
	r.reset()
	r.out = h.plain()
}

// done is called behind a stanza.
func (r *Reader) done() {
	switch {
	case r.hdr == nil:
		r.fail("it ends where it begins")
	case r.bad != nil:
		r.drop(*r.bad)
		r.reset()
	default:
		if r.headEnd == 0 { // it has no end tag of its own
			r.headEnd = len(r.buf)
		}
		if why := r.verify(); why != "" {
			r.dec, r.tokens = nil, nil
			r.drop(Drop{Reason: why, Head: readHead(r.buf[:r.headEnd])})
			r.reset()
			return
		}
		r.out, r.spent = r.buf, true
	}
}

// reset makes room for the next stanza.
func (r *Reader) reset() {
	r.bad, r.headEnd, r.spent = nil, 0, false
	r.buf = r.buf[:0]
	if cap(r.buf) > keepSize {
		r.buf = nil
	}
}

func (r *Reader) fail(what string) {
	r.err = fmt.Errorf("%w: %s", ErrBroken, what)
}
