package wire

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

func TestFramesAreWhatOtherProgramsWrite(t *testing.T) {
	t.Parallel()
	p := []byte{'/', 0xc0, 0xdb, 0xdc}
	for _, tt := range []struct {
		name string
		f    Framing
		want []byte
	}{
		{"with the size before it", Prefixed, []byte{0, 0, 0, 4, '/', 0xc0, 0xdb, 0xdc}},
		{"with an END on both sides", SLIP, []byte{0xc0, '/', 0xdb, 0xdc, 0xdb, 0xdd, 0xdc, 0xc0}},
	} {
		if got := AppendFrame(nil, tt.f, p); !bytes.Equal(got, tt.want) {
			t.Errorf("%s: %x, want %x", tt.name, got, tt.want)
		}
	}
}

func TestFramesAreReadOneByOne(t *testing.T) {
	t.Parallel()
	for _, f := range []Framing{Prefixed, SLIP} {
		var stream []byte
		want := [][]byte{[]byte("abcd"), bytes.Repeat([]byte{0xc0}, 8), bytes.Repeat([]byte{0xdb}, 4)}
		for _, p := range want {
			stream = AppendFrame(stream, f, p)
		}
		r := bufio.NewReader(iotest.OneByteReader(bytes.NewReader(stream)))
		for _, p := range want {
			got, err := ReadFrame(r, f, make([]byte, 0, 8))
			if err != nil || !bytes.Equal(got, p) {
				t.Errorf("%d: %x, %v; want %x", f, got, err, p)
			}
		}
		if _, err := ReadFrame(r, f, make([]byte, 0, 8)); err != io.EOF {
			t.Errorf("%d: at the end: %v", f, err)
		}
	}
}

func TestFramesThatAreNoneEndTheStream(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		f      Framing
		stream string
		want   error
	}{
		{"longer than is taken", Prefixed, "\x00\x00\x00\x0cabcdabcdabcd", errFrame},
		{"much longer", Prefixed, "\xff\xff\xff\xfcabcd", errFrame},
		{"of no size", Prefixed, "\x00\x00\x00\x00", errFrame},
		{"of an odd size", Prefixed, "\x00\x00\x00\x03abc", errFrame},
		{"cut in the size", Prefixed, "\x00\x00", io.ErrUnexpectedEOF},
		{"cut", Prefixed, "\x00\x00\x00\x08abcd", io.ErrUnexpectedEOF},
		{"cut behind the size", Prefixed, "\x00\x00\x00\x08", io.ErrUnexpectedEOF},
		{"longer than is taken", SLIP, "\xc0abcdabcdabcd\xc0", errFrame},
		{"with another escape", SLIP, "\xc0ab\xdbcd\xc0", errEscape},
		{"cut", SLIP, "\xc0abcd", io.ErrUnexpectedEOF},
		{"cut in an escape", SLIP, "\xc0ab\xdb", io.ErrUnexpectedEOF},
		{"ends only", SLIP, "\xc0\xc0\xc0", io.EOF},
	} {
		got, err := ReadFrame(bufio.NewReader(bytes.NewReader([]byte(tt.stream))), tt.f, make([]byte, 0, 8))
		if !errors.Is(err, tt.want) && !(tt.want == io.ErrUnexpectedEOF && err != nil && errors.Is(err, io.ErrUnexpectedEOF)) {
			t.Errorf("%s (%d): %q, %v; want %v", tt.name, tt.f, got, err, tt.want)
		}
	}
}

func FuzzPrefixed(f *testing.F) { fuzzFrames(f, Prefixed) }

func FuzzSLIP(f *testing.F) { fuzzFrames(f, SLIP) }

func fuzzFrames(f *testing.F, framing Framing) {
	f.Add([]byte("abcd"), []byte("\x00\x00\x00\x04abcd"))
	f.Add([]byte("\xc0\xdb\xdc\xdd"), []byte("\xc0\xdb\xdc\xc0\xc0\xdb\xdd\xc0"))
	f.Fuzz(func(t *testing.T, packet, stream []byte) {
		buf := make([]byte, 0, 64)
		r := bufio.NewReader(bytes.NewReader(stream))
		for n := 0; ; n++ {
			p, err := ReadFrame(r, framing, buf)
			if err != nil {
				break
			}
			if len(p) == 0 || len(p) > cap(buf) || n > len(stream) {
				t.Fatalf("frame %d has %d bytes", n, len(p))
			}
		}
		if len(packet) == 0 || framing == Prefixed && len(packet)%4 != 0 {
			return // is never written
		}
		one := AppendFrame(nil, framing, packet)
		r = bufio.NewReader(bytes.NewReader(append(bytes.Clone(one), one...)))
		for range 2 {
			p, err := ReadFrame(r, framing, make([]byte, 0, len(packet)))
			if err != nil || !bytes.Equal(p, packet) {
				t.Fatalf("%x came back as %x, %v", packet, p, err)
			}
		}
	})
}
