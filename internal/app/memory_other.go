//go:build !linux

package app

// memoryThere is the RAM of the machine; 0 if it is not known.
func memoryThere() uint64 { return 0 }
