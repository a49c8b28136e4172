package transport

import "encoding/binary"

// A feed brings the records of a peer to the library in the order that it needs.
// What is encrypted the library would put aside if it came too early, but in
// memory that it uses for the next datagram: what it took up again then could
// be anything. So it waits here, for what goes before it.
type feed struct {
	next      uint32                // sequence number for what comes unencrypted
	messages  map[uint8]*assembling // of a client's last flight
	encrypted []byte                // of one datagram, waiting
}

// assembling is how much of a message has come, from its start.
type assembling struct{ have, length int }

// order makes of a datagram that sift has left what is to be fed; nil if
// that is nothing yet. keyed says that we have keys to open with; a server finds
// out itself.
func (f *feed) order(datagram []byte, client, keyed bool) []byte {
	var plain, encrypted []byte
	for len(datagram) > 0 {
		r, rest, ok := nextRecord(datagram)
		if !ok {
			break
		}
		datagram = rest
		if r.epoch > 0 {
			encrypted = append(encrypted, r.all...)
			continue
		}
		f.note(r)
		plain = append(plain, r.all...)
	}
	if len(encrypted) > 0 {
		f.encrypted = encrypted
	}
	if client && keyed || !client && f.keyed() {
		if len(f.encrypted) > 0 {
			// What is encrypted counts only after the change of keys, which
			// is lost or forged as easily as any other.
			plain = append(plain, contentChangeCipher, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1)
			plain = append(plain, f.encrypted...)
		}
		f.encrypted = nil
	}
	f.renumber(plain)
	return plain
}

// note takes down what of a client's last flight a record brings.
func (f *feed) note(r record) {
	for b := r.all[recordHeader:]; len(b) >= handshakeHeader; {
		length, offset, fragment := uint24(b[1:]), uint24(b[6:]), uint24(b[9:])
		switch kind := b[0]; kind {
		case messageCertificate, messageClientKeyExchange, messageCertificateVerify:
			if f.messages == nil {
				f.messages = map[uint8]*assembling{}
			}
			m := f.messages[kind]
			if m == nil {
				m = &assembling{length: length}
				f.messages[kind] = m
			}
			if offset <= m.have {
				m.have = max(m.have, offset+fragment)
			}
		}
		b = b[min(len(b), handshakeHeader+fragment):]
	}
}

// keyed reports whether all has come of which a server makes its keys.
func (f *feed) keyed() bool {
	for _, kind := range []uint8{messageCertificate, messageClientKeyExchange, messageCertificateVerify} {
		if m := f.messages[kind]; m == nil || m.have < m.length {
			return false
		}
	}
	return true
}

// renumber gives the records of a datagram that are not encrypted sequence
// numbers of ours. What stands there anybody can forge, and a high number would
// make the library take the genuine records that follow for old ones. Nothing
// else depends on it: messages have numbers of their own.
func (f *feed) renumber(datagram []byte) {
	for {
		r, rest, ok := nextRecord(datagram)
		if !ok {
			return
		}
		if r.epoch == 0 {
			binary.BigEndian.PutUint16(r.all[5:], 0)
			binary.BigEndian.PutUint32(r.all[7:], f.next)
			f.next++
		}
		datagram = rest
	}
}
