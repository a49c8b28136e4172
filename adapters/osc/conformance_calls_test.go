package osc

import (
	"testing"
	"time"

	"gateway/bridge"
	"gateway/bridge/bridgetest"
	"gateway/bridge/media/mediatest"
)

// calls is tim, who takes every call at once.
func (f *farSide) calls(a *Adapter) *bridgetest.CallRig {
	return &bridgetest.CallRig{
		Plane: &mediatest.Plane{}, Nowhere: "nobody@" + farGroup, NoMedia: true,
		Take: func(t *testing.T) {
			t.Helper()
			for until := time.Now().Add(patience); a.PresenceOf(bridge.Address{Name: "tim@" + farGroup}).State != bridge.Available; {
				if time.Now().After(until) {
					t.Fatal("tim is not reached")
				}
				<-time.After(time.Millisecond)
			}
		},
		Place: func(t *testing.T) {
			t.Helper()
			f.call = newID()
			f.send(line(t, "/call/dial ,ss alice "+f.call))
		},
		Taken:   func(t *testing.T) { f.await(t, answeredPart) },
		Refused: func(t *testing.T) bridge.Cause { return causeOf(f.await(t, failedPart)[2]) },
		HangUp: func(t *testing.T) {
			if f.call == "" {
				f.call = f.await(t, answeredPart)[0]
			}
			f.send(line(t, "/call/hangup ,s "+f.call))
		},
		Over: func(t *testing.T) { f.await(t, endedPart) },
	}
}

// await waits for news of a call, and passes over others.
func (f *farSide) await(t *testing.T, part string) []string {
	t.Helper()
	for timeout := time.After(patience); ; {
		select {
		case n := <-f.news:
			if n[0] == part {
				return n[1:]
			}
		case <-timeout:
			t.Fatalf("no news of %s", part)
		}
	}
}
