package datagram

import (
	"errors"
	"fmt"
	"net"
)

// patience is how many errors in a row are taken for those of single datagrams.
const patience = 100

// Run hands on what r reads, in the order of its arrival, until the socket is
// closed. It returns an error when the socket fails for good.
func (r *Reader) Run(receive func([]Packet)) error {
	for failed := 0; ; {
		packets, err := r.Read()
		switch {
		case err == nil:
			failed = 0
			receive(packets)
		default:
			if failed++; failed == patience || errors.Is(err, net.ErrClosed) {
				return r.end(err)
			}
		}
	}
}

// end is what reading ended with.
func (r *Reader) end(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return fmt.Errorf("read from udp %v: %w", r.s.addr, err)
}
