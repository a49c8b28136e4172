package wire

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

// cat joins bytes that a test writes by hand.
func cat(parts ...string) []byte { return []byte(strings.Join(parts, "")) }

// readAll reads the messages that are in stream, a byte at a time.
func readAll(stream []byte, l Limits) ([]Message, error) {
	r := newChunkReader(bufio.NewReader(iotest.OneByteReader(bytes.NewReader(stream))), l)
	r.free.Store(true)
	var all []Message
	for {
		m, err := r.read()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		if m.Type == TypeSetChunkSize && len(m.Body) == 4 && m.Body[3] > 0 {
			r.size = uint32(m.Body[3])
			continue
		}
		if m.Type == TypeAbort && len(m.Body) == 4 {
			r.abort(uint32(m.Body[3]))
			continue
		}
		all = append(all, m)
	}
}

func audio(time uint32, body string) Message {
	return Message{Type: TypeAudio, Stream: 1, Time: time, Body: []byte(body)}
}

func TestChunksBecomeMessages(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("0123456789abcdef", 10) // 160 bytes, two chunks
	for _, tt := range []struct {
		name   string
		stream []byte
		want   []Message
	}{
		{"a basic header of one byte", cat("\x04\x00\x00\x07\x00\x00\x02\x08\x01\x00\x00\x00", "ab"), []Message{audio(7, "ab")}},
		{"of two bytes", cat("\x00\x06\x00\x00\x07\x00\x00\x02\x08\x01\x00\x00\x00", "ab"), []Message{audio(7, "ab")}},
		{"of three bytes", cat("\x01\x00\x01\x00\x00\x07\x00\x00\x02\x08\x01\x00\x00\x00", "ab", "\xc1\x00\x01", "cd"), []Message{audio(7, "ab"), audio(14, "cd")}},
		{"deltas", cat("\x04\x00\x00\x07\x00\x00\x02\x08\x01\x00\x00\x00", "ab", "\x44\x00\x00\x14\x00\x00\x01\x08", "c", "\x84\x00\x00\x13", "d", "\xc4", "e"),
			[]Message{audio(7, "ab"), audio(27, "c"), audio(46, "d"), audio(65, "e")}},
		{"more than one chunk", cat("\x04\x00\x00\x07\x00\x00\xa0\x08\x01\x00\x00\x00", long[:128], "\xc4", long[128:]), []Message{audio(7, long)}},
		{"two at once", cat("\x04\x00\x00\x07\x00\x00\xa0\x08\x01\x00\x00\x00", long[:128], "\x05\x00\x00\x09\x00\x00\x01\x08\x01\x00\x00\x00", "x", "\xc4", long[128:]),
			[]Message{audio(9, "x"), audio(7, long)}},
		{"an extended time", cat("\x04\xff\xff\xff\x00\x00\x02\x08\x01\x00\x00\x00\x01\x00\x00\x02", "ab"), []Message{audio(0x01000002, "ab")}},
		{"an extended time in what goes on", cat("\x04\xff\xff\xff\x00\x00\xa0\x08\x01\x00\x00\x00\x01\x00\x00\x02", long[:128], "\xc4\x01\x00\x00\x02", long[128:]),
			[]Message{audio(0x01000002, long)}},
		{"an extended time that is left out there", cat("\x04\xff\xff\xff\x00\x00\xa0\x08\x01\x00\x00\x00\x01\x00\x00\x02", long[:128], "\xc4", long[128:], "\x84\x00\x00\x01", long[:128], "\xc4", long[128:]),
			[]Message{audio(0x01000002, long), audio(0x01000003, long)}},
		{"an extended delta", cat("\x04\x00\x00\x01\x00\x00\x02\x08\x01\x00\x00\x00", "ab", "\x84\xff\xff\xff\x00\xff\xff\xff", "cd", "\xc4\x00\xff\xff\xff", "ef"),
			[]Message{audio(1, "ab"), audio(0x1000000, "cd"), audio(0x1ffffff, "ef")}},
		{"a time that wraps", cat("\x04\xff\xff\xff\x00\x00\x02\x08\x01\x00\x00\x00\xff\xff\xff\xff", "ab", "\x84\x00\x00\x02", "cd"), []Message{audio(0xffffffff, "ab"), audio(1, "cd")}},
		{"no body", cat("\x04\x00\x00\x07\x00\x00\x00\x08\x01\x00\x00\x00", "\xc4", "\x44\x00\x00\x01\x00\x00\x01\x08", "x"), []Message{audio(7, ""), audio(14, ""), audio(15, "x")}},
		{"another chunk size", cat("\x02\x00\x00\x00\x00\x00\x04\x01\x00\x00\x00\x00\x00\x00\x00\x02", "\x04\x00\x00\x07\x00\x00\x03\x08\x01\x00\x00\x00", "ab", "\xc4", "c"), []Message{audio(7, "abc")}},
		{"one that is aborted", cat("\x04\x00\x00\x07\x00\x00\xa0\x08\x01\x00\x00\x00", long[:128], "\x02\x00\x00\x00\x00\x00\x04\x02\x00\x00\x00\x00\x00\x00\x00\x04",
			"\x44\x00\x00\x01\x00\x00\x01\x08", "x"), []Message{audio(8, "x")}},
		{"one that is given up", cat("\x04\x00\x00\x07\x00\x00\xa0\x08\x01\x00\x00\x00", long[:128], "\x04\x00\x00\x09\x00\x00\x01\x08\x01\x00\x00\x00", "x"), []Message{audio(9, "x")}},
		{"no stream id at first", cat("\x44\x00\x00\x07\x00\x00\x02\x08", "ab"), []Message{{Type: TypeAudio, Time: 7, Body: []byte("ab")}}},
	} {
		got, err := readAll(tt.stream, Defaults())
		if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %v, %v; want %v", tt.name, got, err, tt.want)
		}
	}
}

