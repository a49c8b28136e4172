package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// TestAStoreThatTakesItsTimeIsNotSetAside: what waits in it would be lost to those who were
// told that it is stored.
func TestAStoreThatTakesItsTimeIsNotSetAside(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		err  error
		said []string
		want bool
	}{
		{fmt.Errorf("connect to store: %w", nats.ErrTimeout), nil, true},
		{fmt.Errorf("connect to store: %w", os.ErrDeadlineExceeded), nil, true},
		{errors.New("connect to store: read pipe: i/o timeout"), nil, true},
		{fmt.Errorf("start store: %w", errNotReady), nil, true},
		{fmt.Errorf("open stream OUTBOX: %w", context.DeadlineExceeded), nil, true},
		{fmt.Errorf("open stream OUTBOX: %w", nats.ErrNoResponders), nil, true},
		{errors.New("start store: no space left on device"), nil, true},
		{errors.New("start store"), []string{"open x: too many open files"}, true},
		{errors.New("start store: bad checksum"), nil, false},
		{errors.New("open stream OUTBOX: stream not found"), []string{"Error recovering stream"}, false},
	} {
		if got := innocent(row.err, row.said); got != row.want {
			t.Errorf("%v, %q: %v", row.err, row.said, got)
		}
	}
}

// A lateStream answers the first questions too late, or has nothing at first.
type lateStream struct {
	jetstream.Stream
	late, empty int
}

func (s *lateStream) OrderedConsumer(ctx context.Context, c jetstream.OrderedConsumerConfig) (jetstream.Consumer, error) {
	if s.late > 0 {
		s.late--
		return nil, context.DeadlineExceeded
	}
	consumer, err := s.Stream.OrderedConsumer(ctx, c)
	return &lateConsumer{consumer, s}, err
}

type lateConsumer struct {
	jetstream.Consumer
	of *lateStream
}

func (c *lateConsumer) FetchNoWait(n int) (jetstream.MessageBatch, error) {
	if c.of.empty > 0 {
		c.of.empty--
		return emptyBatch{}, nil
	}
	return c.Consumer.FetchNoWait(n)
}

type emptyBatch struct{}

func (emptyBatch) Messages() <-chan jetstream.Msg {
	none := make(chan jetstream.Msg)
	close(none)
	return none
}

func (emptyBatch) Error() error { return nil }

func TestWhatIsThereIsReadFromAServerThatTakesItsTime(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	var want []string
	for i := range 2*replayBatch + 10 {
		text := fmt.Sprint(i)
		want = append(want, text)
		if _, err := s.Outbox.Stream.Append(t.Context(), []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	whole := s.Outbox.getHandle()
	defer s.Outbox.setHandle(whole)
	for _, late := range []*lateStream{{whole, 3, 0}, {whole, 0, 3}, {whole, 5, 5}} {
		s.Outbox.setHandle(late)
		var got []string
		err := s.Outbox.Stream.Replay(t.Context(), func(_ uint64, data []byte) error {
			got = append(got, string(data))
			return nil
		})
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("read %d of %d, %v", len(got), len(want), err)
		}
	}
	s.Outbox.setHandle(&lateStream{whole, 1000, 0})
	if err := s.Outbox.Stream.Replay(t.Context(), func(uint64, []byte) error { return nil }); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a server that never answers: %v", err)
	}
	s.Outbox.setHandle(&lateStream{whole, 0, 0})
	broken, calls := errors.New("broken"), 0
	if err := s.Outbox.Stream.Replay(t.Context(), func(uint64, []byte) error { calls++; return broken }); !errors.Is(err, broken) || calls != 1 {
		t.Errorf("who reads fails: %v, after %d", err, calls)
	}
}
