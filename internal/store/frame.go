package store

import (
	"encoding/binary"
	"hash/crc32"
)

// A frame is one record of a front, or of a bundle in a stream:
//
//	"GWf1"  checksum 4  length of the data 4  kind 4  sequence 8  epoch 8     little endian
//	data
//
// The checksum is CRC-32C of all that follows it.
type frame struct {
	kind  uint32
	seq   uint64
	epoch uint64 // which use of the file it belongs to; 0 in a bundle
	data  []byte
}

// The kinds of frames.
const (
	frameBegin  uint32 = iota + 1 // the first of a file: its epoch counts, its sequence is the next
	frameRecord                   // a record was appended
	frameGone                     // a record was deleted
)

const (
	frameMagic  = "GWf1"
	frameHeader = 32
)

// checksumOf is CRC-32C, which processors have an instruction for.
func checksumOf(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

// append adds the frame to b.
func (f frame) append(b []byte) []byte {
	at := len(b)
	b = append(b, frameMagic...)
	b = binary.LittleEndian.AppendUint32(b, 0)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(f.data)))
	b = binary.LittleEndian.AppendUint32(b, f.kind)
	b = binary.LittleEndian.AppendUint64(b, f.seq)
	b = binary.LittleEndian.AppendUint64(b, f.epoch)
	b = append(b, f.data...)
	binary.LittleEndian.PutUint32(b[at+4:], checksumOf(b[at+8:]))
	return b
}

// size is how many bytes the frame takes.
func (f frame) size() int { return frameHeader + len(f.data) }

// parseFrame reads the frame that b begins with. Its data is a part of b.
func parseFrame(b []byte) (frame, bool) {
	if len(b) < frameHeader || string(b[:4]) != frameMagic {
		return frame{}, false
	}
	n := binary.LittleEndian.Uint32(b[8:])
	if uint64(n) > uint64(len(b)-frameHeader) {
		return frame{}, false
	}
	end := frameHeader + int(n)
	if checksumOf(b[8:end]) != binary.LittleEndian.Uint32(b[4:]) {
		return frame{}, false
	}
	return frame{
		kind: binary.LittleEndian.Uint32(b[12:]), seq: binary.LittleEndian.Uint64(b[16:]),
		epoch: binary.LittleEndian.Uint64(b[24:]), data: b[frameHeader:end],
	}, true
}

// parseFront reads a file of a front: what belongs to its present use. damaged says
// that something follows what can't be read; an end that is torn off is how a
// machine without power leaves a file.
func parseFront(b []byte) (all []frame, damaged bool) {
	begin, ok := parseFrame(b)
	if !ok || begin.kind != frameBegin {
		// What follows the beginning is of the same use of the file, if it can be read.
		first, ok := parseFrame(b[min(blockSize, len(b)):])
		if !ok { // the beginning was as short as it can be, once
			first, _ = parseFrame(b[min(frameHeader, len(b)):])
		}
		return salvage(b, first.epoch), true
	}
	at := 0
	for at < len(b) {
		f, ok := parseFrame(b[at:])
		if !ok || f.epoch != begin.epoch {
			break
		}
		all = append(all, f)
		at += f.size()
	}
	more := salvage(b[min(at+1, len(b)):], begin.epoch)
	return append(all, more...), len(more) > 0
}

// salvage finds frames of an epoch in what is damaged; of the newest if that is 0.
func salvage(b []byte, epoch uint64) (all []frame) {
	for at := 0; at+frameHeader <= len(b); {
		f, ok := parseFrame(b[at:])
		if !ok {
			at++
			continue
		}
		at += f.size()
		switch {
		case epoch == 0 && len(all) > 0 && f.epoch > all[0].epoch:
			all = []frame{f}
		case f.epoch == epoch, epoch == 0 && (len(all) == 0 || f.epoch == all[0].epoch):
			all = append(all, f)
		}
	}
	return all
}

// parseBundle reads a record of a stream: the frames in it. One that was
// written before there were any is a record by itself.
func parseBundle(seq uint64, b []byte) (all []frame) {
	if len(b) < 4 || string(b[:4]) != frameMagic {
		return []frame{{kind: frameRecord, seq: seq, data: b}}
	}
	for len(b) > 0 {
		f, ok := parseFrame(b)
		if !ok {
			return append(all, frame{kind: frameRecord, seq: seq, data: b}) // its reader will say so
		}
		all = append(all, f)
		b = b[f.size():]
	}
	return all
}
