package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestAStoreThatFailedIsBroughtBack(t *testing.T) {
	t.Parallel()
	log := &notes{}
	s, err := Open(t.Context(), Options{Dir: t.TempDir(), Log: log.logger()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i := range 3 {
		if _, err := s.Outbox.Append(t.Context(), fmt.Appendf(nil, "m%d", i+1)); err != nil {
			t.Fatal(err)
		}
	}
	carryOver(t, s.Outbox)
	for n := range 3 {
		s.host.(*embedded).journal.Errorf("disk %d on fire", n)
		s.Outbox.later(uint64(n+1), nil)
		wantHealth(t, s, true)
		wantWorking(t, s)
	}
	for contents(t, s) != nil {
		if !pause(t.Context(), 5*time.Millisecond) {
			t.Fatal("the deletions are not made up for")
		}
	}
	if !strings.Contains(log.String(), "disk 0 on fire") || !strings.Contains(log.String(), "store works again") {
		t.Errorf("said\n%s", log)
	}
}

func TestWhileItFailsTheEmbeddedStoreRefusesAtOnce(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	s.stop() // nobody mends
	s.wg.Wait()
	s.link.fail(errors.New("no disk"))
	if _, err := s.Outbox.Append(t.Context(), []byte("x")); !errors.Is(err, errDown) || !strings.Contains(err.Error(), "no disk") {
		t.Errorf("append: %v", err)
	}
	if err := s.Outbox.Delete(1); err != nil {
		t.Errorf("delete: %v", err)
	}
	if h := s.Health(); h.Up || h.Error != "no disk" {
		t.Errorf("health: %+v", h)
	}
	if err := s.mend(context.Background(), true, 0); !errors.Is(err, errAgain) {
		t.Errorf("healed though it has failed since: %v", err)
	}
	if err := s.mend(context.Background(), true, 1); err != nil {
		t.Errorf("not mended: %v", err)
	}
	wantWorking(t, s)
}

func TestAFullOutboxRefusesAndStaysHealthy(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	s.Outbox.config.MaxBytes = 4096
	if err := s.prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	data := make([]byte, 1000)
	var last uint64
	for range 10 {
		seq, err := s.Outbox.Append(t.Context(), data)
		if err != nil {
			break
		}
		last = seq
		s.Outbox.front.mu.Lock()
		_ = s.Outbox.awaitCarried(seq + 1) // that there is no room is said to the next
		s.Outbox.front.mu.Unlock()
	}
	if _, err := s.Outbox.Append(t.Context(), data); err == nil || !strings.Contains(err.Error(), "maximum bytes") {
		t.Errorf("append to a full outbox: %v", err)
	}
	if h := s.Health(); !h.Up {
		t.Errorf("health: %+v", h)
	}
	s.Outbox.Delete(last)
	for {
		_, err := s.Outbox.Append(t.Context(), data)
		if err == nil {
			break
		}
		if !pause(t.Context(), 5*time.Millisecond) {
			t.Fatalf("no room again: %v", err)
		}
	}
}

func TestTheLedgerForgetsTheOldest(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	if c := s.Ledger.config; c.MaxMsgs != 100_000 || c.MaxAge != 7*24*time.Hour {
		t.Errorf("the ledger keeps %d records for %v", c.MaxMsgs, c.MaxAge)
	}
	s.Ledger.config.MaxMsgs = 3
	if err := s.prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		if _, err := s.Ledger.Append(t.Context(), fmt.Append(nil, i)); err != nil {
			t.Fatal(err)
		}
		carryOver(t, s.Ledger)
	}
	var got []string
	err := s.Ledger.Replay(t.Context(), func(_ uint64, b []byte) error {
		got = append(got, string(b))
		return nil
	})
	if err != nil || fmt.Sprint(got) != "[2 3 4]" {
		t.Errorf("it has %q, %v", got, err)
	}
}
