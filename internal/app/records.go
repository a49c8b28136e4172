package app

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// syncEvery is how often what was written to the records is made sure of. Each
// record is with the system as soon as its call has ended, and so outlives the
// process; the machine failing may take those of the last second with it.
const syncEvery = time.Second

// records is the file of call records. It only grows; who moves it away has it
// opened again by SIGHUP.
type records struct {
	name string
	log  *slog.Logger
	stop chan struct{}
	wg   sync.WaitGroup

	mu    sync.Mutex // guards what follows: every call that ends writes
	file  *os.File
	dirty bool
}

// openRecords opens or makes the file. Without a name there is none, and all
// methods do nothing.
func openRecords(name string, log *slog.Logger) (*records, error) {
	r := &records{name: name, log: log, stop: make(chan struct{})}
	if name == "" {
		return r, nil
	}
	if err := r.reopen(); err != nil {
		return nil, err
	}
	r.wg.Go(r.run)
	return r, nil
}

// reopen goes on in the file that has the name now.
func (r *records) reopen() error {
	if r.name == "" {
		return nil
	}
	f, err := os.OpenFile(r.name, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("open the call records: %w", err)
	}
	r.mu.Lock()
	old := r.file
	r.file = f
	r.mu.Unlock()
	if old != nil {
		return errors.Join(old.Sync(), old.Close())
	}
	return nil
}

// Write appends one record, whole or not at all as far as the system allows.
func (r *records) Write(line []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file == nil {
		return len(line), nil
	}
	r.dirty = true
	return r.file.Write(line)
}

// run syncs what was written, until close.
func (r *records) run() {
	tick := time.NewTicker(syncEvery)
	defer tick.Stop()
	for {
		select {
		case <-r.stop:
			return
		case <-tick.C:
			r.mu.Lock()
			f, dirty := r.file, r.dirty
			r.dirty = false
			r.mu.Unlock()
			if !dirty {
				continue
			}
			// A file that was closed meanwhile has been synced.
			if err := f.Sync(); err != nil && !errors.Is(err, os.ErrClosed) {
				r.log.Error("call records not synced", "err", err)
			}
		}
	}
}

// close makes sure of what was written.
func (r *records) close() {
	close(r.stop)
	r.wg.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file == nil {
		return
	}
	if err := errors.Join(r.file.Sync(), r.file.Close()); err != nil {
		r.log.Error("call records not closed", "err", err)
	}
	r.file = nil
}
