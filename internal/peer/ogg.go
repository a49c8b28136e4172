package peer

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// Ogg is the container (RFC 3533) in which ffmpeg takes and gives the bare
// packets of a codec that has no file format of its own.

const (
	oggHeader = 27 // of a page, before the lengths of its segments
	oggFirst  = 2
	oggLast   = 4
)

// OggPackets is the packets of the one stream in file, the codec's own headers
// among them.
func OggPackets(file []byte) ([][]byte, error) {
	var packets [][]byte
	var packet []byte
	for len(file) > 0 {
		if len(file) < oggHeader || string(file[:4]) != "OggS" {
			return nil, errors.New("ogg: a page does not begin where it should")
		}
		n := int(file[oggHeader-1])
		if len(file) < oggHeader+n {
			return nil, errors.New("ogg: a page is cut off")
		}
		lengths, rest := file[oggHeader:oggHeader+n], file[oggHeader+n:]
		for _, l := range lengths {
			if int(l) > len(rest) {
				return nil, errors.New("ogg: a page is cut off")
			}
			packet = append(packet, rest[:l]...)
			rest = rest[l:]
			if l < 255 {
				packets = append(packets, packet)
				packet = nil
			}
		}
		file = rest
	}
	return packets, nil
}

// OggFile makes a file of packets, the codec's own headers first, each in a page
// of its own. A packet behind the headers lasts samples samples.
func OggFile(packets [][]byte, headers, samples int) []byte {
	var file bytes.Buffer
	at := 0
	for i, p := range packets {
		var kind byte
		if i == 0 {
			kind = oggFirst
		}
		if i == len(packets)-1 {
			kind |= oggLast
		}
		if i >= headers {
			at += samples
		}
		page := append([]byte("OggS\x00"), kind)
		page = binary.LittleEndian.AppendUint64(page, uint64(at))
		page = binary.LittleEndian.AppendUint32(page, 1) // the stream
		page = binary.LittleEndian.AppendUint32(page, uint32(i))
		page = binary.LittleEndian.AppendUint32(page, 0) // the sum, below
		page = append(page, byte(len(p)/255+1))
		page = append(page, bytes.Repeat([]byte{255}, len(p)/255)...)
		page = append(page, byte(len(p)%255))
		page = append(page, p...)
		binary.LittleEndian.PutUint32(page[22:], oggSum(page))
		file.Write(page)
	}
	return file.Bytes()
}

// oggSum is the checksum of RFC 3533 section 6: that of Ethernet, but from the
// highest bit on.
func oggSum(page []byte) uint32 {
	var sum uint32
	for _, b := range page {
		sum ^= uint32(b) << 24
		for range 8 {
			top := sum >> 31
			sum = sum<<1 ^ top*0x04c11db7
		}
	}
	return sum
}

// SpeexHeaders are the packets that begin a Speex stream in Ogg (Speex manual
// section 7): frames is how many a packet has.
func SpeexHeaders(rate, frames int) [][]byte {
	mode := map[int]uint32{8000: 0, 16000: 1, 32000: 2}[rate]
	h := append([]byte("Speex   "), make([]byte, 20)...) // no version in words
	for _, v := range []uint32{1, 80, uint32(rate), mode, 4, 1, 0, uint32(160 << mode), 0, uint32(frames), 0, 0, 0} {
		h = binary.LittleEndian.AppendUint32(h, v)
	}
	return [][]byte{h, make([]byte, 8)} // no comments either
}
