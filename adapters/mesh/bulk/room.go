package bulk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	partialAge = 7 * 24 * time.Hour // after which nobody goes on with what was begun
	maxFiles   = 10_000             // in the folder, begun ones among them
)

var errNoRoom = errors.New("there is no room for it")

// makeRoom forgets what was begun long ago, and says whether there is room for an
// object of that size besides what is in the folder. own is what it has there already.
func makeRoom(folder, own string, size, quota uint64, now time.Time) error {
	used, files := uint64(0), 0
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // another transfer has ended
		case err != nil:
			return err
		case d.IsDir() || strings.HasPrefix(path, own):
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return nil //nolint:nilerr // it is gone, as above
		}
		if filepath.Base(filepath.Dir(path)) == partialDir && now.Sub(info.ModTime()) > partialAge {
			return os.Remove(path)
		}
		used += uint64(info.Size())
		files++
		return nil
	})
	switch {
	case err != nil:
		return fmt.Errorf("folder: %w", err)
	case files >= maxFiles || used > quota || size > quota-used:
		return errNoRoom
	}
	return nil
}
