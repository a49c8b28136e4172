package aac

// adtsHeader is the size of the header of a frame, without a checksum.
const adtsHeader = 7

// unwrap takes the header off an access unit that has one (ADTS, ISO/IEC 14496-3 section 1.A.2):
// there are senders that put whole frames where units belong. A unit without
// begins with no twelve ones: that would be its end.
func unwrap(b []byte) ([]byte, error) {
	if len(b) < adtsHeader || b[0] != 0xff || b[1]&0xf6 != 0xf0 {
		return b, nil
	}
	size := int(b[3]&3)<<11 | int(b[4])<<3 | int(b[5])>>5
	header := adtsHeader
	if b[1]&1 == 0 {
		header += 2
	}
	switch {
	case size < header || size > len(b):
		return nil, malformed("length of an ADTS frame")
	case b[6]&3 > 0:
		return nil, unsupported("several units in an ADTS frame")
	}
	return b[header:size], nil
}
