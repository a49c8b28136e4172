package store

import (
	"context"
	"errors"
	"time"

	"gateway/bridge"
)

// lastPause is the longest time between two looks at a store that has failed.
const lastPause = 2 * time.Second

// waits notes an error of the store's, and waits a little if it may be gone
// soon. It reports whether another try makes sense.
func (s *Store) waits(ctx context.Context, err error) bool {
	s.troubled(err)
	grace := s.host.grace()
	if since, _, _, cause := s.link.state(); grace == 0 || cause != nil && time.Since(since) > grace {
		return false
	}
	return pause(ctx, retryPause)
}

// troubled notes an error of the store's. An embedded store that is only slow
// says so itself when it has failed.
func (s *Store) troubled(err error) {
	slow := errors.Is(err, errNoAnswer) || errors.Is(err, context.DeadlineExceeded)
	if errors.Is(err, errDown) || slow && s.host.grace() == 0 {
		s.link.stir()
		return
	}
	s.link.fail(err)
}

// runMender brings the store back when it has failed, and does what had to
// wait for it, until ctx is done.
func (s *Store) runMender(ctx context.Context) {
	told := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.link.wake:
		}
		var backoff bridge.Backoff
		for {
			_, count, _, err := s.link.state()
			if err != nil && !told {
				told = true
				s.log.Error("store fails: senders are refused until it works again", "err", err)
			}
			reason := s.mend(ctx, err != nil, count)
			if _, _, _, now := s.link.state(); now == nil && told {
				told = false
				s.log.Info("store works again")
			}
			if reason == nil {
				break
			}
			s.log.Debug("store not mended yet", "err", reason)
			if !pause(ctx, min(backoff.Next(), lastPause)) {
				return
			}
		}
	}
}

// pause waits, and reports false when ctx is done.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

var errAgain = errors.New("it has failed again")

// mend makes one try: first the store must work, and show it by an append if
// there is one to be undone; then the deletions follow.
func (s *Store) mend(ctx context.Context, failed bool, count int) error {
	if failed {
		if err := s.host.revive(); err != nil {
			return err
		}
		if err := s.prepare(ctx); err != nil {
			return err
		}
	}
	for _, st := range s.streams() {
		if err := st.undoAppends(ctx); err != nil {
			return err
		}
	}
	if !s.link.heal(count) {
		return errAgain
	}
	for _, st := range s.streams() {
		if err := st.doDeletes(ctx); err != nil {
			return err
		}
		st.retry()
	}
	return nil
}

// undoAppends takes off the disk what was reported as failed. Sent once more
// under its identity, JetStream says where it is.
func (s *Stream) undoAppends(ctx context.Context) error {
	for {
		s.mu.Lock()
		if len(s.undo) == 0 {
			s.undo = nil
			s.mu.Unlock()
			return nil
		}
		msg := *s.undo[0]
		s.mu.Unlock()
		if err := s.undoAppend(ctx, &msg); err != nil {
			return err
		}
		s.mu.Lock()
		s.undo = s.undo[1:]
		s.mu.Unlock()
	}
}

// doDeletes does the deletions that had to wait.
func (s *Stream) doDeletes(ctx context.Context) error {
	for {
		s.mu.Lock()
		if len(s.deletes) == 0 {
			s.deletes = nil
			s.mu.Unlock()
			return nil
		}
		seq := s.deletes[0]
		s.mu.Unlock()
		if err := s.remove(ctx, seq); err != nil {
			return err
		}
		s.mu.Lock()
		s.deletes = s.deletes[1:]
		s.mu.Unlock()
	}
}
