package sip

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"gateway/adapters/sip/wire"
	"gateway/bridge"
)

// phoneTry is how long a phone may be silent when another has answered.
const phoneTry = 8 * time.Second

// An answer is what one of several destinations has said, or why it has not.
type answer struct {
	place int // of the destination: the newest contact is the first
	res   *wire.Message
	err   error
}

// fork sends to all contacts of an account at once (RFC 3261 section 16.6),
// and gives the answer that counts (section 16.7): that of the first phone that
// takes the message, else, when all have answered, the best refusal. Who is
// silent counts only if all are. A phone that has not answered yet when
// another has taken the message goes on being asked in the background: a
// MESSAGE can't be cancelled, and it shall be seen there too.
func (s *sending) fork(ctx context.Context, all []destination) (bridge.Outcome, error) {
	tries, cancel := context.WithCancel(context.WithoutCancel(ctx))
	// The caller's context ends the tries only while it waits for them.
	release := context.AfterFunc(ctx, cancel)
	defer release()
	decided := make(chan answer, 1)
	started := s.e.crew.start(func() {
		defer cancel()
		s.runFork(tries, cancel, all, decided)
	})
	if !started {
		cancel()
		return 0, unanswered(errNotRunning)
	}
	a := <-decided
	if a.err != nil {
		return 0, unanswered(a.err)
	}
	return s.outcome(a.res, all[a.place].phone)
}

// runFork ends when every destination has answered or been given up, and
// tells decided as soon as it is known which answer counts.
func (s *sending) runFork(ctx context.Context, cancel context.CancelFunc, all []destination, decided chan<- answer) {
	answers := make(chan answer, len(all))
	var tries sync.WaitGroup
	defer tries.Wait()
	start := time.Now()
	for i, d := range all {
		tries.Go(func() {
			res, err := s.sendTo(ctx, d)
			answers <- s.read(i, res, err)
		})
	}
	var got []answer
	var enough <-chan time.Time
	told := false
	for len(got) < len(all) {
		select {
		case a := <-answers:
			got = append(got, a)
			if a.err != nil {
				continue
			}
			if enough == nil {
				enough = time.After(phoneTry - time.Since(start))
			}
			if !told && s.taken(a.res) {
				told = true
				decided <- a
			}
		case <-enough:
			cancel()
		}
	}
	if !told {
		decided <- slices.MinFunc(got, compareAnswers)
	}
}

// read is what came of one try. Of several copies that reach one phone by two
// contacts it takes one, and says so to the other: that is no word on the
// message.
func (s *sending) read(place int, res *wire.Message, err error) answer {
	if err == nil && res.Response.StatusCode == statusMerged && !s.taken(res) {
		err = fmt.Errorf("%w but to another copy", errNoAnswer)
	}
	return answer{place: place, res: res, err: err}
}

// compareAnswers puts the best refusal first, then what can be tried again.
func compareAnswers(a, b answer) int {
	return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.place, b.place))
}

// rank is lower for what says more (RFC 3261 section 16.7, step 6): 6xx speaks
// for everywhere; else the lowest class, in it what a writer can do
// something about.
func rank(a answer) int {
	switch {
	case errors.Is(a.err, errTooBig):
		return 21 // for good, and only if it is so everywhere
	case a.err != nil:
		return 20
	}
	status := a.res.Response.StatusCode
	switch status {
	case 401, 407, 415, 420, 484:
		return 8
	}
	if status >= 600 {
		return 0
	}
	return 2*(status/100) + 1
}