func TestChunksOutOfBoundsEndTheStream(t *testing.T) {
	t.Parallel()
	small := Defaults()
	small.Message, small.Held, small.ChunkStreams = 1000, 1500, 3
	begin := func(id, length string) string {
		return id + "\x00\x00\x07\x00" + length + "\x08\x01\x00\x00\x00" + strings.Repeat("x", 128)
	}
	for _, tt := range []struct {
		name   string
		stream []byte
		want   error
	}{
		{"a message too long", cat("\x04\x00\x00\x07\x00\x03\xe9\x08\x01\x00\x00\x00"), errTooLong},
		{"as long as can be said", cat("\x04\x00\x00\x07\xff\xff\xff\x08\x01\x00\x00\x00"), errTooLong},
		{"too much that is begun", cat(begin("\x04", "\x03\xe8"), begin("\x05", "\x03\xe8")), errHeld},
		{"too many chunk streams", cat(begin("\x04", "\x00\x80"), begin("\x05", "\x00\x80"), begin("\x06", "\x00\x80"), begin("\x07", "\x00\x80")), errStreams},
		{"a delta without a header before it", cat("\x84\x00\x00\x07"), errNoHeader},
		{"nothing before it", cat("\xc4"), errNoHeader},
		{"a delta inside of a message", cat(begin("\x04", "\x03\xe8"), "\x84\x00\x00\x07"), errTypeInside},
		{"cut in the header", cat("\x04\x00\x00"), io.ErrUnexpectedEOF},
		{"cut in the basic header", cat("\x01\x00"), io.ErrUnexpectedEOF},
		{"cut in the body", cat("\x04\x00\x00\x07\x00\x00\x02\x08\x01\x00\x00\x00", "a"), io.ErrUnexpectedEOF},
	} {
		if _, err := readAll(tt.stream, small); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}

func TestAMessageGetsNoMemoryOnItsWord(t *testing.T) {
	t.Parallel()
	l := Defaults()
	l.Message = maxChunk
	r := newChunkReader(bufio.NewReader(bytes.NewReader(cat("\x04\x00\x00\x07\xff\xff\xff\x08\x01\x00\x00\x00", "abc"))), l)
	r.free.Store(true)
	if _, err := r.read(); !errors.Is(err, errHeld) && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
	if r.holding > firstGrow {
		t.Errorf("%d bytes are held for 3", r.holding)
	}
}

func TestBoundsAreCloserBeforeConnect(t *testing.T) {
	t.Parallel()
	l := Defaults()
	r := newChunkReader(bufio.NewReader(bytes.NewReader(cat("\x04\x00\x00\x07\x00\x40\x01\x14\x00\x00\x00\x00"))), l)
	if _, err := r.read(); !errors.Is(err, errTooLong) {
		t.Errorf("a command of %d bytes: %v", l.EarlyMessage+1, err)
	}
}

// ringing repeats a stream for ever.
type ringing struct {
	stream []byte
	at     int
}

func (r *ringing) Read(p []byte) (int, error) {
	n := copy(p, r.stream[r.at:])
	r.at = (r.at + n) % len(r.stream)
	return n, nil
}

// steady is a reader of sound like a Speex client's: 70 bytes each 20 ms.
func steady() *chunkReader {
	w := &chunkWriter{size: startChunk}
	first := w.append(nil, audio(0, strings.Repeat("s", 71)))
	second := w.append(nil, audio(20, strings.Repeat("s", 71)))
	third := w.append(nil, audio(40, strings.Repeat("s", 71)))
	r := newChunkReader(bufio.NewReaderSize(io.MultiReader(bytes.NewReader(append(first, second...)), &ringing{stream: third}), readBuffer), Defaults())
	r.free.Store(true)
	return r
}

func TestSoundIsReadWithoutMemoryButItsBody(t *testing.T) {
	r := steady()
	var last uint32
	n := testing.AllocsPerRun(1000, func() {
		m, err := r.read()
		if err != nil || len(m.Body) != 71 || m.Time != last {
			t.Errorf("%v, %v; want the time %d", m, err, last)
		}
		last = m.Time + 20
	})
	if n != 1 {
		t.Errorf("%v allocations for a message", n)
	}
}

func BenchmarkReadSound(b *testing.B) {
	r := steady()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.read(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWriteSound(b *testing.B) {
	w := &chunkWriter{size: ourChunk}
	m := audio(0, strings.Repeat("s", 71))
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		buf = w.append(buf[:0], m)
		m.Time += 20
	}
}

func FuzzChunks(f *testing.F) {
	f.Add(cat("\x04\x00\x00\x07\x00\x00\x02\x08\x01\x00\x00\x00", "ab", "\xc4", "cd"))
	f.Add(cat("\x04\xff\xff\xff\x00\x00\xa0\x08\x01\x00\x00\x00\x01\x00\x00\x02", strings.Repeat("x", 128), "\xc4\x01\x00\x00\x02", strings.Repeat("y", 32)))
	f.Add(cat("\x02\x00\x00\x00\x00\x00\x04\x01\x00\x00\x00\x00\x00\x00\x00\x02", "\x01\x00\x01\x00\x00\x07\x00\x00\x03\x08\x01\x00\x00\x00", "ab", "\xc1\x00\x01", "c"))
	f.Add(cat("0000\x00\x00\x02\x01000000"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		l := Defaults()
		l.Message, l.Held, l.ChunkStreams = 10_000, 20_000, 8
		all, _ := readAll(stream, l)
		total := 0
		for _, m := range all {
			total += len(m.Body)
		}
		if total > len(stream) {
			t.Fatalf("%d bytes came out of %d", total, len(stream))
		}
	})
}

func FuzzChunksComeBack(f *testing.F) {
	f.Add(uint32(0), uint32(20), uint32(20), []byte("abc"), uint8(3))
	f.Add(uint32(0xfffffe), uint32(2), uint32(0xffffff), bytes.Repeat([]byte("x"), 300), uint8(1))
	f.Add(uint32(0xffffffff), uint32(2), uint32(0x80000000), []byte{}, uint8(16))
	f.Fuzz(func(t *testing.T, start, step, leap uint32, body []byte, stream uint8) {
		w := &chunkWriter{size: startChunk}
		var want []Message
		var b []byte
		for i, time := range []uint32{start, start + step, start + 2*step, start + 2*step, start + 2*step + leap, start + 3*step + leap, start + 4*step + leap} {
			m := Message{Type: TypeAudio, Stream: uint32(stream), Time: time, Body: body}
			if i == 5 {
				m.Type, m.Stream = TypeVideo, m.Stream+15 // the same chunk stream
			}
			want = append(want, m)
			b = w.append(b, m)
		}
		got, err := readAll(b, Defaults())
		if err != nil || len(got) != len(want) {
			t.Fatalf("%d of %d messages, %v", len(got), len(want), err)
		}
		for i, m := range got {
			if m.Time != want[i].Time || m.Type != want[i].Type || m.Stream != want[i].Stream || !bytes.Equal(m.Body, want[i].Body) {
				t.Fatalf("message %d: %v, want %v", i, m, want[i])
			}
		}
	})
}
