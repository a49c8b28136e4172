package wire

// The parts of an aggregate (RTMP 1.0 section 7.1.6): a tag's header as in an FLV
// file, its body, and its length again.
const (
	tagHeader = 11
	tagTail   = 4
)

// An aggregate is what is left of one. Its parts are made one at a time: there may
// be hundreds of thousands, of a byte or none. The zero aggregate has none.
type aggregate struct {
	whole Message
	rest  []byte
	first uint32 // the time of the first part
}

func newAggregate(m Message) aggregate {
	a := aggregate{whole: m, rest: m.Body}
	if len(a.rest) >= tagHeader {
		a.first = tagTime(a.rest)
	}
	return a
}

// next gives the next part, whose time counts from the aggregate's own. What does
// not belong in one, and a part that is cut, is left out.
func (a *aggregate) next() (Message, bool) {
	for len(a.rest) >= tagHeader {
		b := a.rest
		size := int(uint24(b[1:]))
		if size > len(b)-tagHeader {
			break
		}
		a.rest = b[min(len(b), tagHeader+size+tagTail):]
		part := Message{
			Type: Type(b[0]), Stream: a.whole.Stream, Time: a.whole.Time + tagTime(b) - a.first,
			Body: b[tagHeader : tagHeader+size : tagHeader+size],
		}
		if part.Type == TypeAudio || part.Type == TypeVideo || part.IsData() {
			return part, true
		}
	}
	*a = aggregate{} // the body is not kept any longer
	return Message{}, false
}

func tagTime(b []byte) uint32 { return uint24(b[4:]) | uint32(b[7])<<24 }
