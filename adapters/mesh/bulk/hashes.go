package bulk

import (
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"
)

// hashes remembers those of files, so that who offers what is there again and again
// has it read once. One file is read at a time.
type hashes struct {
	mu    sync.Mutex // guards known, and is held while a file is read
	known map[string]hashed
}

type hashed struct {
	size int64
	at   time.Time // of the file's last change
	sum  [32]byte
}

const maxHashes = 1024

func (h *hashes) of(path string, info fs.FileInfo) ([32]byte, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if k, ok := h.known[path]; ok && k.size == info.Size() && k.at.Equal(info.ModTime()) {
		return k.sum, nil
	}
	sum, err := sumFile(path)
	if err != nil {
		return sum, err
	}
	if h.known == nil || len(h.known) >= maxHashes {
		h.known = map[string]hashed{}
	}
	h.known[path] = hashed{info.Size(), info.ModTime(), sum}
	return sum, nil
}

func sumFile(path string) (sum [32]byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return sum, fmt.Errorf("hash: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return sum, fmt.Errorf("hash: %w", err)
	}
	return [32]byte(h.Sum(nil)), nil
}
