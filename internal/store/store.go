package store

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"gateway/bridge"
)

// startup bounds the opening of a store.
const startup = 20 * time.Second

// Options say where a store is.
type Options struct {
	Dir    string        // the state directory: lock, key, and the embedded store
	Server bridge.Secret // URLs of the operator's NATS, with commas between; "" for the embedded one
	Node   string        // names the streams on Server
	Log    *slog.Logger
}

// A Store is an open store. Its methods may be called from any goroutine.
type Store struct {
	// Outbox keeps the messages that wait.
	Outbox *Log
	// Ledger remembers what was handed on: the newest 100,000 records of the
	// last seven days, or some more. Embedded, they outlive the process at once and
	// the machine after a tenth of a second.
	Ledger *Log

	log  *slog.Logger
	lock *os.File
	key  []byte
	host host
	conn *nats.Conn
	link *link

	stop context.CancelFunc // ends the mender
	wg   sync.WaitGroup     // the mender
}

// A host runs the JetStream that a Store is kept in.
type host interface {
	// connect opens a connection, at once or not at all.
	connect(l *link) (*nats.Conn, error)
	// prepare makes sure that a stream is there and fit. note says what is
	// not as it should be all the same, "" if nothing.
	prepare(ctx context.Context, js jetstream.JetStream, c jetstream.StreamConfig) (s jetstream.Stream, note string, err error)
	// revive makes a host that has failed work again, or says that it can't
	// now.
	revive() error
	// grace is how long Append waits for a host that has failed.
	grace() time.Duration
	// name makes a name of a stream, or of a subject, of the host's.
	name(what string) (stream, subject string)
	// close ends the host.
	close()
}

// Open locks the state directory, which it makes if need be, and opens the
// store in it, or on the operator's NATS. It fails with ErrLocked when another
// gateway has the directory.
//
// A store that is damaged is set aside in jetstream.broken-TIME, which is
// logged, and Open goes on with what can be read of it, or an empty one.
func Open(ctx context.Context, o Options) (*Store, error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	s := &Store{log: o.Log, link: newLink()}
	if err := s.open(ctx, o); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, o Options) (err error) {
	within := startup
	if o.Server == "" {
		within = embeddedStartup
	}
	opening, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	if s.lock, err = lock(opening, o.Dir); err != nil {
		return err
	}
	if s.key, err = key(o.Dir); err != nil {
		return err
	}
	if o.Server != "" {
		s.host = newRemote(o)
		err = s.attach(opening)
	} else {
		err = s.openEmbedded(opening, o)
	}
	if err == nil && o.Server == "" {
		err = s.openFronts(ctx, o)
	}
	if err != nil {
		return err
	}
	mending, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	s.wg.Go(func() { s.runMender(mending) })
	for _, l := range s.streams() {
		if l.front != nil {
			s.wg.Go(func() { l.runFront(mending) })
			s.wg.Go(func() { l.front.runKeeper(mending) })
			s.wg.Go(func() { l.front.runAIO(mending) })
		}
	}
	return nil
}

// openFronts puts files before the streams.
func (s *Store) openFronts(ctx context.Context, o Options) error {
	if err := s.Outbox.openFront(ctx, o.Dir, "outbox", s.log); err != nil {
		return err
	}
	return s.Ledger.openFront(ctx, o.Dir, "ledger", s.log)
}

// attach connects to the host and makes the streams.
func (s *Store) attach(ctx context.Context) (err error) {
	if s.conn, err = s.host.connect(s.link); err != nil {
		return fmt.Errorf("connect to store: %w", err)
	}
	js, err := jetstream.New(s.conn, jetstream.WithDefaultTimeout(apiTimeout),
		jetstream.WithPublishAsyncMaxPending(maxPending), jetstream.WithPublishAsyncTimeout(ackTimeout))
	if err != nil {
		return fmt.Errorf("open store: %w", err)
	}
	s.Outbox = newLog(newStream(s, js, outboxConfig(s.host)), false)
	s.Ledger = newLog(newStream(s, js, ledgerConfig(s.host)), true)
	return s.prepare(ctx)
}

// detach undoes attach.
func (s *Store) detach() {
	if s.conn != nil {
		s.conn.Close()
		s.conn = nil
	}
}

// prepare makes sure that the streams are there.
func (s *Store) prepare(ctx context.Context) error {
	notes := ""
	for _, st := range s.streams() {
		handle, note, err := s.host.prepare(ctx, st.js, st.config)
		if err != nil {
			return fmt.Errorf("open stream %s: %w", st.config.Name, err)
		}
		st.setHandle(handle)
		if note != "" && notes != "" {
			notes += "; "
		}
		notes += note
	}
	s.link.remark(notes)
	return nil
}

func (s *Store) streams() []*Log { return []*Log{s.Outbox, s.Ledger} }

// Key is 32 random bytes that belong to this state directory.
func (s *Store) Key() []byte { return s.key }

// Health says whether the store can be written to, and if it can, what is not
// as safe as it should be. Its name, in place of an adapter's, is "store".
func (s *Store) Health() bridge.Health { return s.link.health() }

func (s *Store) closeFronts() {
	for _, l := range s.streams() {
		if l == nil || l.front == nil {
			continue
		}
		if err := l.front.settle(); err != nil {
			s.log.Error("store did not sync its last records", "log", l.config.Name, "err", err)
		}
		l.front.close()
		l.front.err = os.ErrClosed
	}
}

// Close ends the store and unlocks the directory. What was appended is on disk.
func (s *Store) Close() {
	if s.stop != nil {
		s.stop()
	}
	s.wg.Wait()
	s.closeFronts()
	s.detach()
	if s.host != nil {
		s.host.close()
	}
	if s.lock != nil {
		s.lock.Close()
	}
}
