package bridge

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxSenders bounds the table of senders that the throttle remembers.
const maxSenders = 10_000

// A throttle holds senders, and all of them, to the limits.
type throttle struct {
	mu      sync.Mutex // guards what follows: any adapter asks, a reload changes it
	limits  Limits
	all     *rate.Limiter
	calls   *rate.Limiter
	senders map[Address]*rate.Limiter
}

func newThrottle(l Limits) *throttle {
	t := &throttle{}
	t.set(l)
	return t
}

// set makes other limits count, for everybody afresh.
func (t *throttle) set(l Limits) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.limits = l
	t.all = limiter(l.MessagesPerSecond, time.Second)
	t.calls = limiter(l.CallsPerSecond, time.Second)
	t.senders = make(map[Address]*rate.Limiter)
}

// limiter allows n events in each d, and bursts of as many; any number if n is 0.
func limiter(n int, d time.Duration) *rate.Limiter {
	if n <= 0 {
		return rate.NewLimiter(rate.Inf, 0)
	}
	return rate.NewLimiter(rate.Limit(float64(n)/d.Seconds()), n)
}

func (t *throttle) expire() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.limits.Expire
}

// admit takes one message of a sender's, or says that it is one too many.
func (t *throttle) admit(sender Address) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.senders[sender]
	if l == nil {
		if len(t.senders) >= maxSenders {
			t.prune()
		}
		l = limiter(t.limits.MessagesPerSender, time.Minute)
		t.senders[sender] = l
	}
	now := time.Now()
	if t.all.TokensAt(now) < 1 && t.limits.MessagesPerSecond > 0 {
		return &Error{Op: "limit", Cause: Overloaded, Reason: "too many messages at once", Retry: true, After: time.Second}
	}
	if !l.AllowN(now, 1) {
		return &Error{Op: "limit", Cause: Overloaded, Reason: "too many messages from this sender", Retry: true, After: time.Minute}
	}
	t.all.AllowN(now, 1) // there was one left
	return nil
}

// admitCall takes one call, where there are so many already and its sender has
// so many of them; or says that it is one too many. pay is asked last, and what
// it refuses is not counted.
func (t *throttle) admitCall(all, ofSender int, pay func() error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	switch l := t.limits; {
	case l.Calls > 0 && all >= l.Calls:
		return tooMany("too many calls at once", 10*time.Second)
	case l.CallsPerSender > 0 && ofSender >= l.CallsPerSender:
		return tooMany("too many calls of this sender at once", time.Minute)
	case l.CallsPerSecond > 0 && t.calls.TokensAt(now) < 1:
		return tooMany("too many calls in a second", time.Second)
	}
	if err := pay(); err != nil {
		return err
	}
	t.calls.AllowN(now, 1) // there was one left
	return nil
}

// mayTranscode reports whether one call more may be transcoded, beside so many.
func (t *throttle) mayTranscode(already int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.limits.Transcoded <= 0 || already < t.limits.Transcoded
}

// prune forgets the senders that have their whole allowance again; if that is
// not enough, all. For callers that hold mu.
func (t *throttle) prune() {
	now := time.Now()
	for a, l := range t.senders {
		if l.TokensAt(now) >= float64(l.Burst()) {
			delete(t.senders, a)
		}
	}
	if len(t.senders) >= maxSenders {
		clear(t.senders)
	}
}
