//go:build !linux

package wire

import (
	"net"
	"time"
)

// stamps are what other systems don't have.
type stamps struct {
	net.Conn
	came time.Time
}

func newStamps(net.Conn) *stamps { return nil }
