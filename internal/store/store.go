package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"gateway/bridge"
)

const (
	subject  = "outbox"
	maxBytes = 1 << 30 // on disk; more is refused
	startup  = 20 * time.Second
)

// A Store is an open state directory. Its methods may be called from any
// goroutine.
type Store struct {
	lock   *os.File
	key    []byte
	server *server.Server
	conn   *nats.Conn
	js     jetstream.JetStream
	stream jetstream.Stream
}

var _ bridge.Log = (*Store)(nil)

// Open locks dir, which it makes if need be, and starts the store in it. It
// fails with ErrLocked when another gateway has it.
func Open(ctx context.Context, dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("state directory: %w", err)
	}
	s := &Store{}
	if err := s.open(ctx, dir); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, dir string) (err error) {
	ctx, cancel := context.WithTimeout(ctx, startup)
	defer cancel()
	if s.lock, err = lock(dir); err != nil {
		return err
	}
	if s.key, err = key(dir); err != nil {
		return err
	}
	if s.server, err = serve(filepath.Join(dir, "jetstream")); err != nil {
		return err
	}
	if s.conn, err = nats.Connect("", nats.InProcessServer(s.server), nats.Name("gateway")); err != nil {
		return fmt.Errorf("connect to store: %w", err)
	}
	if s.js, err = jetstream.New(s.conn); err != nil {
		return fmt.Errorf("open store: %w", err)
	}
	s.stream, err = s.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: "OUTBOX", Subjects: []string{subject}, Storage: jetstream.FileStorage,
		Discard: jetstream.DiscardNew, MaxBytes: maxBytes, AllowDirect: true,
	})
	if err != nil {
		return fmt.Errorf("open outbox: %w", err)
	}
	return nil
}

// serve starts a NATS server for this process alone.
func serve(dir string) (*server.Server, error) {
	srv, err := server.NewServer(&server.Options{
		ServerName: "gateway", DontListen: true, JetStream: true, StoreDir: dir,
		SyncAlways: true, NoLog: true, NoSigs: true, NoSystemAccount: true,
		JetStreamMaxStore: maxBytes + maxBytes/4, JetStreamMaxMemory: 16 << 20,
	})
	if err != nil {
		return nil, fmt.Errorf("start store: %w", err)
	}
	srv.Start()
	if !srv.ReadyForConnections(startup) {
		srv.Shutdown()
		return nil, errors.New("start store: not ready in time")
	}
	return srv, nil
}

// Key is 32 random bytes that belong to this state directory.
func (s *Store) Key() []byte { return s.key }

// Append implements bridge.Log.
func (s *Store) Append(ctx context.Context, data []byte) (uint64, error) {
	ack, err := s.js.Publish(ctx, subject, data)
	if err != nil {
		return 0, fmt.Errorf("append to outbox: %w", err)
	}
	return ack.Sequence, nil
}

// Delete implements bridge.Log.
func (s *Store) Delete(seq uint64) error {
	ctx, cancel := context.WithTimeout(context.Background(), startup)
	defer cancel()
	err := s.stream.DeleteMsg(ctx, seq)
	if err == nil {
		return nil
	}
	// The client does not pass on why; that it is gone is all that counts.
	if _, gone := s.stream.GetMsg(ctx, seq); errors.Is(gone, jetstream.ErrMsgNotFound) {
		return nil
	}
	return fmt.Errorf("delete from outbox: %w", err)
}

// Replay implements bridge.Log.
func (s *Store) Replay(ctx context.Context, f func(seq uint64, data []byte) error) error {
	info, err := s.stream.Info(ctx)
	if err != nil {
		return fmt.Errorf("read outbox: %w", err)
	}
	last := info.State.LastSeq
	for seq := info.State.FirstSeq; info.State.Msgs > 0 && seq <= last; seq++ {
		msg, err := s.stream.GetMsg(ctx, seq, jetstream.WithGetMsgSubject(subject))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read outbox: %w", err)
		}
		seq = msg.Sequence // the next that is there: deleted ones are skipped
		if err := f(msg.Sequence, msg.Data); err != nil {
			return err
		}
	}
	return nil
}

// Close ends the store and unlocks the directory. What was appended is on disk.
func (s *Store) Close() {
	if s.conn != nil {
		s.conn.Close()
	}
	if s.server != nil {
		s.server.Shutdown()
		s.server.WaitForShutdown()
	}
	if s.lock != nil {
		s.lock.Close()
	}
}
