package store

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"gateway/bridge"
	"gateway/bridge/bridgetest"
)

// operators is a NATS server of somebody else's.
type operators struct {
	t    *testing.T
	o    server.Options
	srv  *server.Server
	addr string
}

func newOperators(t *testing.T) *operators {
	t.Helper()
	p := &operators{t: t, o: server.Options{
		ServerName: "operators", Host: bridgetest.OwnHost(), Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(),
		Username: "gate", Password: "open-sesame", NoLog: true, NoSigs: true,
	}}
	p.start()
	p.addr = p.srv.Addr().String()
	p.o.Port = p.srv.Addr().(*net.TCPAddr).Port
	t.Cleanup(func() { p.stop() })
	return p
}

func (p *operators) start() {
	p.t.Helper()
	o := p.o
	srv, err := server.NewServer(&o)
	if err != nil {
		p.t.Fatal(err)
	}
	srv.Start()
	if !srv.ReadyForConnections(time.Minute) {
		p.t.Fatal("the operator's server is not ready")
	}
	p.srv = srv
}

func (p *operators) stop() {
	p.srv.Shutdown()
	p.srv.WaitForShutdown()
}

func (p *operators) url() bridge.Secret { return bridge.Secret("nats://gate:open-sesame@" + p.addr) }

func (p *operators) open(node string) (*Store, *notes) {
	p.t.Helper()
	log := &notes{}
	s, err := Open(p.t.Context(), Options{Dir: p.t.TempDir(), Server: p.url(), Node: node, Log: log.logger()})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(s.Close)
	return s, log
}

// wantHealth waits until the store is up or down.
func wantHealth(t *testing.T, s *Store, up bool) bridge.Health {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for s.Health().Up != up {
		if !pause(ctx, 5*time.Millisecond) {
			t.Fatalf("health is %+v", s.Health())
		}
	}
	return s.Health()
}

func TestTheOperatorsNATSOutlivesUs(t *testing.T) {
	t.Parallel()
	p := newOperators(t)
	s, _ := p.open("gw-1.example")
	other, _ := p.open("gw-2")
	for i := range 3 {
		if _, err := s.Outbox.Append(t.Context(), fmt.Appendf(nil, "m%d", i+1)); err != nil {
			t.Fatal(err)
		}
	}
	s.Outbox.Delete(2)
	if got := contents(t, other); got != nil {
		t.Errorf("another node has %q", got)
	}
	s.Close()
	again, _ := p.open("gw-1.example")
	if got := fmt.Sprint(contents(t, again)); got != "[1=m1 3=m3]" {
		t.Errorf("found %s", got)
	}
	wantWorking(t, again)
}

