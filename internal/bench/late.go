package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A lateness is what is in a measured delay though it is not the gateway's: ends that send late look
// to it like a network with jitter, which its buffers have to follow.
type lateness struct {
	said   []time.Duration // how long after its time each packet was sent by our ends
	read   []time.Duration // how long one waited in our own socket; it is not in the delays
	stolen time.Duration   // of the CPUs, by whoever shares the machine with us
}

// covered is the share of the arrivals that a jitter buffer of the gateway's waits for
// (bridge/media/convert).
const covered = 0.996

func (l lateness) print(out io.Writer) {
	if len(l.said) == 0 || len(l.read) == 0 {
		return
	}
	ms := func(d time.Duration) float64 { return 1e3 * d.Seconds() }
	fmt.Fprintf(out, `
Of that the ends themselves: they sent %.1f ms late at p50, %.1f at p99 and %.1f at the %.1f %% that the buffers wait
for, which the gateway can't tell from a network's jitter. Packets waited %.1f ms (p99) in the phones' sockets, which is
not in the delays above; how long messages waited in the clients' is. Others had %.1f ms of the CPUs that we wanted.
`, ms(quantile(l.said, 0.5)), ms(quantile(l.said, 0.99)), ms(quantile(l.said, covered)), 100*covered, ms(quantile(l.read, 0.99)), ms(l.stolen))
}

// A lateLog collects times, for any goroutine. The zero one is empty.
type lateLog struct {
	mu  sync.Mutex // guards all
	all []time.Duration
}

func (l *lateLog) add(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, d)
}

func (l *lateLog) times() []time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]time.Duration(nil), l.all...)
}

// stampRoom is how many bytes of control messages a datagram's time has.
var stampRoom = unix.CmsgSpace(int(unsafe.Sizeof(unix.Timespec{})))

// stampArrivals has the system say of each datagram when it came.
func stampArrivals(c *net.UDPConn) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = raw.Control(func(fd uintptr) { failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1) })
	if err == nil {
		err = failed
	}
	return err
}

// stampedAgo is how long ago a datagram came that is being read now; 0 if its control messages don't say.
func stampedAgo(oob []byte) time.Duration {
	all, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return 0
	}
	for _, m := range all {
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SCM_TIMESTAMPNS && len(m.Data) >= int(unsafe.Sizeof(unix.Timespec{})) {
			ts := (*unix.Timespec)(unsafe.Pointer(&m.Data[0]))
			return max(0, time.Since(time.Unix(ts.Unix())))
		}
	}
	return 0
}

// stolen is how long so far others on the same hardware had CPUs that were wanted here (proc(5), /proc/stat).
func stolen() (time.Duration, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, fmt.Errorf("stolen time: %w", err)
	}
	return stolenIn(string(text))
}

// statTick is the unit of /proc/stat: the kernel has it so for programs, whatever its own is.
const statTick = 10 * time.Millisecond

func stolenIn(text string) (time.Duration, error) {
	line, _, _ := strings.Cut(text, "\n")
	f := strings.Fields(line)
	if len(f) < 9 || f[0] != "cpu" {
		return 0, fmt.Errorf("stolen time: %q", line)
	}
	n, err := strconv.ParseInt(f[8], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("stolen time: %w", err)
	}
	return time.Duration(n) * statTick, nil
}
