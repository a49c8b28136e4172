package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// remoteGrace is how long a lost connection may stay lost until senders
	// are refused.
	remoteGrace = 5 * time.Second
	// wantReplicas is how many servers must lose their disks, or their power
	// before a sync, until something is lost: all of them, at the same time.
	wantReplicas = 3
)

// A remote host is the operator's NATS.
type remote struct {
	urls string
	node string // fit for the names of streams and subjects
}

var _ host = (*remote)(nil)

func newRemote(o Options) *remote {
	// A node's name has no "_": two nodes don't become one.
	return &remote{urls: o.Server.Reveal(), node: strings.ReplaceAll(o.Node, ".", "_")}
}

// connect looks for one of the servers. Once it was there, it is looked for
// again for ever.
func (r *remote) connect(l *link) (*nats.Conn, error) {
	conn, err := nats.Connect(r.urls, nats.Name("gateway "+r.node),
		nats.Timeout(apiTimeout), nats.MaxReconnects(-1), nats.ReconnectWait(time.Second),
		nats.PingInterval(10*time.Second), nats.MaxPingsOutstanding(2),
		nats.IgnoreAuthErrorAbort(),
		// What is sent while there is no connection must fail, not be sent later.
		nats.ReconnectBufSize(-1),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { l.fail(lostConnection(err)) }),
		nats.ReconnectHandler(func(*nats.Conn) { l.stir() }),
	)
	if err != nil {
		return nil, r.mask(err)
	}
	return conn, nil
}

func lostConnection(err error) error {
	if err == nil {
		return errors.New("connection to NATS lost")
	}
	return fmt.Errorf("connection to NATS lost: %w", err)
}

// mask keeps what an error says of a URL out of logs: there may be a password.
func (r *remote) mask(err error) error {
	text := err.Error()
	for url := range strings.SplitSeq(r.urls, ",") {
		url = strings.TrimSpace(url)
		if at := strings.LastIndexByte(url, '@'); at >= 0 {
			_, secret, _ := strings.Cut(url[:at], "://")
			text = strings.ReplaceAll(text, secret, "***")
			for part := range strings.SplitSeq(secret, ":") {
				if part != "" && strings.Contains(text, part) {
					return errors.New("NATS can't be reached")
				}
			}
		}
	}
	if text == err.Error() {
		return err
	}
	return errors.New(text)
}

// prepare makes the stream if it is not there. One that is there belongs to
// the operator, who may have other ideas of replicas and places.
func (r *remote) prepare(ctx context.Context, js jetstream.JetStream, c jetstream.StreamConfig) (jetstream.Stream, string, error) {
	s, err := js.Stream(ctx, c.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		s, err = create(ctx, js, c)
	}
	if err != nil {
		return nil, "", err
	}
	info, err := s.Info(ctx)
	if err != nil {
		return nil, "", err
	}
	if !slices.Contains(info.Config.Subjects, c.Subjects[0]) {
		return nil, "", fmt.Errorf("it is there, but does not take the subject %s", c.Subjects[0])
	}
	return s, doubts(info), nil
}

// create makes a stream with three replicas, or with one where there are no
// three servers.
func create(ctx context.Context, js jetstream.JetStream, c jetstream.StreamConfig) (jetstream.Stream, error) {
	c.Replicas = wantReplicas
	s, err := js.CreateStream(ctx, c)
	var api *jetstream.APIError
	if errors.As(err, &api) {
		c.Replicas = 1
		s, err = js.CreateStream(ctx, c)
	}
	return s, err
}

// doubts says what can be lost though JetStream has answered for it. A server
// does not tell its clients whether it runs with sync_always: $JS.API has no
// such field, and $SYS, which has, is another account.
func doubts(info *jetstream.StreamInfo) string {
	c := info.Config
	var list []string
	if c.Storage != jetstream.FileStorage {
		list = append(list, "is not on disk")
	}
	if c.Replicas < wantReplicas {
		list = append(list, fmt.Sprintf("has replicas = %d, not %d, so only sync_always keeps it through a power cut, and whether it is set a client can't see", c.Replicas, wantReplicas))
	}
	if c.PersistMode != jetstream.DefaultPersistMode {
		list = append(list, "answers before it writes")
	}
	if len(list) == 0 {
		return ""
	}
	return c.Name + " " + strings.Join(list, ", and ")
}

// revive has nothing to do: the connection looks for the server by itself.
func (r *remote) revive() error { return nil }

func (r *remote) grace() time.Duration { return remoteGrace }

func (r *remote) name(what string) (stream, subject string) {
	return "GATEWAY_" + r.node + "_" + what, "gateway." + r.node + "." + strings.ToLower(what)
}

func (r *remote) close() {}
