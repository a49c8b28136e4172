package child

import (
	"bytes"
	"crypto/rand"
	"io"
	"os"
	"testing"
)

// TestAPipeTakesMoreThanFitsIn: who writes waits for who reads, and the other way round.
func TestAPipeTakesMoreThanFitsIn(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	sent := make([]byte, 1<<20) // sixteen times what a pipe holds
	rand.Read(sent)
	written := make(chan error, 1)
	go func() {
		_, err := writable(w).Write(sent)
		w.Close()
		written <- err
	}()
	got, err := io.ReadAll(readable(r))
	if err != nil || !bytes.Equal(got, sent) {
		t.Errorf("read %d bytes of %d: %v", len(got), len(sent), err)
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
}

// TestAPipeWithoutAReaderIsAnError, and no signal that ends us.
func TestAPipeWithoutAReaderIsAnError(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	r.Close()
	if n, err := writable(w).Write([]byte("hello")); err == nil {
		t.Errorf("%d bytes were written to nobody", n)
	}
}
