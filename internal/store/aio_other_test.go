//go:build !linux || !(amd64 || arm64)

package store

import "testing"

// unwriteable has nothing to do where there are no writes past the page cache.
func unwriteable(*testing.T, *front) (undo func()) { return func() {} }
