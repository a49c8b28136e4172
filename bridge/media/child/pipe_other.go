//go:build !linux

package child

import (
	"io"
	"os"
)

// readable is f: only on Linux there is another way.
func readable(f io.Reader) io.Reader { return f }

// writable is f.
func writable(f io.Writer) io.Writer { return f }

// unblocked is f.
func unblocked(f *os.File) (*os.File, error) { return f, nil }
