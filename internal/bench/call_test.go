package main

import (
	"strings"
	"testing"
	"time"
)

func TestTheCallersStatisticsAreRead(t *testing.T) {
	t.Parallel()
	const head = "Time;SuccessfulCall(P);SuccessfulCall(C);Retransmissions(C);\n"
	for _, row := range []struct {
		name, text   string
		calls, again int
		ok           bool
	}{
		{"the last line counts", head + "1;0;0;0;\n2;5;7;1;\n", 7, 1, true},
		{"no line", head, 0, 0, false},
		{"nothing", "", 0, 0, false},
		{"a short line", head + "1;0\n", 0, 0, false},
		{"no number", head + "1;0;x;0;\n", 0, 0, false},
		{"a column is missing", "Time;SuccessfulCall(C);\n1;2;\n", 0, 0, false},
	} {
		c, err := parseCallStats([]byte(row.text))
		if (err == nil) != row.ok || row.ok && (c.calls != row.calls || c.retransmitted != row.again) {
			t.Errorf("%s: %+v, %v", row.name, c, err)
		}
	}
}

func TestCallsAreComparedRoundByRound(t *testing.T) {
	t.Parallel()
	s := func(signalling, media time.Duration) callSample {
		return callSample{calls: 1000, signalling: signalling, media: media}
	}
	c := callCosts{
		together: callSwitched{samples: []callSample{s(200*time.Millisecond, 0), s(600*time.Millisecond, 0)}, memory: 50 << 20},
		apart:    callSwitched{samples: []callSample{s(300*time.Millisecond, 100*time.Millisecond), s(900*time.Millisecond, 300*time.Millisecond)}},
		proxy:    callSwitched{samples: []callSample{s(100*time.Millisecond, 0), s(300*time.Millisecond, 0)}},
	}
	if r := c.together.beside(c.proxy, callSample.ofSignalling); r.low != 2 || r.high != 2 {
		t.Errorf("the ratio is %v", r)
	}
	var out strings.Builder
	printSignalling(&out, c)
	for _, want := range []string{"2.00 (2.00...2.00) level", "3.00 (3.00...3.00) missed", "4.00 (4.00...4.00) ", "6.00 (2.00...6.00)", "50 MB", "may not run before"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("there is no %q in %s", want, &out)
		}
	}
	out.Reset()
	c.note, c.preferred, c.proxy = "not installed", true, callSwitched{}
	printSignalling(&out, c)
	if !strings.Contains(out.String(), "Kamailio: not installed") || !strings.Contains(out.String(), "none") {
		t.Errorf("without Kamailio: %s", &out)
	}
}

func TestTheShareOfOurOwnMemoryIsKnown(t *testing.T) {
	t.Parallel()
	if n, err := proportional(1 << 30); err == nil {
		t.Errorf("a process that is not there has %d bytes", n)
	}
}
