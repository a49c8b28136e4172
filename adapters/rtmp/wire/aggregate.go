package wire

// The parts of an aggregate (RTMP 1.0 section 7.1.6): a tag's header as in an FLV
// file, its body, and its length again.
const (
	tagHeader = 11
	tagTail   = 4
)

// splitAggregate gives the parts, whose times count from the aggregate's own. What
// does not belong in one, and a part that is cut, is left out.
func splitAggregate(m Message) (parts []Message) {
	var first uint32
	for b := m.Body; len(b) >= tagHeader; {
		size := int(uint24(b[1:]))
		if size > len(b)-tagHeader {
			break
		}
		time := uint24(b[4:]) | uint32(b[7])<<24
		if len(b) == len(m.Body) {
			first = time
		}
		part := Message{Type: Type(b[0]), Stream: m.Stream, Time: m.Time + time - first, Body: b[tagHeader : tagHeader+size : tagHeader+size]}
		if part.Type == TypeAudio || part.Type == TypeVideo || part.IsData() {
			parts = append(parts, part)
		}
		b = b[min(len(b), tagHeader+size+tagTail):]
	}
	return parts
}
