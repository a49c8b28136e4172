package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// ErrLocked says that another gateway uses the directory.
var ErrLocked = errors.New("another gateway is using it")

// lockTime is how long a lock may still be held by one who is going: a process
// that was forked just as its parent let go has it until it becomes another
// program.
const lockTime = time.Second

// lock takes dir for this process until the file is closed, which the end of
// the process does too, however it ends.
func lock(ctx context.Context, dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock state: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, lockTime)
	defer cancel()
	again := time.NewTicker(lockTime / 20)
	defer again.Stop()
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return f, nil
		}
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = ErrLocked
			select {
			case <-again.C:
				continue
			case <-ctx.Done():
			}
		}
		f.Close()
		return nil, fmt.Errorf("lock state %s: %w", dir, err)
	}
}
