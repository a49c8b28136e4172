package app

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"gateway/bridge"
	"gateway/bridge/bridgetest"
)

// storeHealth gets /healthz and gives the entry of the store.
func storeHealth(t *testing.T, addr string) (status int, store bridge.Health) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/healthz", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var page struct{ Adapters []bridge.Health }
	if err := json.NewDecoder(resp.Body).Decode(&page); err != nil {
		t.Fatal(err)
	}
	for _, a := range page.Adapters {
		if a.Adapter == "store" {
			return resp.StatusCode, a
		}
	}
	t.Fatalf("no store among %+v", page.Adapters)
	return 0, bridge.Health{}
}

// freeAddr is an address of the loopback where nobody listens.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", bridgetest.OwnHost()+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestTheOutboxIsOnTheOperatorsNATS(t *testing.T) {
	t.Parallel()
	srv, err := server.NewServer(&server.Options{
		Host: bridgetest.OwnHost(), Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(),
		Username: "gate", Password: "open-sesame", NoLog: true, NoSigs: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	if !srv.ReadyForConnections(time.Minute) {
		t.Fatal("the operator's server is not ready")
	}
	down := func() { srv.Shutdown(); srv.WaitForShutdown() }
	t.Cleanup(down)
	addr := freeAddr(t)
	p := newProgram(t, strings.Replace(twoAdapters, `state = "state"`,
		"state = \"state\"\nhttp = \""+addr+"\"\nstore = \"nats://gate:open-sesame@"+srv.Addr().String()+"\"", 1)+everybody)
	left, right := p.start()
	right.SetUp(false)
	if o, err := say(t, left, "bob", "ray", "hello"); err != nil || o != bridge.Stored {
		t.Fatalf("got %v, %v", o, err)
	}
	if _, h := storeHealth(t, addr); !h.Up || !strings.Contains(h.Error, "GATEWAY_test_OUTBOX has replicas = 1") {
		t.Errorf("health is %+v", h)
	}
	p.end(syscall.SIGINT, ExitOK)
	left, right = p.start()
	if m := hear(t, right); m.Body() != "hello" {
		t.Errorf("%q came", m.Body())
	}
	down()
	p.waitLog("store fails")
	if status, h := storeHealth(t, addr); h.Up || status != http.StatusServiceUnavailable {
		t.Errorf("status %d, health %+v", status, h)
	}
	right.SetUp(false)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if o, err := left.Say(ctx, "bob", "ray", "lost", "lost"); err == nil {
		t.Errorf("without a store the message is %v", o)
	}
	p.end(syscall.SIGINT, ExitOK)
	if strings.Contains(p.log.String(), "sesame") {
		t.Error("the password is told")
	}
}
