package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// JetStream repairs what it finds damaged by cutting it off. So a damaged store
// is copied before JetStream sees it:
//
//	jetstream           the store
//	jetstream.copying   a copy being made
//	jetstream.broken-…  the store as it was found damaged; for people

// A yard is the state directory around an embedded store.
type yard struct {
	dir string
	log *slog.Logger
}

func (y yard) path(suffix string) string { return filepath.Join(y.dir, "jetstream"+suffix) }

// openEmbedded opens the embedded store, damaged or not.
func (s *Store) openEmbedded(ctx context.Context, o Options) error {
	y := yard{o.Dir, o.Log}
	if err := probe(o.Dir); err != nil {
		return err // an empty store would be no cure
	}
	if err := os.RemoveAll(y.path(".copying")); err != nil {
		return fmt.Errorf("open store: %w", err)
	}
	copied := ""
	damage := inspect(y.path(""))
	if len(damage) > 0 {
		copied = y.keepCopy(damage)
	}
	more, err := s.tryEmbedded(ctx, y)
	if err == nil {
		if len(more) > 0 {
			y.log.Warn("store was not closed in good order", "said", more)
		}
		return nil
	}
	if innocent(err, more) {
		return err
	}
	s.closeHost()
	if aerr := y.clear(&copied); aerr != nil {
		return errors.Join(err, aerr)
	}
	y.log.Error("store can't be opened: it is set aside, and an empty one made", "path", copied, "said", more, "err", err)
	_, err = s.tryEmbedded(ctx, y)
	return err
}

// tryEmbedded starts the server and opens the streams. said is what the server
// had to say of it.
func (s *Store) tryEmbedded(ctx context.Context, y yard) (said []string, err error) {
	j := &journal{log: y.log, failed: s.link.fail}
	e, err := newEmbedded(y.path(""), j)
	if err != nil {
		return j.complaints(), err
	}
	s.host = e
	err = s.attach(ctx)
	j.run()
	return j.complaints(), err
}

// closeHost ends a host that could not be opened.
func (s *Store) closeHost() {
	s.detach()
	if s.host != nil {
		s.host.close()
		s.host = nil
	}
}

// innocent reports whether the machine, not the store, is to blame: an empty
// store would not help.
func innocent(err error, said []string) bool {
	if isLate(err) {
		return true
	}
	text := strings.ToLower(err.Error() + " " + strings.Join(said, " "))
	for _, sign := range []string{
		"no space left", "quota exceeded", "permission denied", "not permitted", "read-only", "too many open files",
		"cannot allocate memory", "context canceled", "context deadline exceeded", "timeout", "no responders",
	} {
		if strings.Contains(text, sign) {
			return true
		}
	}
	return false
}

// keepCopy copies a damaged store, says so, and has JetStream read all of it,
// not only what it noted when it ended. It returns where the copy is, "" if
// there is no room for one.
func (y yard) keepCopy(damage []string) string {
	where := y.brokenPath()
	err := os.CopyFS(y.path(".copying"), os.DirFS(y.path("")))
	if err == nil {
		err = os.Rename(y.path(".copying"), where)
	}
	if err != nil {
		y.log.Error("store is damaged, and can't be copied: what can be read of it is kept", "path", y.path(""), "damage", damage, "err", err)
		return ""
	}
	y.log.Error("store is damaged: a copy is set aside, and what can be read of it is kept", "path", where, "damage", damage)
	y.forgetIndexes()
	y.forgetDescriptions()
	return where
}

func (y yard) brokenPath() string {
	return y.path(".broken-" + time.Now().UTC().Format("20060102T150405.000"))
}

// forgetIndexes takes away what JetStream noted of its streams when it ended:
// without it, it reads them and sees the damage.
func (y yard) forgetIndexes() {
	files, err := filepath.Glob(filepath.Join(y.path(""), "jetstream", "*", "streams", "*", "msgs", "index.db"))
	for _, f := range files {
		err = errors.Join(err, os.Remove(f))
	}
	if err != nil {
		y.log.Error("store keeps an index that may be wrong", "err", err)
	}
}

// forgetDescriptions takes away the descriptions of streams that are wrong: we
// describe them again. JetStream would keep what is there, and the next start
// would find the same damage once more.
func (y yard) forgetDescriptions() {
	streams, err := filepath.Glob(filepath.Join(y.path(""), "jetstream", "*", "streams", "*"))
	for _, s := range streams {
		if checkDescription(s) == nil {
			continue
		}
		for _, name := range []string{"meta.inf", "meta.sum"} {
			if rerr := os.Remove(filepath.Join(s, name)); !errors.Is(rerr, fs.ErrNotExist) {
				err = errors.Join(err, rerr)
			}
		}
	}
	if err != nil {
		y.log.Error("store keeps a description that is wrong", "err", err)
	}
}

// clear makes way for an empty store. What was there is at copied then.
func (y yard) clear(copied *string) error {
	if *copied != "" {
		return os.RemoveAll(y.path(""))
	}
	*copied = y.brokenPath()
	return os.Rename(y.path(""), *copied)
}
