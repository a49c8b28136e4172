package app

import (
	"math"
	"os"
	"runtime"
	"runtime/debug"
)

// collectAt is how much the heap may grow, in percent of what lived after the
// last collection, before the next one.
const collectAt = 200

// tuneRuntime sets how Go collects garbage and how many threads it runs at once,
// where the environment (GOGC, GOMEMLIMIT, GOMAXPROCS) does not. apart says that
// the media of calls has a process of its own.
func tuneRuntime(apart bool) {
	unset := func(name string) bool { return os.Getenv(name) == "" }
	if unset("GOGC") {
		debug.SetGCPercent(collectAt)
	}
	if unset("GOMEMLIMIT") {
		debug.SetMemoryLimit(memoryLimit(memoryThere()))
	}
	if apart && unset("GOMAXPROCS") {
		runtime.GOMAXPROCS(max(1, runtime.GOMAXPROCS(0)/2))
	}
}

// memoryLimit is what we try to stay below, in bytes, where there are so many; 0
// stands for not known.
func memoryLimit(there uint64) int64 {
	if there == 0 || there/2 > math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(there / 2)
}
