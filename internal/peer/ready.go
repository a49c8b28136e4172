package peer

import (
	"bufio"
	"context"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

// pollEvery is the pace of looking whether something has happened that nobody
// tells us of.
const pollEvery = 20 * time.Millisecond

// Poll calls f until it says true, and returns then, or when ctx is done.
func Poll(ctx context.Context, f func(context.Context) bool) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for !f(ctx) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// acceptsTCP waits until somebody takes connections at addr.
func acceptsTCP(ctx context.Context, addr string) error {
	var last error
	err := Poll(ctx, func(ctx context.Context) bool {
		var d net.Dialer
		c, err := d.DialContext(ctx, "tcp", addr)
		if err != nil {
			last = err
			return false
		}
		c.Close()
		return true
	})
	if err != nil {
		return fmt.Errorf("tcp %s: %w (%w)", addr, err, last)
	}
	return nil
}

// bindsUDP waits until somebody has the IPv4 UDP address addr, by the kernel's
// list, so that the program need not be asked anything.
func bindsUDP(ctx context.Context, addr string) error {
	want, err := procAddr(addr)
	if err != nil {
		return err
	}
	if err := Poll(ctx, func(context.Context) bool { return inProcUDP(want) }); err != nil {
		return fmt.Errorf("udp %s: %w", addr, err)
	}
	return nil
}

// procAddr is addr as /proc/net/udp writes it: the address as a little-endian
// number and the port, in hexadecimal.
func procAddr(addr string) (string, error) {
	a, err := net.ResolveUDPAddr("udp4", addr)
	if err != nil {
		return "", err
	}
	ip := a.IP.To4()
	b := []byte{ip[3], ip[2], ip[1], ip[0], byte(a.Port >> 8), byte(a.Port)}
	s := strings.ToUpper(hex.EncodeToString(b))
	return s[:8] + ":" + s[8:], nil
}

func inProcUDP(want string) bool {
	f, err := os.Open("/proc/net/udp")
	if err != nil {
		return false
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if f := strings.Fields(s.Text()); len(f) > 1 && f[1] == want {
			return true
		}
	}
	return false
}
