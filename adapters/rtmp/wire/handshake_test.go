package wire

import (
	"bytes"
	"crypto/hmac"
	"errors"
	"io"
	"net"
	"testing"

	"github.com/yutopp/go-rtmp/handshake"
)

// script is what one side sends, and what it got.
type script struct {
	io.Reader
	bytes.Buffer
}

func (s *script) Read(p []byte) (int, error) { return s.Reader.Read(p) }

// isSignedAnswer reports whether p answers a packet with that digest.
func isSignedAnswer(p, digest []byte, name string) bool {
	key := mac(append([]byte(name), genuine[:]...), digest)
	return hmac.Equal(p[packetSize-digestSize:], mac(key, p[:packetSize-digestSize]))
}

func TestServersHandshake(t *testing.T) {
	t.Parallel()
	signed, err := signedPacket(keyFirst, clientName, [4]byte{9, 0, 124, 2})
	if err != nil {
		t.Fatal(err)
	}
	plain := bytes.Repeat([]byte{0, 0, 0, 0, 1, 2, 3, 4}, packetSize/8)
	for _, tt := range []struct {
		name string
		c1   []byte
	}{{"plain", plain}, {"with digests", signed}} {
		s := &script{Reader: bytes.NewReader(append(append([]byte{3}, tt.c1...), make([]byte, packetSize)...))}
		if err := serverHandshake(s, false); err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		out := s.Bytes()
		if len(out) != 1+2*packetSize || out[0] != 3 {
			t.Errorf("%s: %d bytes, the first %d", tt.name, len(out), out[0])
			continue
		}
		s1, s2 := out[1:1+packetSize], out[1+packetSize:]
		mine, _ := findDigest(s1, serverName)
		theirs, _ := findDigest(tt.c1, clientName)
		if signs := mine != nil; signs != (theirs != nil) {
			t.Errorf("%s: S1 has a digest: %v", tt.name, signs)
		}
		if theirs != nil && !isSignedAnswer(s2, theirs, serverName) {
			t.Errorf("%s: S2 is not signed", tt.name)
		}
		if theirs == nil && !bytes.Equal(s2, tt.c1) { // librtmp looks at all of it
			t.Errorf("%s: S2 does not repeat C1", tt.name)
		}
	}
}

func TestClientsHandshake(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		answer func(net.Conn) error
	}{
		{"with digests", func(c net.Conn) error { return serverHandshake(c, false) }},
		{"plain", func(c net.Conn) error { return handshake.HandshakeWithClient(c, c, &handshake.Config{}) }},
	} {
		client, server := tcpPair(t)
		done := make(chan error, 1)
		go func() { done <- tt.answer(server) }()
		if err := clientHandshake(client); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if err := <-done; err != nil {
			t.Errorf("%s: the server says %v", tt.name, err)
		}
	}
}

// tcpPair is a connection over the loopback, whose ends are closed with the test.
func tcpPair(t *testing.T) (client, server net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	client, err = net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	server, err = ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	return client, server
}

func TestHandshakesThatAreNone(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		sent   string
		policy bool
		want   error
		answer string
	}{
		{"an encrypted one", "\x06", false, errVersion, ""},
		{"HTTP", "GET / HTTP/1.1\r\n\r\n", false, errVersion, ""},
		{"a policy request", policyRequest, false, errVersion, ""},
		{"a policy request that is answered", policyRequest, true, ErrPolicy, policyAnswer},
		{"half of one", policyRequest[:9], true, io.ErrUnexpectedEOF, ""},
		{"like one", "<policy-file-request>/\x00", true, errVersion, ""},
		{"nothing", "", false, io.EOF, ""},
		{"a byte", "\x03", false, io.EOF, ""},
		{"cut", "\x03abc", false, io.ErrUnexpectedEOF, ""},
	} {
		s := &script{Reader: bytes.NewReader([]byte(tt.sent))}
		if err := serverHandshake(s, tt.policy); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
		if got := s.String(); got != tt.answer {
			t.Errorf("%s: answered %q", tt.name, got)
		}
	}
}

func FuzzServersHandshake(f *testing.F) {
	f.Add([]byte("\x03"), false)
	f.Add([]byte(policyRequest), true)
	f.Add(append([]byte{3}, make([]byte, 2*packetSize)...), false)
	f.Fuzz(func(t *testing.T, sent []byte, policy bool) {
		s := &script{Reader: bytes.NewReader(sent)}
		if err := serverHandshake(s, policy); err == nil && (len(sent) < 1+2*packetSize || s.Len() != 1+2*packetSize) {
			t.Fatalf("%d bytes were a handshake, answered with %d", len(sent), s.Len())
		}
	})
}

func FuzzClientsHandshake(f *testing.F) {
	f.Add([]byte("\x03"))
	f.Add(append([]byte{3}, make([]byte, 2*packetSize)...))
	f.Fuzz(func(t *testing.T, sent []byte) {
		s := &script{Reader: bytes.NewReader(sent)}
		if err := clientHandshake(s); err == nil && len(sent) < 1+2*packetSize {
			t.Fatalf("%d bytes were a handshake", len(sent))
		}
	})
}
