package sip

import (
	"sync"
	"time"
)

// How long it is remembered what somebody did not take, and of how many.
const (
	tasteTime  = time.Hour
	silentTime = 5 * time.Minute // of who did not answer at all
	maxTastes  = 8192
)

// tastes remember who does not take which form, so that not every message is
// refused first. The zero tastes are ready to use.
type tastes struct {
	mu    sync.Mutex           // guards until: every sender asks
	until map[string]time.Time // by form and where it went
}

func tasteKey(f form, where string) string { return string(rune('0'+f)) + where }

// refuses says whether a form is not taken there, as far as we know.
func (t *tastes) refuses(f form, where string, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	until, ok := t.until[tasteKey(f, where)]
	return ok && now.Before(until)
}

// note remembers for a while that a form is not taken there. When there is no
// room, it forgets another: that costs one refusal more.
func (t *tastes) note(f form, where string, until time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.until == nil {
		t.until = map[string]time.Time{}
	}
	if len(t.until) >= maxTastes {
		for key := range t.until {
			delete(t.until, key)
			break
		}
	}
	t.until[tasteKey(f, where)] = until
}

// sweep forgets what is old.
func (t *tastes) sweep(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for key, until := range t.until {
		if !now.Before(until) {
			delete(t.until, key)
		}
	}
}

// notTaken says whether a status may be about the form of a message rather
// than the message: by the book it is 415 (RFC 3261 section 21.4.13), but
// there are those that say it less clearly.
func notTaken(status int) bool {
	switch status {
	case 406, 415, 488, 606:
		return true
	}
	return false
}
