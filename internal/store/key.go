package store

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

const keySize = 32

// key reads the gateway's own secret from dir, or makes one that stays.
func key(dir string) ([]byte, error) {
	name := filepath.Join(dir, "key")
	b, err := os.ReadFile(name)
	if err == nil && len(b) == keySize {
		return b, nil
	}
	if err == nil {
		return nil, fmt.Errorf("read key: %s has %d bytes, not %d", name, len(b), keySize)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read key: %w", err)
	}
	b = make([]byte, keySize)
	rand.Read(b) // never fails, by its documentation
	// Written aside, synced and renamed: a crash leaves no half key.
	if err := writeSynced(name+".new", b); err != nil {
		return nil, fmt.Errorf("write key: %w", err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		return nil, fmt.Errorf("write key: %w", err)
	}
	if err := syncDir(dir); err != nil {
		return nil, fmt.Errorf("write key: %w", err)
	}
	return b, nil
}

// syncDir makes a rename in dir outlive a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func writeSynced(name string, b []byte) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Sync(), f.Close())
}
