package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"gateway/bridge"
)

const (
	maxBytes   = 1 << 30  // of the outbox on disk; more is refused
	ledgerSize = 64 << 20 // of the ledger on disk; the oldest goes
	ledgerMsgs = 100_000
	ledgerAge  = 7 * 24 * time.Hour

	apiTimeout = 5 * time.Second
	ackTimeout = 30 * time.Second // after which an answer is not waited for any more
	maxPending = 100_000          // appends at once
	maxUndo    = 10_000           // appends of which it is not known what became of them
	retryPause = 100 * time.Millisecond
	// replayBatch is how many records are read at once.
	replayBatch = 500
)

// A Stream is one log. Its methods may be called from any goroutine.
type Stream struct {
	store   *Store
	js      jetstream.JetStream
	config  jetstream.StreamConfig
	subject string

	mu     sync.Mutex // guards what follows
	handle jetstream.Stream
	// What can't be done now and waits for the mender:
	deletes []uint64    // records that are to go
	undo    []*nats.Msg // appends that were reported as failed, but may have come to disk
}

var _ bridge.Log = (*Stream)(nil)

func newStream(s *Store, js jetstream.JetStream, c jetstream.StreamConfig) *Stream {
	return &Stream{store: s, js: js, config: c, subject: c.Subjects[0]}
}

func outboxConfig(h host) jetstream.StreamConfig {
	name, subject := h.name("OUTBOX")
	return jetstream.StreamConfig{
		Name: name, Subjects: []string{subject}, Storage: jetstream.FileStorage,
		Discard: jetstream.DiscardNew, MaxBytes: maxBytes, AllowDirect: true,
	}
}

func ledgerConfig(h host) jetstream.StreamConfig {
	name, subject := h.name("LEDGER")
	return jetstream.StreamConfig{
		Name: name, Subjects: []string{subject}, Storage: jetstream.FileStorage,
		Discard: jetstream.DiscardOld, MaxBytes: ledgerSize, MaxMsgs: ledgerMsgs, MaxAge: ledgerAge, AllowDirect: true,
	}
}

// Append implements bridge.Log. It fails when ctx is done, when there is no
// room, and when the store does not work: the embedded one at once, the
// operator's when it has not come back within five seconds.
func (s *Stream) Append(ctx context.Context, data []byte) (uint64, error) {
	id := rand.Text() // the same at each try: JetStream stores one of them
	unknown := false
	for {
		msg := &nats.Msg{Subject: s.subject, Data: data, Header: nats.Header{jetstream.MsgIDHeader: {id}}}
		seq, sent, err := s.publish(ctx, msg)
		if err == nil {
			return seq, nil
		}
		unknown = unknown || sent
		if temporary(err) && s.store.waits(ctx, err) {
			continue
		}
		if unknown {
			s.later(0, &nats.Msg{Subject: s.subject, Data: data, Header: nats.Header{jetstream.MsgIDHeader: {id}}})
		}
		return 0, fmt.Errorf("append to %s: %w", s.config.Name, err)
	}
}

var (
	errNoAnswer = errors.New("no answer from JetStream")
	errDown     = errors.New("the store does not work")
)

// publish makes one try. sent says that an error leaves open whether the
// record is on disk.
func (s *Stream) publish(ctx context.Context, msg *nats.Msg) (seq uint64, sent bool, err error) {
	l := s.store.link
	_, count, lost, cause := l.state()
	if cause != nil {
		if s.store.host.grace() == 0 {
			return 0, false, fmt.Errorf("%w: %w", errDown, cause)
		}
		lost = nil // known already; this is to see whether it works again
	}
	if ctx.Err() != nil {
		return 0, false, ctx.Err()
	}
	future, err := s.js.PublishMsgAsync(msg)
	if err != nil {
		return 0, false, err
	}
	timer := time.NewTimer(apiTimeout)
	defer timer.Stop()
	select {
	case ack := <-future.Ok():
		if cause != nil {
			l.heal(count)
			l.stir()
		}
		return ack.Sequence, false, nil
	case err := <-future.Err():
		return 0, temporary(err) && !errors.Is(err, jetstream.ErrNoStreamResponse), err
	case <-lost:
		_, _, _, cause = l.state()
		return 0, true, fmt.Errorf("%w: %w", errDown, cause)
	case <-timer.C:
		return 0, true, errNoAnswer
	case <-ctx.Done():
		return 0, true, ctx.Err()
	}
}

// JetStream's codes for bounds that are reached; they pass when something is
// deleted (server/errors.json of nats-server).
const (
	noResources jetstream.ErrorCode = 10023
	noRoom      jetstream.ErrorCode = 10077
)

