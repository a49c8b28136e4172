//go:build faults

package app

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"

	"gateway/bridge"
)

// faultEnv says where the process is to end: "POINT:N", at the N-th passing of
// one of bridge.FaultPoints.
const faultEnv = "GATEWAY_FAULT"

// newFault kills the process, as kill -9 does, where the environment says.
func newFault() (func(point string), error) {
	text := os.Getenv(faultEnv)
	if text == "" {
		return nil, nil
	}
	where, number, _ := strings.Cut(text, ":")
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 1 || !slices.Contains(bridge.FaultPoints(), where) {
		return nil, fmt.Errorf("%s: want POINT:N with one of %q, not %q", faultEnv, bridge.FaultPoints(), text)
	}
	var passed atomic.Int64
	return func(point string) {
		if point == where && passed.Add(1) == n {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // nothing more happens here
		}
	}, nil
}
