package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"gateway/internal/store"
)

const (
	appendTime = 2 * time.Second // for each of the rows
	recordSize = 500             // bytes, as of a text of 80 letters with its names
)

// appends is records a second that were on disk when they were said to be.
type appends struct {
	alone    float64 // one after the other
	together float64 // as many at once as texts in a load
	bare     float64 // a file, one write and one sync after the other
}

func measureAppends(ctx context.Context, dir string) (a appends, err error) {
	s, err := store.Open(ctx, store.Options{
		Dir: filepath.Join(dir, "appends"), Node: "bench", Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return a, err
	}
	defer s.Close()
	put := func(ctx context.Context) error {
		_, err := s.Outbox.Append(ctx, make([]byte, recordSize))
		return err
	}
	if a.alone, err = repeat(ctx, 1, put); err != nil {
		return a, err
	}
	if a.together, err = repeat(ctx, window, put); err != nil {
		return a, err
	}
	f, err := os.Create(filepath.Join(dir, "bare"))
	if err != nil {
		return a, fmt.Errorf("write to disk: %w", err)
	}
	defer f.Close()
	a.bare, err = repeat(ctx, 1, func(context.Context) error {
		if _, err := f.Write(make([]byte, recordSize)); err != nil {
			return err
		}
		return f.Sync()
	})
	return a, err
}

// repeat does something for a while, so many at once, and says how often a
// second it was done.
func repeat(ctx context.Context, atOnce int, do func(context.Context) error) (float64, error) {
	var wg sync.WaitGroup
	counts, errs := make([]int, atOnce), make([]error, atOnce)
	start := time.Now()
	for i := range atOnce {
		wg.Go(func() {
			for time.Since(start) < appendTime && errs[i] == nil {
				errs[i] = do(ctx)
				counts[i]++
			}
		})
	}
	wg.Wait()
	elapsed := time.Since(start)
	sum := 0
	for i, err := range errs {
		if err != nil {
			return 0, fmt.Errorf("write to disk: %w", err)
		}
		sum += counts[i]
	}
	return float64(sum) / elapsed.Seconds(), nil
}
