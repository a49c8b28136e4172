//go:build !linux

package wire

import (
	"io"
	"net"
)

// sourceOf is what c is read by.
func sourceOf(c net.Conn) io.Reader { return c }

// WriteNow takes nothing: that it would not wait can't be told.
func (c *Conn) WriteNow([]byte) (int, error) { return 0, nil }
