package wire

import (
	"encoding/binary"
	"unicode/utf8"
)

// What a value of bulk transfer is, by its second byte. All begin with 'B', op
// u8, transfer u32: the number that the one who has the object gave to its
// sending to one peer; in a WANT, and an ERROR that answers it, the asker's own.
const (
	BulkOffer = 1 // size u64, block u16, SHA-256 32 bytes, flags u8, name length u8, name
	BulkWant  = 2 // name
	BulkGet   = 3 // n times: first block u32, count u16
	BulkData  = 4 // block u32, offset u16, at most 239 bytes
	BulkDone  = 5 // status u8
	BulkError = 6 // code u8, UTF-8
)

// The statuses of BulkDone.
const (
	BulkReceived = 0 // it is whole, and on disk
	BulkBadHash  = 1
	BulkRefused  = 2
	BulkGivenUp  = 3
)

// BulkUnknown is the code of BulkError for a WANT of what is not there.
const BulkUnknown = 1

const (
	bulkHead  = 1 + 1 + 4
	offerHead = bulkHead + 8 + 2 + 32 + 1 + 1
	dataHead  = bulkHead + 4 + 2
	spanSize  = 4 + 2
	// MaxBulkData is how many bytes of an object one value has.
	MaxBulkData = 239
	// MaxBulkName is the longest name of an object, in bytes.
	MaxBulkName = 180
	// MaxSpans is how many Spans one value has.
	MaxSpans = (MaxValue - bulkHead) / spanSize
	// MinBlock and MaxBlock bound the size of an object's blocks, in bytes: one of
	// them, cut into values, fits into one packet.
	MinBlock, MaxBlock = 64, 1024
)

// A Bulk is one value of bulk transfer. What it has besides its Op and Transfer
// depends on the Op; its slices are the value's own.
type Bulk struct {
	Op       uint8
	Transfer uint32
	Offer    Offer  // of BulkOffer
	Spans    []byte // of BulkGet: EachSpan
	Block    uint32 // of BulkData, with Offset and Data
	Offset   uint16
	Data     []byte
	Code     uint8  // of BulkDone and BulkError
	Text     []byte // of BulkError, and the name of BulkWant
}

// An Offer describes an object.
type Offer struct {
	Size  uint64 // in bytes
	Block uint16 // how many bytes each block has, but for the last
	Sum   [32]byte
	Name  string // a label: never a path
}

// A Span is a run of blocks.
type Span struct {
	First uint32
	Count uint16
}

func appendBulk(b []byte, op uint8, transfer uint32) []byte {
	return binary.BigEndian.AppendUint32(append(b, OpBulk, op), transfer)
}

// AppendOffer adds an offer to b. A name that is too long is cut.
func AppendOffer(b []byte, transfer uint32, o Offer) []byte {
	b = appendBulk(b, BulkOffer, transfer)
	b = binary.BigEndian.AppendUint64(b, o.Size)
	b = binary.BigEndian.AppendUint16(b, o.Block)
	b = append(b, o.Sum[:]...)
	name := cut(o.Name, MaxBulkName)
	return append(append(b, 0, uint8(len(name))), name...)
}

// AppendWant adds the wish for the object with a name to b.
func AppendWant(b []byte, transfer uint32, name string) []byte {
	return append(appendBulk(b, BulkWant, transfer), cut(name, MaxBulkName)...)
}

// AppendGet adds a request for up to MaxSpans of spans to b.
func AppendGet(b []byte, transfer uint32, spans []Span) []byte {
	b = appendBulk(b, BulkGet, transfer)
	for _, s := range spans[:min(len(spans), MaxSpans)] {
		b = binary.BigEndian.AppendUint32(b, s.First)
		b = binary.BigEndian.AppendUint16(b, s.Count)
	}
	return b
}

// AppendData adds up to MaxBulkData bytes of a block to b.
func AppendData(b []byte, transfer, block uint32, offset uint16, data []byte) []byte {
	b = appendBulk(b, BulkData, transfer)
	b = binary.BigEndian.AppendUint32(b, block)
	b = binary.BigEndian.AppendUint16(b, offset)
	return append(b, data[:min(len(data), MaxBulkData)]...)
}

// AppendDone adds the end of a transfer to b.
func AppendDone(b []byte, transfer uint32, status uint8) []byte {
	return append(appendBulk(b, BulkDone, transfer), status)
}

// AppendError adds the answer to what can't be done to b.
func AppendError(b []byte, transfer uint32, code uint8, text string) []byte {
	return append(append(appendBulk(b, BulkError, transfer), code), cut(text, MaxBulkName)...)
}

// cut is s with at most n bytes, ended between characters.
func cut(s string, n int) string {
	for len(s) > n {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}

// ReadBulk reads a value. ok is false for one that says nothing that can be true.
func ReadBulk(v []byte) (m Bulk, ok bool) {
	if len(v) < bulkHead || v[0] != OpBulk {
		return m, false
	}
	m = Bulk{Op: v[1], Transfer: binary.BigEndian.Uint32(v[2:])}
	body := v[bulkHead:]
	switch m.Op {
	case BulkOffer:
		m.Offer, ok = readOffer(v)
		return m, ok
	case BulkWant:
		m.Text = body
		return m, len(body) > 0 && len(body) <= MaxBulkName && utf8.Valid(body)
	case BulkGet:
		m.Spans = body
		return m, len(body) > 0 && len(body)%spanSize == 0
	case BulkData:
		if len(v) <= dataHead || len(v) > dataHead+MaxBulkData {
			return m, false
		}
		m.Block, m.Offset, m.Data = binary.BigEndian.Uint32(body), binary.BigEndian.Uint16(body[4:]), v[dataHead:]
		return m, int(m.Offset)+len(m.Data) <= MaxBlock
	case BulkDone:
		if len(body) != 1 {
			return m, false
		}
		m.Code = body[0]
		return m, true
	case BulkError:
		if len(body) < 1 {
			return m, false
		}
		m.Code, m.Text = body[0], body[1:]
		return m, true
	default:
		return m, false
	}
}

func readOffer(v []byte) (o Offer, ok bool) {
	if len(v) < offerHead || len(v) != offerHead+int(v[offerHead-1]) {
		return o, false
	}
	body := v[bulkHead:]
	o.Size, o.Block = binary.BigEndian.Uint64(body), binary.BigEndian.Uint16(body[8:])
	copy(o.Sum[:], body[10:])
	name := v[offerHead:]
	o.Name = string(name)
	return o, len(name) > 0 && len(name) <= MaxBulkName && utf8.Valid(name) && o.Block >= MinBlock && o.Block <= MaxBlock &&
		o.Size <= uint64(o.Block)<<32
}

// EachSpan calls f for every Span of a BulkGet.
func (m *Bulk) EachSpan(f func(Span)) {
	for s := m.Spans; len(s) >= spanSize; s = s[spanSize:] {
		f(Span{binary.BigEndian.Uint32(s), binary.BigEndian.Uint16(s[4:])})
	}
}

// Blocks is how many blocks the object has.
func (o *Offer) Blocks() uint32 {
	n := o.Size / uint64(o.Block)
	if o.Size%uint64(o.Block) != 0 {
		n++
	}
	return uint32(min(n, 1<<32-1))
}

// Length is how many bytes a block has.
func (o *Offer) Length(block uint32) int {
	start := uint64(block) * uint64(o.Block)
	if start >= o.Size {
		return 0
	}
	return int(min(uint64(o.Block), o.Size-start))
}
