//go:build linux && (amd64 || arm64)

package store

import (
	"os"
	"testing"
)

// unwriteable has the front hold files, for writing past the page cache, that can only be read. It gives
// what undoes that.
func unwriteable(t *testing.T, f *front) (undo func()) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.quiet()
	if f.aio == nil {
		return func() {} // the file system has no such writes
	}
	whole := f.aio.files
	for i := range whole {
		file, err := os.Open(whole[i].Name())
		if err != nil {
			t.Fatal(err)
		}
		f.aio.files[i] = file
	}
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.quiet()
		for i, file := range f.aio.files {
			file.Close()
			f.aio.files[i] = whole[i]
		}
	}
}
