package store

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// A slowHost takes longer to mend than a front goes without a look at it.
type slowHost struct{ host }

func (h slowHost) prepare(ctx context.Context, js jetstream.JetStream, c jetstream.StreamConfig) (jetstream.Stream, string, error) {
	pause(ctx, 3*lag)
	return h.host.prepare(ctx, js, c)
}

// TestAFrontComesBackOnASlowMachine: what is wrong with it is looked at more often than it is mended.
func TestAFrontComesBackOnASlowMachine(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	s.host = slowHost{s.host} // the mender asks it when something has failed
	put(t, s.Outbox, "m1")
	refuseOne(t, s)
	for until := time.Now().Add(time.Minute); ; {
		_, err := s.Outbox.Append(t.Context(), []byte("m2"))
		if err == nil {
			return
		}
		if time.Now().After(until) || !pause(t.Context(), lag/10) {
			t.Fatalf("it does not come back: %v", err)
		}
	}
}
