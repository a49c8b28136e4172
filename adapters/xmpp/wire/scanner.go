package wire

import "bytes"

// state is where in the markup the scanner stands.
type state uint8

const (
	inText     state = iota
	afterLess        // behind <
	inTag            // in a start tag, outside values
	afterSlash       // behind / in a start tag
	inValue          // in an attribute's value
	inEndTag
	afterBang // behind <!, until it is clear what that is
	inComment
	inCDATA
	inPI
)

// event is what the scanner has come across.
type event uint8

const (
	evMore   event = iota // all bytes are used up
	evIdle                // what was read lies between stanzas
	evStray               // as evIdle, and it was a comment or the like
	evOpen                // the start tag of a stanza has ended
	evDone                // a stanza has ended
	evClose               // an end tag between stanzas: the stream's own
	evOver                // a limit is passed, for the first time in this stanza
	evBroken              // this is no stream
)

// A scanner finds where stanzas begin and end, and counts what the limits
// bound. It knows just enough of XML for that, keeps no bytes, and allocates
// nothing; whether a stanza is well-formed is not its business.
type scanner struct {
	lim   Limits
	st    state
	depth int // open elements; 0 is between stanzas

	quote    byte // that ends the value
	attrs    int  // of the tag at hand
	value    int  // bytes of the value at hand
	elements int  // of the stanza at hand
	over     bool // evOver was given for the stanza at hand

	want string // what must follow <!
	run  int    // how much of want, or of an ending like ]]>, was seen
}

// next reads b up to the next event and says how many bytes that took. why
// goes with evOver and evBroken.
func (s *scanner) next(b []byte) (n int, ev event, why Reason) {
	for n < len(b) {
		switch s.st {
		case inText:
			skip, ok := s.text(b[n:])
			n += skip
			if !ok {
				return n, evBroken, "text between stanzas"
			}
			if n == len(b) {
				break
			}
			if s.depth == 0 && n > 0 {
				return n, evIdle, ""
			}
			s.st = afterLess
			n++
			continue
		case inValue:
			n += s.inValue(b[n:])
			if s.value > s.lim.Value && !s.over {
				s.over = true
				return n, evOver, ValueLong
			}
			continue
		default: // byte by byte
		}
		if n == len(b) {
			break
		}
		c := b[n]
		n++
		if ev, why := s.step(c); ev != evMore {
			return n, ev, why
		}
	}
	if s.st == inText && s.depth == 0 {
		return n, evIdle, ""
	}
	return n, evMore, ""
}

// text skips to the next <. Between stanzas only white space may stand.
func (s *scanner) text(b []byte) (n int, ok bool) {
	if s.depth > 0 {
		if i := bytes.IndexByte(b, '<'); i >= 0 {
			return i, true
		}
		return len(b), true
	}
	for n < len(b) && b[n] != '<' {
		if c := b[n]; c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return n, false
		}
		n++
	}
	return n, true
}

// inValue skips to behind the closing quote.
func (s *scanner) inValue(b []byte) int {
	i := bytes.IndexByte(b, s.quote)
	if i < 0 {
		s.value = min(s.value+len(b), s.lim.Value+1)
		return len(b)
	}
	s.value = min(s.value+i, s.lim.Value+1)
	s.st = inTag
	return i + 1
}

// step takes one byte of markup.
func (s *scanner) step(c byte) (event, Reason) {
	switch s.st {
	case afterLess:
		return s.less(c)
	case inTag, afterSlash:
		return s.tag(c)
	case inEndTag:
		if c == '>' {
			return s.end()
		}
	case afterBang:
		return s.bang(c)
	case inComment:
		return s.until(c, '-')
	case inCDATA:
		return s.until(c, ']')
	case inPI:
		if c == '>' && s.run > 0 {
			return s.resume()
		}
		s.run = 0
		if c == '?' {
			s.run = 1
		}
	default: // inText and inValue are not read byte by byte
	}
	return evMore, ""
}

// less decides by the byte behind < what begins there.
func (s *scanner) less(c byte) (event, Reason) {
	switch c {
	case '/':
		s.st = inEndTag
		return evMore, ""
	case '!':
		s.st, s.want, s.run = afterBang, "", 0
		return evMore, ""
	case '?':
		s.st, s.run = inPI, 0
		return evMore, ""
	}
	if s.depth == 0 {
		s.elements, s.over = 0, false
	}
	s.st, s.attrs = inTag, 0
	s.depth++
	s.elements++
	switch {
	case c == '>' || c == '/':
		return s.tag(c) // <> and </> without a name: for the decoder to refuse
	case s.over:
	case s.depth > s.lim.Depth:
		s.over = true
		return evOver, TooDeep
	case s.elements > s.lim.Elements:
		s.over = true
		return evOver, TooMany
	}
	return evMore, ""
}

// tag takes a byte of a start tag that is not in a value.
func (s *scanner) tag(c byte) (event, Reason) {
	slash := s.st == afterSlash
	s.st = inTag
	switch c {
	case '/':
		s.st = afterSlash
	case '"', '\'':
		s.st, s.quote, s.value = inValue, c, 0
		s.attrs++
		if s.attrs > s.lim.Attrs && !s.over {
			s.over = true
			return evOver, TooMany
		}
	case '>':
		if slash {
			return s.end()
		}
		s.st = inText
		if s.depth == 1 {
			return evOpen, ""
		}
	}
	return evMore, ""
}

// end closes an element.
func (s *scanner) end() (event, Reason) {
	s.st = inText
	if s.depth == 0 {
		return evClose, ""
	}
	s.depth--
	if s.depth == 0 {
		return evDone, ""
	}
	return evMore, ""
}

// bang tells <!-- from <![CDATA[; anything else has no place in a stream.
func (s *scanner) bang(c byte) (event, Reason) {
	if s.want == "" {
		switch {
		case c == '-':
			s.want = "--"
		case c == '[' && s.depth > 0:
			s.want = "[CDATA["
		default:
			return evBroken, "a declaration within the stream"
		}
	}
	if s.want[s.run] != c {
		return evBroken, "a declaration within the stream"
	}
	s.run++
	if s.run < len(s.want) {
		return evMore, ""
	}
	s.run = 0
	s.st = inCDATA
	if s.want == "--" {
		s.st = inComment
	}
	return evMore, ""
}

// until waits for --> or ]]>.
func (s *scanner) until(c, mark byte) (event, Reason) {
	switch {
	case c == mark:
		s.run = min(s.run+1, 2)
	case c == '>' && s.run == 2:
		return s.resume()
	default:
		s.run = 0
	}
	return evMore, ""
}

// resume goes on behind a comment or the like.
func (s *scanner) resume() (event, Reason) {
	s.st = inText
	if s.depth == 0 {
		return evStray, ""
	}
	return evMore, ""
}
