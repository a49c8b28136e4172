package main

import (
	"net"
	"strings"
	"testing"
	"time"
)

func TestStolenTimeIsRead(t *testing.T) {
	t.Parallel()
	if d, err := stolenIn("cpu  1 2 3 4 5 6 7 25 0 0\ncpu0 1 2 3 4 5 6 7 9 0 0\n"); err != nil || d != 250*time.Millisecond {
		t.Errorf("%v, %v", d, err)
	}
	for _, bad := range []string{"", "cpu 1 2 3", "cpu0 1 2 3 4 5 6 7 8 9", "cpu 1 2 3 4 5 6 7 x 9"} {
		if d, err := stolenIn(bad); err == nil {
			t.Errorf("%q is %v", bad, d)
		}
	}
}

func TestTheEndsSayHowLateTheyWere(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	l := lateness{stolen: 20 * time.Millisecond, read: []time.Duration{2 * time.Millisecond}}
	l.print(&out)
	if out.Len() > 0 {
		t.Errorf("of nothing it says %s", out.String())
	}
	for i := range 1000 {
		l.said = append(l.said, time.Duration(i)*10*time.Microsecond)
	}
	l.print(&out)
	for _, want := range []string{"5.0 ms late at p50, 9.9 at p99 and 10.0 at the 99.6 %", "waited 2.0 ms", "had 20.0 ms"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in %s", want, out.String())
		}
	}
}

func TestDatagramsAreStamped(t *testing.T) {
	t.Parallel()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := stampArrivals(c); err != nil {
		t.Fatal(err)
	}
	if _, err := c.WriteToUDP([]byte("x"), c.LocalAddr().(*net.UDPAddr)); err != nil {
		t.Fatal(err)
	}
	oob := make([]byte, stampRoom)
	_, n, _, _, err := c.ReadMsgUDPAddrPort(make([]byte, 8), oob)
	if err != nil {
		t.Fatal(err)
	}
	if d := stampedAgo(oob[:n]); d <= 0 || d > time.Minute {
		t.Errorf("it came %v ago", d)
	}
	if d := stampedAgo(nil); d != 0 {
		t.Errorf("what is not stamped came %v ago", d)
	}
}