// temporary reports whether the store, not what was asked of it, is to blame.
func temporary(err error) bool {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		return api.Code == 503 && api.ErrorCode != noRoom && api.ErrorCode != noResources
	}
	return !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, nats.ErrMaxPayload)
}

// Delete implements bridge.Log. While the store does not work it notes what is
// to be deleted, and that is done when it works again.
func (s *Stream) Delete(seq uint64) error {
	if _, _, _, cause := s.store.link.state(); cause != nil {
		s.later(seq, nil)
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), apiTimeout)
	defer cancel()
	if err := s.remove(ctx, seq); err != nil {
		s.store.troubled(err)
		s.later(seq, nil)
	}
	return nil
}

func (s *Stream) remove(ctx context.Context, seq uint64) error {
	h := s.getHandle()
	err := h.DeleteMsg(ctx, seq)
	if err == nil {
		return nil
	}
	// The client does not pass on why; that it is gone is all that counts.
	if _, gone := h.GetMsg(ctx, seq); errors.Is(gone, jetstream.ErrMsgNotFound) {
		return nil
	}
	return fmt.Errorf("delete from %s: %w", s.config.Name, err)
}

// later leaves something to the mender.
func (s *Stream) later(seq uint64, msg *nats.Msg) {
	s.mu.Lock()
	if seq != 0 {
		s.deletes = append(s.deletes, seq)
	}
	if msg != nil && len(s.undo) < maxUndo {
		s.undo = append(s.undo, msg)
	}
	s.mu.Unlock()
	s.store.link.stir()
}

func (s *Stream) setHandle(h jetstream.Stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handle = h
}

func (s *Stream) getHandle() jetstream.Stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.handle
}

// Replay implements bridge.Log.
func (s *Stream) Replay(ctx context.Context, f func(seq uint64, data []byte) error) error {
	if err := s.replay(ctx, f); err != nil {
		return fmt.Errorf("read %s: %w", s.config.Name, err)
	}
	return nil
}

// replayTries is how often in a row a server that is slow may give nothing.
const replayTries = 20

func (s *Stream) replay(ctx context.Context, f func(seq uint64, data []byte) error) error {
	last, tries := uint64(0), 0
	for {
		before := last
		late, err := s.replayAfter(ctx, &last, f)
		if last > before {
			tries = 0
		}
		if tries++; !late || tries == replayTries || ctx.Err() != nil {
			return err
		}
	}
}

// replayAfter reads what comes after the record last, which it counts on. late: the error
// says no more than that the server took its time, as on a machine that is busy.
func (s *Stream) replayAfter(ctx context.Context, last *uint64, f func(seq uint64, data []byte) error) (late bool, err error) {
	c := jetstream.OrderedConsumerConfig{}
	if *last > 0 {
		c.DeliverPolicy, c.OptStartSeq = jetstream.DeliverByStartSequencePolicy, *last+1
	}
	consumer, err := s.getHandle().OrderedConsumer(ctx, c)
	for err == nil {
		var batch jetstream.MessageBatch
		if batch, err = consumer.FetchNoWait(replayBatch); err != nil {
			break
		}
		n := 0
		for msg := range batch.Messages() {
			n++
			meta, err := msg.Metadata()
			if err != nil {
				return false, err
			}
			*last = meta.Sequence.Stream
			if err := f(*last, msg.Data()); err != nil {
				return false, err
			}
		}
		if err = batch.Error(); err == nil && n == 0 {
			if err = s.checkEnd(ctx, *last); err == nil {
				return false, nil
			}
		}
	}
	return isLate(err), err
}

var errEarlyEnd = errors.New("it ended before its last record")

// isLate reports whether an error says only that somebody took too long.
func isLate(err error) bool {
	for _, late := range []error{context.DeadlineExceeded, os.ErrDeadlineExceeded, nats.ErrTimeout, errNotReady, errNoAnswer, errEarlyEnd} {
		if errors.Is(err, late) {
			return true
		}
	}
	return false
}

// checkEnd makes sure that nothing comes after the record last: an empty batch
// may also be a server that was not ready.
func (s *Stream) checkEnd(ctx context.Context, last uint64) error {
	msg, err := s.getHandle().GetMsg(ctx, last+1, jetstream.WithGetMsgSubject(s.subject))
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return nil
	case err != nil:
		return err
	default:
		return fmt.Errorf("%w: %d", errEarlyEnd, msg.Sequence)
	}
}

// undoAppend undoes one append. It fails when the store does not work.
func (s *Stream) undoAppend(ctx context.Context, msg *nats.Msg) error {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	ack, err := s.js.PublishMsg(ctx, msg)
	switch {
	case err == nil:
		s.later(ack.Sequence, nil)
		return nil
	case temporary(err) || ctx.Err() != nil:
		return fmt.Errorf("undo append to %s: %w", s.config.Name, err)
	default:
		return nil // refused: it is not there
	}
}
