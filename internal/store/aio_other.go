//go:build !linux || !(amd64 || arm64)

package store

import (
	"errors"
	"os"
)

// An aio is not to be had here.
type aio struct{ memory []byte }

func newAIO([2]string) (*aio, error) { return nil, errors.ErrUnsupported }

func (a *aio) submit(int, int64, int64) int64 { return -1 }

func (a *aio) result() (int64, bool) { return 0, false }

func (a *aio) await(func() bool) error { return errors.ErrUnsupported }

func (a *aio) rouse() {}

func (a *aio) close() error { return nil }

func isRefusal(int64) bool { return true }

func forgetPages(*os.File) {}
