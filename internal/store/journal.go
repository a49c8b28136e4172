package store

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/nats-io/nats-server/v2/server"
)

// maxSaid bounds what a journal keeps.
const maxSaid = 20

// A journal is what the embedded server has to say. It answers a client whose
// write failed with nothing at all, and tells of damage only here.
type journal struct {
	log    *slog.Logger
	failed func(error) // is told of each error after the opening

	mu      sync.Mutex // guards what follows: the server's goroutines write
	running bool       // false while it is being opened
	fatal   bool       // JetStream could not be started
	said    []string   // warnings and errors of the opening
}

var _ server.Logger = (*journal)(nil)

// Noticef implements server.Logger.
func (j *journal) Noticef(format string, v ...any) {
	j.log.Debug("store notes", "text", fmt.Sprintf(format, v...))
}

// Debugf implements server.Logger.
func (j *journal) Debugf(string, ...any) {}

// Tracef implements server.Logger.
func (j *journal) Tracef(string, ...any) {}

// Warnf implements server.Logger.
func (j *journal) Warnf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	if strings.Contains(text, "took too long") { // of the machine, and of nothing that is damaged
		j.log.Debug("store notes", "text", text)
		return
	}
	if !j.keep(text) {
		j.log.Warn("store warns", "text", text)
	}
}

// Errorf implements server.Logger.
func (j *journal) Errorf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	if !j.keep(text) {
		j.failed(fmt.Errorf("JetStream: %s", text))
	}
}

// Fatalf implements server.Logger. The server goes on, without JetStream.
func (j *journal) Fatalf(format string, v ...any) {
	j.mu.Lock()
	j.fatal = true
	j.mu.Unlock()
	j.Errorf(format, v...)
}

// died reports whether JetStream could not be started.
func (j *journal) died() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.fatal
}

// keep notes what is said during the opening.
func (j *journal) keep(text string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.running {
		return false
	}
	if len(j.said) < maxSaid {
		j.said = append(j.said, text)
	}
	return true
}

// complaints gives what was said so far.
func (j *journal) complaints() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]string(nil), j.said...)
}

// run says that the opening is over: from now on errors are failures.
func (j *journal) run() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.running = true
}
