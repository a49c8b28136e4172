package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// An embedded host is a NATS server for this process alone, in a directory.
type embedded struct {
	dir     string
	server  *server.Server
	journal *journal
}

var _ host = (*embedded)(nil)

// embeddedStartup bounds the opening of the embedded store, each of its steps: on a machine
// that is busy it takes its time, and it has no network that could be down.
const embeddedStartup = 2 * time.Minute

var errNotReady = errors.New("not ready in time")

// newEmbedded starts the server.
func newEmbedded(dir string, j *journal) (*embedded, error) {
	e := &embedded{dir: dir, journal: j}
	srv, err := server.NewServer(&server.Options{
		ServerName: "gateway", DontListen: true, JetStream: true, StoreDir: dir,
		SyncAlways: true, NoLog: true, NoSigs: true, NoSystemAccount: true,
		JetStreamMaxStore: maxStore, JetStreamMaxMemory: maxMemory,
	})
	if err != nil {
		return nil, fmt.Errorf("start store: %w", err)
	}
	e.server = srv
	srv.SetLoggerV2(j, false, false, false)
	srv.Start() // returns when the streams are open
	if j.died() || !srv.JetStreamEnabled() {
		e.close()
		return nil, fmt.Errorf("start store: %s", strings.Join(j.complaints(), "; "))
	}
	if !srv.ReadyForConnections(embeddedStartup) {
		e.close()
		return nil, fmt.Errorf("start store: %w", errNotReady)
	}
	return e, nil
}

// What the server may use, in bytes. A ledger or outbox that is full stays
// below it.
const (
	maxStore  = maxBytes + ledgerSize + maxBytes/4
	maxMemory = 16 << 20
)

func (e *embedded) connect(*link) (*nats.Conn, error) {
	return nats.Connect("", nats.InProcessServer(e.server), nats.Name("gateway"), nats.MaxReconnects(-1), nats.ReconnectBufSize(-1),
		nats.Timeout(embeddedStartup))
}

func (e *embedded) prepare(ctx context.Context, js jetstream.JetStream, c jetstream.StreamConfig) (jetstream.Stream, string, error) {
	s, err := js.CreateOrUpdateStream(ctx, c)
	return s, "", err
}

// revive starts JetStream once more. A stream that could not be written to
// stays so until then, even if there is room again.
func (e *embedded) revive() error {
	if err := probe(filepath.Dir(e.dir)); err != nil {
		return err
	}
	if err := e.server.ShutdownJetStream(); err != nil {
		return fmt.Errorf("stop store: %w", err)
	}
	err := e.server.EnableJetStream(&server.JetStreamConfig{
		StoreDir: e.dir, SyncAlways: true, MaxStore: maxStore, MaxMemory: maxMemory, Strict: true,
	})
	if err != nil {
		return fmt.Errorf("restart store: %w", err)
	}
	return nil
}

// grace is none: the disk does not come back by itself.
func (e *embedded) grace() time.Duration { return 0 }

func (e *embedded) name(what string) (stream, subject string) { return what, strings.ToLower(what) }

func (e *embedded) close() {
	e.server.Shutdown()
	e.server.WaitForShutdown()
}

// probeSize is how much room there must be, in bytes, before the store is
// opened: a block's index and a record.
const probeSize = 256 << 10

// probe writes to the disk of dir, and syncs.
func probe(dir string) (err error) {
	name := filepath.Join(dir, "probe")
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write to state directory: %w", err)
	}
	defer os.Remove(name)
	_, err = f.Write(make([]byte, probeSize))
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("write to state directory: %w", err)
	}
	return nil
}
