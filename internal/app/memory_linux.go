package app

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// memoryThere is the RAM of the machine, or what our control group may have of
// it (Linux, cgroups v2, as a container sees its own); 0 if it is not known.
func memoryThere() uint64 {
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) != nil {
		return 0
	}
	there := uint64(info.Totalram) * uint64(info.Unit) //nolint:unconvert // some architectures have 32 bits
	text, err := os.ReadFile("/sys/fs/cgroup/memory.max")
	if err != nil {
		return there
	}
	if most, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64); err == nil && most > 0 {
		there = min(there, most) // else it is "max"
	}
	return there
}
