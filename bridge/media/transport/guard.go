package transport

import "encoding/binary"

// What of DTLS stands in front of the library (RFC 6347 section 4.1, RFC 5246
// section 7.4): whatever a stranger can forge as long as nothing is encrypted
// must not end a handshake.
const (
	recordHeader    = 13
	handshakeHeader = 12
	maxRecord       = 1<<14 + 2048
	maxDatagram     = 8192 // what the library reads at once
	maxHello        = 4096

	contentChangeCipher = 20
	contentAlert        = 21
	contentHandshake    = 22
	contentData         = 23

	messageClientHello        = 1
	messageServerHello        = 2
	messageSessionTicket      = 4
	messageHelloVerify        = 3
	messageCertificate        = 11
	messageServerKeyExchange  = 12
	messageCertificateRequest = 13
	messageServerHelloDone    = 14
	messageCertificateVerify  = 15
	messageClientKeyExchange  = 16
	messageCertificateStatus  = 22

	extensionGroups  = 10
	extensionUseSRTP = 14
)

// A record is one of a datagram.
type record struct {
	content uint8
	epoch   uint16
	all     []byte // with its header
}

// nextRecord takes the first record off a datagram; false if there is none that
// holds together.
func nextRecord(b []byte) (r record, rest []byte, ok bool) {
	if len(b) < recordHeader || b[1] != 254 || b[2] < 253 {
		return record{}, nil, false
	}
	size := int(binary.BigEndian.Uint16(b[11:]))
	if size > maxRecord || recordHeader+size > len(b) {
		return record{}, nil, false
	}
	return record{b[0], binary.BigEndian.Uint16(b[3:]), b[:recordHeader+size]}, b[recordHeader+size:], true
}

// sift copies of a datagram the records that may reach the library: of what is
// not encrypted only the messages that the peer, client or not, sends in a
// handshake that is under way. Alerts that are not encrypted
// anybody may have sent; a change of keys says nothing that the epoch of what
// follows does not; another epoch would be a renegotiation; data nobody reads,
// who would have to, or they held up what comes behind them. alerted is the
// description of an alert that was left out, or 0.
func sift(datagram []byte, fromClient, done bool) (kept []byte, alerted uint8) {
	if len(datagram) > maxDatagram {
		return nil, 0
	}
	for len(datagram) > 0 {
		r, rest, ok := nextRecord(datagram)
		if !ok {
			return kept, alerted
		}
		datagram = rest
		switch {
		case r.epoch == 1 && (r.content == contentAlert || r.content == contentHandshake),
			r.epoch == 0 && !done && r.content == contentHandshake && r.expected(fromClient, len(kept) == 0):
			kept = append(kept, r.all...)
		case r.epoch == 0 && r.content == contentAlert && len(r.all) >= recordHeader+2:
			alerted = r.all[recordHeader+1]
		}
	}
	return kept, alerted
}

// expected reports whether all messages of a handshake record are such as that side
// sends. The library would take the place of one in the sequence for filled by
// any other. A ClientHello has to be alone at the start of a datagram.
func (r record) expected(fromClient, first bool) bool {
	b := r.all[recordHeader:]
	for alone := true; len(b) > 0; alone = false {
		if len(b) < handshakeHeader {
			return false
		}
		length, fragment := uint24(b[1:]), uint24(b[9:])
		if handshakeHeader+fragment > len(b) {
			return false
		}
		switch kind := b[0]; kind {
		case messageClientHello:
			return fromClient && first && alone && length <= maxHello && handshakeHeader+fragment == len(b)
		case messageCertificate:
		case messageCertificateVerify, messageClientKeyExchange:
			if !fromClient {
				return false
			}
		case messageServerHello, messageHelloVerify, messageSessionTicket, messageServerKeyExchange,
			messageCertificateRequest, messageServerHelloDone, messageCertificateStatus:
			if fromClient {
				return false
			}
		default:
			return false
		}
		b = b[handshakeHeader+fragment:]
	}
	return true
}
