package transport

import (
	"bytes"
	"encoding/binary"
)

// A hello is a ClientHello, as far as it is looked at here (RFC 5246 section 7.4.1.2).
type hello struct {
	random []byte
	cookie []byte
	fits   bool // there is something in it that we take
}

// message is the body of the handshake message that stands whole and in one
// piece at the start of a datagram; nil if it is another one.
func message(b []byte, kind uint8) []byte {
	r, _, ok := nextRecord(b)
	if !ok || r.epoch != 0 || r.content != contentHandshake || len(r.all) < recordHeader+handshakeHeader {
		return nil
	}
	m := r.all[recordHeader:]
	length, offset, fragment := uint24(m[1:]), uint24(m[6:]), uint24(m[9:])
	if m[0] != kind || offset != 0 || fragment != length || handshakeHeader+length > len(m) {
		return nil
	}
	return m[handshakeHeader : handshakeHeader+length]
}

func uint24(b []byte) int { return int(b[0])<<16 | int(b[1])<<8 | int(b[2]) }

// A puzzle puts a ClientHello together that is too long for one datagram. Its
// pieces have to come in order; if they don't, they come again.
type puzzle struct{ all []byte }

// add takes a datagram with a ClientHello or a piece of one. It returns one
// with the whole in one record, or nil as long as there is none. What is no
// hello is returned as it is.
func (p *puzzle) add(datagram []byte) []byte {
	if len(datagram) < recordHeader+handshakeHeader || datagram[0] != contentHandshake ||
		datagram[recordHeader] != messageClientHello {
		return datagram
	}
	m := datagram[recordHeader:]
	length, offset, fragment := uint24(m[1:]), uint24(m[6:]), uint24(m[9:])
	if fragment == length || length > maxHello || handshakeHeader+fragment > len(m) {
		return datagram
	}
	body := m[handshakeHeader : handshakeHeader+fragment]
	// What has come belongs to the same one if type, length and number are the same.
	const same = 6
	switch {
	case offset == 0:
		p.all = append(bytes.Clone(datagram[:recordHeader+handshakeHeader]), body...)
	case len(p.all) == recordHeader+handshakeHeader+offset && bytes.Equal(p.all[recordHeader:][:same], m[:same]):
		p.all = append(p.all, body...)
	default:
		return nil
	}
	if len(p.all) != recordHeader+handshakeHeader+length {
		return nil
	}
	whole := p.all
	p.all = nil
	copy(whole[recordHeader+9:], whole[recordHeader+1:recordHeader+4])
	binary.BigEndian.PutUint16(whole[11:], uint16(len(whole)-recordHeader))
	return whole
}

// parseHello reads the ClientHello at the start of a datagram, which must be in
// one piece.
func parseHello(datagram []byte) (hello, bool) {
	b := message(datagram, messageClientHello)
	if len(b) < 34 || b[0] != 254 || b[1] != 253 {
		return hello{}, false
	}
	h := hello{random: b[2:34]}
	b = b[34:]
	_, b, ok1 := vector(b, 1) // the session
	cookie, b, ok2 := vector(b, 1)
	suites, b, ok3 := vector(b, 2)
	_, b, ok4 := vector(b, 1) // compression
	if !ok1 || !ok2 || !ok3 || !ok4 {
		return hello{}, false
	}
	h.cookie = cookie
	extensions, _, ok := vector(b, 2)
	if !ok {
		return h, true // there are none: no SRTP either
	}
	groups, profiles := hasGroup(nil), hasProfile(nil)
	for len(extensions) >= 4 {
		kind := binary.BigEndian.Uint16(extensions)
		body, rest, ok := vector(extensions[2:], 2)
		if !ok {
			return hello{}, false
		}
		extensions = rest
		switch kind {
		case extensionGroups:
			groups = hasGroup(body)
		case extensionUseSRTP:
			profiles = hasProfile(body)
		}
	}
	h.fits = groups && profiles && contains(suites, serverSuites())
	return h, true
}

// vector takes a vector with a length of n bytes off b.
func vector(b []byte, n int) (body, rest []byte, ok bool) {
	if len(b) < n {
		return nil, nil, false
	}
	size := 0
	for _, v := range b[:n] {
		size = size<<8 | int(v)
	}
	if n+size > len(b) {
		return nil, nil, false
	}
	return b[n : n+size], b[n+size:], true
}

// contains reports whether one of the numbers of two bytes each is among those
// wanted.
func contains(list []byte, wanted []uint16) bool {
	for ; len(list) >= 2; list = list[2:] {
		for _, w := range wanted {
			if binary.BigEndian.Uint16(list) == w {
				return true
			}
		}
	}
	return false
}

func hasGroup(extension []byte) bool {
	list, _, ok := vector(extension, 2)
	return ok && contains(list, []uint16{0x001d, 0x0017, 0x0018}) // X25519, P-256, P-384
}

func hasProfile(extension []byte) bool {
	list, _, ok := vector(extension, 2)
	if !ok {
		return false
	}
	var wanted []uint16
	for _, p := range profiles() {
		wanted = append(wanted, uint16(p))
	}
	return contains(list, wanted)
}

// offeredCookie is the cookie in the HelloVerifyRequest that a datagram is; nil
// if it is none (RFC 6347 section 4.2.1).
func offeredCookie(datagram []byte) []byte {
	b := message(datagram, messageHelloVerify)
	if len(b) < 2 {
		return nil
	}
	cookie, _, _ := vector(b[2:], 1)
	return bytes.Clone(cookie)
}
