package main

import (
	"strings"
	"testing"
	"time"
)

func TestDelaysAreOfWhatWasSentInTime(t *testing.T) {
	t.Parallel()
	start := time.Now()
	l := newDelayLog(start, wayIn)
	l.sends(3, 6, start.Add(-time.Millisecond)) // too early to count
	l.arrives(3, numbered(6, wayIn), start.Add(time.Millisecond))
	l.sends(3, 7, start.Add(time.Millisecond))
	l.sends(4, 7, start.Add(2*time.Millisecond))
	l.arrives(4, numbered(7, wayIn), start.Add(12*time.Millisecond))
	l.arrives(4, numbered(7, wayIn), start.Add(13*time.Millisecond))   // again
	l.arrives(3, numbered(7, wayBack), start.Add(13*time.Millisecond)) // the other way's
	l.arrives(4, []byte{1, 2, 3, 4, 5}, start.Add(13*time.Millisecond))
	if d, err := l.result(); err == nil {
		t.Errorf("half of them will do: %v", d)
	}
	l.arrives(3, numbered(7, wayIn), start.Add(31*time.Millisecond))
	d, err := l.result()
	if err != nil || d.sent != 2 || len(d.times) != 2 || d.times[0] != 10*time.Millisecond || d.times[1] != 30*time.Millisecond {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestDelaysAreJudgedByTheirFloor(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	ms := func(n int) delayed {
		return delayed{sent: 1, times: []time.Duration{time.Duration(n) * time.Millisecond}}
	}
	printDelay(&out, delayCosts{in: ms(14), back: ms(16), preferred: true})
	for _, want := range []string{
		"RTMP in, RTP out   p50  34.0 ms  p99  34.0 ms  above the floor  4.0 and  4.0 ms  met",
		"RTP in, RTMP out   p50  36.0 ms  p99  36.0 ms  above the floor  6.0 and  6.0 ms  missed",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in %s", want, out.String())
		}
	}
}
