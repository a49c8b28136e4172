package peer

import (
	"encoding/binary"

	"gateway/codec/mp3"
)

// The other containers in which ffmpeg takes the bare payloads of a codec.

// OpusHeaders are the packets that stand before those of a stream of Opus in one
// channel (RFC 7845 section 5), of which nothing is to be left out.
func OpusHeaders() [][]byte {
	head := append([]byte("OpusHead"), 1, 1)
	head = binary.LittleEndian.AppendUint16(head, 0)     // pre-skip
	head = binary.LittleEndian.AppendUint32(head, 48000) // of the original
	head = append(head, 0, 0, 0)                         // gain, mapping
	tags := append([]byte("OpusTags"), 4, 0, 0, 0)
	tags = append(tags, "test"...)
	return [][]byte{head, append(tags, 0, 0, 0, 0)}
}

// FLVFile makes a file of messages of sound, each with kind, the first byte of the
// message, and ms milliseconds after the one before.
func FLVFile(kind byte, payloads [][]byte, ms float64) []byte {
	file := append([]byte("FLV"), 1, 4, 0, 0, 0, 9, 0, 0, 0, 0)
	for i, p := range payloads {
		at, size := uint32(float64(i)*ms), len(p)+1
		tag := []byte{8, byte(size >> 16), byte(size >> 8), byte(size), byte(at >> 16), byte(at >> 8), byte(at), byte(at >> 24), 0, 0, 0}
		tag = append(append(tag, kind), p...)
		file = append(file, tag...)
		file = binary.BigEndian.AppendUint32(file, uint32(len(tag)))
	}
	return file
}

// ADTSUnits are the access units of a file of AAC (ISO/IEC 14496-3 section
// 1.A.2.2), as far as it is whole.
func ADTSUnits(file []byte) (units [][]byte) {
	for len(file) > adtsHeader {
		n := int(file[3]&3)<<11 | int(file[4])<<3 | int(file[5]>>5)
		if n <= adtsHeader || n > len(file) {
			break
		}
		units = append(units, file[adtsHeader:n])
		file = file[n:]
	}
	return units
}

const adtsHeader = 7 // without a checksum

// ADTSFile makes a file of access units of AAC-LC. Index is that of the sampling rate.
func ADTSFile(units [][]byte, index, channels byte) (file []byte) {
	for _, u := range units {
		n := len(u) + adtsHeader
		file = append(file, 0xff, 0xf1, 1<<6|index<<2, channels<<6|byte(n>>11), byte(n>>3), byte(n<<5)|0x1f, 0xfc)
		file = append(file, u...)
	}
	return file
}

// MP3Frames are the frames of a file of layer III without tags, as far as it is whole.
func MP3Frames(file []byte) (frames [][]byte) {
	for {
		h, ok := mp3.ParseHeader(file)
		if !ok || h.Size > len(file) {
			return frames
		}
		frames = append(frames, file[:h.Size])
		file = file[h.Size:]
	}
}
