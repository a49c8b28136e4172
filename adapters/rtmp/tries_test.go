package rtmp

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

func TestWhoHasFailedIsNotFlushedOut(t *testing.T) {
	t.Parallel()
	now := time.Now()
	tries := newTries(func() time.Time { return now })
	source := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}) }
	victim := tryOf("alice", source(0))
	for range freeTries + 5 {
		tries.failed(victim)
	}
	for i := range maxTries + maxTries/16 {
		tries.failed(tryOf(fmt.Sprint(i), source(i+1)))
	}
	if tries.may(victim) {
		t.Error("a wait was forgotten for those who have none")
	}
	if len(tries.all) > maxTries || len(tries.sources) > maxTries {
		t.Errorf("%d tries and %d sources are remembered", len(tries.all), len(tries.sources))
	}
}

func TestASourceIsBoundedOverAllNames(t *testing.T) {
	t.Parallel()
	now := time.Now()
	tries := newTries(func() time.Time { return now })
	from, other := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
	for i := range sourceTries {
		try := tryOf(fmt.Sprint(i), from)
		if !tries.may(try) {
			t.Fatalf("try %d is refused", i)
		}
		tries.failed(try)
	}
	if tries.may(tryOf("next", other)) {
		t.Error("an address of the same network may go on")
	}
	if !tries.may(tryOf("next", netip.MustParseAddr("192.0.2.1"))) {
		t.Error("another source may not")
	}
	if now = now.Add(sourcePause); !tries.may(tryOf("next", from)) {
		t.Error("it has to wait for longer")
	}
}
