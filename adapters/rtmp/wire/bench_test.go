package wire

import (
	"bytes"
	"io"
	"testing"

	"github.com/yutopp/go-rtmp"
)

// BenchmarkReadSoundByGoRTMP is what BenchmarkReadSound has beside it: the same
// bytes.
func BenchmarkReadSoundByGoRTMP(b *testing.B) {
	w := &chunkWriter{size: startChunk}
	first := w.append(nil, audio(0, string(make([]byte, 71))))
	second := w.append(nil, audio(20, string(make([]byte, 71))))
	third := w.append(nil, audio(40, string(make([]byte, 71))))
	s := rtmp.NewChunkStreamer(io.MultiReader(bytes.NewReader(append(first, second...)), &ringing{stream: third}), io.Discard, nil)
	defer s.Close()
	b.ReportAllocs()
	for b.Loop() {
		r, err := s.NewChunkReader()
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, r); err != nil {
			b.Fatal(err)
		}
	}
}
