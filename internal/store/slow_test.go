package store

import (
	"context"
	"os"
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
	f := s.Outbox.front
	f.mu.Lock()
	f.quiet()
	whole := f.files
	for i := range f.files {
		file, err := os.Open(whole[i].Name()) // not for writing
		if err != nil {
			t.Fatal(err)
		}
		f.files[i] = file
	}
	f.mu.Unlock()
	if seq, err := s.Outbox.Append(t.Context(), []byte("refused")); err == nil {
		t.Errorf("written as %d", seq)
	}
	f.mu.Lock()
	f.quiet()
	for i, file := range f.files {
		file.Close()
		f.files[i] = whole[i]
	}
	f.mu.Unlock()
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
