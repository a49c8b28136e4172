//go:build race

package transport

// raced says whether the race detector is at work.
const raced = true
