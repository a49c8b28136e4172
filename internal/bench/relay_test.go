package main

import (
	"bufio"
	"strings"
	"testing"
	"time"
)

func TestDictionariesAreBencoded(t *testing.T) {
	t.Parallel()
	got := string(bencode(map[string]string{"command": "delete", "call-id": "x", "from-tag": ""}))
	if want := "d7:call-id1:x7:command6:delete8:from-tag0:e"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTheGeneratorsWordsAreRead(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, line string
		ok         bool
	}{
		{"as many as there must be", "1 2 3\n", true},
		{"too few", "1 2\n", false},
		{"no numbers", "1 2 x\n", false},
		{"an end", "1 2 3", false},
	} {
		g := &generator{out: bufio.NewReader(strings.NewReader(row.line))}
		if got, err := g.numbers(3); (err == nil) != row.ok || row.ok && got[2] != 3 {
			t.Errorf("%s: %v, %v", row.name, got, err)
		}
	}
}

func TestRelaysAreComparedRoundByRound(t *testing.T) {
	t.Parallel()
	p := func(cpu time.Duration, p99 time.Duration) passage {
		return passage{sent: 1000, received: 999, cpu: cpu, p99: p99, memory: 10 << 10, memoryCalls: 10}
	}
	c := relayCosts{sizes: []relayed{{
		calls:  500,
		ours:   []passage{p(6*time.Millisecond, 10*time.Microsecond), p(12*time.Millisecond, 20*time.Microsecond)},
		theirs: []passage{p(12*time.Millisecond, 20*time.Microsecond), p(24*time.Millisecond, 40*time.Microsecond)},
	}}}
	if r := c.sizes[0].beside(passage.perPacket); r.low != 0.5 || r.high != 0.5 {
		t.Errorf("the ratio is %v", r)
	}
	var out strings.Builder
	printRelay(&out, c)
	for _, want := range []string{"500 calls", "0.50 (0.50...0.50) level", "0.100 (0.100...0.100)", "1.0 (1.0...1.0)"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("there is no %q in %s", want, &out)
		}
	}
	out.Reset()
	c.note, c.sizes[0].theirs = "not installed", nil
	printRelay(&out, c)
	if !strings.Contains(out.String(), "rtpengine: not installed") || !strings.Contains(out.String(), "none") {
		t.Errorf("without rtpengine: %s", &out)
	}
}