func TestWhatTheOperatorsNATSCantPromiseIsSaid(t *testing.T) {
	t.Parallel()
	p := newOperators(t)
	s, log := p.open("gw")
	h := s.Health()
	if !h.Up || h.Adapter != "store" || !strings.Contains(h.Error, "GATEWAY_gw_OUTBOX has replicas = 1, not 3") ||
		!strings.Contains(h.Error, "sync_always") || !strings.Contains(h.Error, "GATEWAY_gw_LEDGER") {
		t.Errorf("health is %+v", h)
	}
	if strings.Contains(log.String()+h.Error, "sesame") {
		t.Error("the password is told")
	}
	for _, row := range []struct {
		name string
		c    jetstream.StreamConfig
		want string
	}{
		{"three replicas on disk", jetstream.StreamConfig{Replicas: 3}, ""},
		{"memory", jetstream.StreamConfig{Replicas: 3, Storage: jetstream.MemoryStorage}, "X is not on disk"},
		{"answers early", jetstream.StreamConfig{Replicas: 3, PersistMode: jetstream.AsyncPersistMode}, "X answers before it writes"},
	} {
		t.Run(row.name, func(t *testing.T) {
			row.c.Name = "X"
			if got := doubts(&jetstream.StreamInfo{Config: row.c}); got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
}

func TestALostConnectionRefusesUntilItIsBack(t *testing.T) {
	t.Parallel()
	p := newOperators(t)
	s, log := p.open("gw")
	first, err := s.Outbox.Append(t.Context(), []byte("before"))
	if err != nil {
		t.Fatal(err)
	}
	gone, err := s.Outbox.Append(t.Context(), []byte("to be deleted"))
	if err != nil {
		t.Fatal(err)
	}
	p.stop()
	if h := wantHealth(t, s, false); !strings.Contains(h.Error, "lost") {
		t.Errorf("health is %+v", h)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if seq, err := s.Outbox.Append(ctx, []byte("refused")); err == nil {
		t.Errorf("appended without a server, as %d", seq)
	}
	if err := s.Outbox.Delete(gone); err != nil {
		t.Errorf("delete: %v", err)
	}
	p.start()
	wantHealth(t, s, true)
	wantWorking(t, s)
	for len(contents(t, s)) != 1 {
		if !pause(t.Context(), 5*time.Millisecond) {
			t.Fatal("the deletion is not made up for")
		}
	}
	if got := contents(t, s); got[0] != fmt.Sprintf("%d=before", first) {
		t.Errorf("found %q", got)
	}
	for _, want := range []string{"store fails", "store works again"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %q in\n%s", want, log)
		}
	}
}

func TestAShortOutageIsWaitedFor(t *testing.T) {
	t.Parallel()
	p := newOperators(t)
	s, _ := p.open("gw")
	p.stop()
	wantHealth(t, s, false)
	result := make(chan error, 1)
	go func() {
		_, err := s.Outbox.Append(t.Context(), []byte("patient"))
		result <- err
	}()
	p.start()
	if err := <-result; err != nil {
		t.Errorf("refused: %v", err)
	}
	wantHealth(t, s, true)
	if got := contents(t, s); len(got) != 1 {
		t.Errorf("found %q", got)
	}
}

// TestARefusedRecordDoesNotStay has an append end without an answer though the
// record came to disk.
func TestARefusedRecordDoesNotStay(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	msg := &nats.Msg{Subject: "outbox", Data: []byte("refused"), Header: nats.Header{jetstream.MsgIDHeader: {"id"}}}
	if _, err := s.Outbox.js.PublishMsg(t.Context(), msg); err != nil {
		t.Fatal(err)
	}
	s.Outbox.later(0, msg)
	for contents(t, s) != nil {
		if !pause(t.Context(), 5*time.Millisecond) {
			t.Fatal("the record stays")
		}
	}
}

func TestAForeignStreamIsNotTouched(t *testing.T) {
	t.Parallel()
	p := newOperators(t)
	conn, err := nats.Connect(p.url().Reveal())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "GATEWAY_gw_LEDGER", Subjects: []string{"x"}}); err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), Options{Dir: t.TempDir(), Server: p.url(), Node: "gw", Log: (&notes{}).logger()})
	if err == nil || !strings.Contains(err.Error(), "does not take the subject") {
		t.Errorf("opened: %v", err)
	}
}

func TestNoServerNoStart(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", bridgetest.OwnHost()+":0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	server := bridge.Secret("nats://gate:open-sesame@" + l.Addr().String())
	_, err = Open(t.Context(), Options{Dir: t.TempDir(), Server: server, Node: "gw", Log: (&notes{}).logger()})
	if !errors.Is(err, nats.ErrNoServers) || strings.Contains(err.Error(), "sesame") {
		t.Errorf("opened: %v", err)
	}
}

func TestErrorsDontTellThePassword(t *testing.T) {
	t.Parallel()
	r := newRemote(Options{Server: "nats://user:p%20w@host:x, nats://tok@other"})
	for _, row := range []struct{ err, want string }{
		{"plain", "plain"},
		{`parse "nats://user:p%20w@host:x": bad port`, `parse "nats://***@host:x": bad port`},
		{"the password p%20w is bad", "NATS can't be reached"},
		{"at nats://tok@other", "at nats://***@other"},
	} {
		if got := r.mask(errors.New(row.err)).Error(); got != row.want {
			t.Errorf("got %q, want %q", got, row.want)
		}
	}
}
