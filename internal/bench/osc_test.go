package main

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"gateway/internal/peer"
)

func TestMarkedMessagesAreKnownByTheirLoad(t *testing.T) {
	t.Parallel()
	mark := oscMark(7, 300)
	for _, row := range []struct {
		name   string
		packet []byte
		load   int
		number int
		ok     bool
	}{
		{"one of a load", mark, 7, 300, true},
		{"a ping", peer.OSCBundle(peer.OSCMessage{Address: "/groupclient/ping", Args: []any{"player"}}), 0, 0, false},
		{"one that is cut off", mark[:31], 0, 0, false},
		{"nothing", nil, 0, 0, false},
	} {
		if load, n, ok := marked(row.packet); load != row.load || n != row.number || ok != row.ok {
			t.Errorf("%s: load %d, number %d, %v", row.name, load, n, ok)
		}
	}
	if len(mark) != 32 {
		t.Errorf("a message has %d bytes", len(mark))
	}
}

func FuzzMarkedMessage(f *testing.F) {
	f.Add(oscMark(1, 2))
	f.Add([]byte("/bench/mark\x00,iii"))
	f.Fuzz(func(t *testing.T, packet []byte) {
		if load, n, ok := marked(packet); ok && (load < 0 || n < 0 || len(packet) != 32) {
			t.Errorf("load %d, number %d", load, n)
		}
	})
}

func TestCostsOfGroupsAreToldByTheirRatios(t *testing.T) {
	t.Parallel()
	f := fanned{others: 7}
	for r := range fanRates {
		f.gateway[r] = []fanSample{{sent: 10_000, cpu: 80 * time.Millisecond, lost: 0.005, took: []time.Duration{time.Millisecond, 3 * time.Millisecond}}}
		f.loop[r] = []fanSample{{sent: 10_000, cpu: 100 * time.Millisecond}}
	}
	users := registered{name: "100 users", asked: 10, answered: 9, bytes: 900, cpu: time.Millisecond, elapsed: time.Second}
	var b strings.Builder
	printOSC(&b, oscCosts{fans: []fanned{f}, users: []registered{users}})
	told := strings.Join(strings.Fields(b.String()), " ")
	for _, want := range []string{
		"To 7 of the others, 10000 messages a second", "100,000, gateway 0.80", "100,000, plain loop 1.00",
		"gateway / plain loop 0.80 (0.80...0.80) level", "gateway 0.50 (0.50...0.50) missed", "gateway 0.50 (0.50...0.50) met",
		"100 users, per CPU second", "9000 (9 answered of 10 in 1.0 s, 900 bytes each)",
		"p50 / p99, gateway 3000 / 3000 us", "p50 / p99, plain loop none",
	} {
		if !strings.Contains(told, want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}

func TestUsersWhoAreNotAnsweredAreCounted(t *testing.T) {
	t.Parallel()
	conn, err := peer.ListenOSC("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := peer.ServeOSC(conn)
	defer server.Close()
	var users []oscAsker
	for _, to := range []string{server.Addr().String(), "127.0.0.1:1"} {
		u, err := newOSCAsker("127.0.0.1", to, "g", to)
		if err != nil {
			t.Fatal(err)
		}
		defer u.conn.Close()
		u.members = 1
		users = append(users, u)
	}
	if r, err := askAll(t.Context(), users, 3, true); err != nil || r.asked != 6 || r.answered != 3 || r.bytes == 0 {
		t.Errorf("%+v, %v", r, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if r, err := askAll(ended, users, 3, true); err == nil || r.answered != 0 {
		t.Errorf("%+v, %v, when there is no time left", r, err)
	}
}

// One user's first question has no answer, so another's of the same asker comes late: the
// others wait for it.
func TestNobodyAsksAgainBeforeAllHaveAsked(t *testing.T) {
	t.Parallel()
	conn, err := peer.ListenOSC("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	users := make([]oscAsker, oscAskers+1)
	asked := map[netip.AddrPort]int{}
	early := 0
	served := make(chan struct{})
	answer := peer.OSCBundle(peer.OSCMessage{Address: "/groupclient/user_alive_status", Args: []any{"u", "h", "ok"}})
	for i := range users {
		if users[i], err = newOSCAsker("127.0.0.1", conn.LocalAddr().String(), "g", "u"); err != nil {
			t.Fatal(err)
		}
		defer users[i].conn.Close()
	}
	silent := netip.MustParseAddrPort(users[0].conn.LocalAddr().String())
	go func() {
		defer close(served)
		for buf := make([]byte, 4096); ; {
			_, from, err := conn.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			if asked[from]++; asked[from] == 2 && len(asked) < len(users) {
				early++
			}
			if from != silent || asked[from] > 1 {
				_, _ = conn.WriteToUDPAddrPort(answer, from) // lost, as on the way
			}
		}
	}()
	err = meetAll(t.Context(), users)
	conn.Close()
	<-served
	if err != nil || early > 0 || len(asked) != len(users) {
		t.Errorf("%v; %d users of %d asked, and %d again before all had", err, len(asked), len(users), early)
	}
}

func TestUsersAskNoMoreThanTheyAreGiven(t *testing.T) {
	t.Parallel()
	for _, s := range oscSizes {
		given := oscBurst + (s.refill(oscMeetings+1)+s.refill(s.asks)).Seconds()*oscRate
		if asked := float64(s.answers() * s.inEach * oscInfo); asked > given {
			t.Errorf("%s: %.0f bytes are asked for, %.0f given", s.name, asked, given)
		}
	}
}
