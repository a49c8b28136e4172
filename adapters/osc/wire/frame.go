package wire

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Framing says how packets are told apart in a byte stream.
type Framing uint8

// The framings.
const (
	Prefixed Framing = iota // a size of 4 bytes before each (OSC 1.0)
	SLIP                    // RFC 1055, with an END before and behind (OSC 1.1)
)

// SLIP's characters (RFC 1055).
const (
	slipEnd    = 0xc0
	slipEsc    = 0xdb
	slipEscEnd = 0xdc
	slipEscEsc = 0xdd
)

var (
	errFrame  = errors.New("a frame's size is no packet's")
	errEscape = errors.New("an escape that SLIP does not have")
)

// AppendFrame writes a packet as a frame.
func AppendFrame(buf []byte, f Framing, p []byte) []byte {
	if f == Prefixed {
		return append(binary.BigEndian.AppendUint32(buf, uint32(len(p))), p...)
	}
	buf = append(buf, slipEnd)
	for _, c := range p {
		switch c {
		case slipEnd:
			buf = append(buf, slipEsc, slipEscEnd)
		case slipEsc:
			buf = append(buf, slipEsc, slipEscEsc)
		default:
			buf = append(buf, c)
		}
	}
	return append(buf, slipEnd)
}

// ReadFrame reads the next frame into buf, whose capacity is the longest that
// is taken, and gives the part of it that was needed. The error is io.EOF where
// the stream ends between two frames. After any other the stream is of no more
// use. What is in the frame is not looked at.
func ReadFrame(r *bufio.Reader, f Framing, buf []byte) ([]byte, error) {
	if f == Prefixed {
		return readPrefixed(r, buf)
	}
	return readSLIP(r, buf)
}

func readPrefixed(r *bufio.Reader, buf []byte) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, sizeError(err)
	}
	n := binary.BigEndian.Uint32(size[:])
	if n == 0 || n%4 != 0 || uint64(n) > uint64(cap(buf)) {
		return nil, fmt.Errorf("%w: %d", errFrame, n)
	}
	if _, err := io.ReadFull(r, buf[:n]); err != nil {
		return nil, fmt.Errorf("read a frame: %w", noEOF(err))
	}
	return buf[:n], nil
}

func readSLIP(r *bufio.Reader, buf []byte) ([]byte, error) {
	buf = buf[:0]
	for {
		c, err := r.ReadByte()
		if err == io.EOF && len(buf) == 0 {
			return nil, io.EOF
		}
		if err != nil {
			return nil, fmt.Errorf("read a frame: %w", noEOF(err))
		}
		switch c {
		case slipEnd:
			if len(buf) > 0 { // else it is the one before a frame
				return buf, nil
			}
			continue
		case slipEsc:
			if c, err = r.ReadByte(); err != nil {
				return nil, fmt.Errorf("read a frame: %w", noEOF(err))
			}
			switch c {
			case slipEscEnd:
				c = slipEnd
			case slipEscEsc:
				c = slipEsc
			default:
				return nil, errEscape
			}
		}
		if len(buf) == cap(buf) {
			return nil, errFrame
		}
		buf = append(buf, c)
	}
}

// noEOF makes an end inside a frame no regular one.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// sizeError keeps an end between two frames what it is.
func sizeError(err error) error {
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	return fmt.Errorf("read a frame's size: %w", err)
}
