package wire

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/yutopp/go-rtmp/handshake"
)

const plainVersion = 3 // RTMP 1.0 section 5.2.2; 6 and more are encrypted

var (
	errVersion = errors.New("no version of RTMP that is known here")
	// ErrPolicy says that somebody asked for the Flash policy, and was
	// answered.
	ErrPolicy = errors.New("a Flash policy request")
)

// readBuffer is what a connection reads at once. Before its handshake it has
// none: there are many who never come that far.
const readBuffer = 4 << 10

// Accept does a server's part of the handshake on a connection that was taken,
// plain or with digests as the client has it, in the time that l allows. When it
// fails, nc is closed.
func Accept(nc net.Conn, l Limits) (*Conn, error) {
	c, err := accept(nc, l)
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("rtmp handshake: %w", err)
	}
	return c, nil
}

func accept(nc net.Conn, l Limits) (*Conn, error) {
	if err := nc.SetDeadline(time.Now().Add(l.Handshake)); err != nil {
		return nil, err
	}
	count := &counter{Conn: nc}
	if err := serverHandshake(count, l.Policy); err != nil {
		return nil, err
	}
	if err := nc.SetDeadline(time.Now().Add(l.Connect)); err != nil {
		return nil, err
	}
	return newConn(count, bufio.NewReaderSize(count, readBuffer), l, true), nil
}

// serverHandshake reads C0 and C1, writes S0, S1 and S2, and reads C2 (section
// 5.2). What C2 repeats is not compared: some clients do not repeat it, and it
// proves nothing over TCP.
func serverHandshake(rw io.ReadWriter, policy bool) error {
	var c0 handshake.S0C0
	if err := handshake.NewDecoder(rw).DecodeS0C0(&c0); err != nil {
		return err
	}
	switch {
	case c0 == '<' && policy:
		return answerPolicy(rw)
	case c0 != plainVersion:
		return fmt.Errorf("%w: %d", errVersion, c0)
	}
	c1 := make([]byte, packetSize)
	if _, err := io.ReadFull(rw, c1); err != nil {
		return err
	}
	s, err := serverPackets(c1)
	if err != nil {
		return err
	}
	if _, err := rw.Write(s); err != nil {
		return err
	}
	_, err = io.CopyN(io.Discard, rw, packetSize)
	return err
}

// serverPackets are S0, S1 and S2 for a C1.
func serverPackets(c1 []byte) ([]byte, error) {
	var out bytes.Buffer
	out.Grow(1 + 2*packetSize)
	e := handshake.NewEncoder(&out)
	s0 := handshake.S0C0(plainVersion)
	if err := e.EncodeS0C0(&s0); err != nil {
		return nil, err
	}
	// A client that does digests says its version, which is 0 in the plain form.
	if digest, scheme := findDigest(c1, clientName); digest != nil {
		s1, err := signedPacket(scheme, serverName, [4]byte{3, 5, 1, 1})
		if err != nil {
			return nil, err
		}
		s2, err := signedAnswer(digest, serverName)
		if err != nil {
			return nil, err
		}
		out.Write(s1)
		out.Write(s2)
		return out.Bytes(), nil
	}
	s1 := handshake.S1C1{Time: now()}
	if _, err := rand.Read(s1.Random[:]); err != nil {
		return nil, err
	}
	s2, err := echo(c1)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(e.EncodeS1C1(&s1), e.EncodeS2C2(s2)); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// signedPacket is a C1 or S1 with a digest in it.
func signedPacket(scheme int, name string, version [4]byte) ([]byte, error) {
	p := make([]byte, packetSize)
	if _, err := rand.Read(p[8:]); err != nil {
		return nil, err
	}
	binary.BigEndian.PutUint32(p, now())
	copy(p[4:], version[:])
	sign(p, scheme, name)
	return p, nil
}

// echo is the answer to a plain C1 or S1: its bytes (section 5.2.4). Where the section
// has the time at which they were read stands what stood there: librtmp, and all that has
// it in it, complains of anything else, and nobody reads that time.
func echo(p []byte) (*handshake.S2C2, error) {
	var first handshake.S1C1
	if err := handshake.NewDecoder(bytes.NewReader(p)).DecodeS1C1(&first); err != nil {
		return nil, err
	}
	return &handshake.S2C2{Time: first.Time, Time2: binary.BigEndian.Uint32(first.Version[:]), Random: first.Random}, nil
}

// now is the time that packets of the handshake have: of any origin.
func now() uint32 { return uint32(time.Now().UnixMilli()) }

// clientHandshake writes C0 and C1 and then, when all of the server's has come, C2. It
// goes with digests, which plain servers take for random bytes.
func clientHandshake(rw io.ReadWriter) error {
	c1, err := signedPacket(digestFirst, clientName, [4]byte{9, 0, 124, 2})
	if err != nil {
		return err
	}
	if _, err := rw.Write(append([]byte{plainVersion}, c1...)); err != nil {
		return err
	}
	var s0 handshake.S0C0
	if err := handshake.NewDecoder(rw).DecodeS0C0(&s0); err != nil {
		return err
	}
	if s0 != plainVersion {
		return fmt.Errorf("%w: %d", errVersion, s0)
	}
	s1 := make([]byte, packetSize)
	if _, err := io.ReadFull(rw, s1); err != nil {
		return err
	}
	if _, err := io.CopyN(io.Discard, rw, packetSize); err != nil { // S2
		return err
	}
	c2, err := clientAnswer(s1)
	if err != nil {
		return err
	}
	_, err = rw.Write(c2)
	return err
}

// clientAnswer is C2 for an S1.
func clientAnswer(s1 []byte) ([]byte, error) {
	if digest, _ := findDigest(s1, serverName); digest != nil {
		return signedAnswer(digest, clientName)
	}
	c2, err := echo(s1)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = handshake.NewEncoder(&out).EncodeS2C2(c2)
	return out.Bytes(), err
}
