package store

import (
	"os"

	"golang.org/x/sys/unix"
)

// syncData syncs what a file holds. Its size and times need not be: it is always
// as long.
func syncData(f *os.File) error {
	for {
		if err := unix.Fdatasync(int(f.Fd())); err != unix.EINTR {
			return err
		}
	}
}
