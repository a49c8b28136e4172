package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"gateway/internal/peer"
)

// An oscSize is a number of users in groups of so many, and how often each asks.
type oscSize struct {
	name          string
	users, inEach int
	asks          int // by each user
}

var oscSizes = []oscSize{
	{"100 users in groups of 8", 100, 8, 100},
	{"1000 users in groups of 8", 1000, 8, 10},
	{"1000 users in one group", 1000, 1000, 2},
}

const (
	oscAskers  = 16                     // who ask at once
	oscPatient = 500 * time.Millisecond // then an ask has no answer
	oscHosts   = 200                    // of the lab, that the users are at
	// oscMeetings is how often users ask until they can be told all.
	oscMeetings = 4
)

// registered is what the words of so many users cost the server.
type registered struct {
	name            string
	asked, answered int     // whole: with every member of the group
	bytes           float64 // of an answer
	cpu, elapsed    time.Duration
}

// An oscAsker is a user of the server.
type oscAsker struct {
	conn    *net.UDPConn
	server  netip.AddrPort
	word    []byte // that it is there, and the question who else is
	ping    []byte
	members int // of its group
}

// measureUsers has users ask, each when the one before has been answered.
func (w *world) measureUsers(ctx context.Context, s oscSize) (r registered, err error) {
	name := fmt.Sprintf("oscserver-%d-%d", s.users, s.inEach)
	p, err := peer.StartPlainGateway(ctx, w.lab, w.binary, name, fmt.Sprintf("[osc.jam]\nlisten = [\"udp:%s\"]\nmax_users = 1000\nmax_groups = 200\n",
		w.lab.At(peer.GatewayHost, oscPort)), "jam")
	if err != nil {
		return r, err
	}
	defer p.Stop()
	group, err := groupOf(name + "/mapping.toml")
	if err != nil {
		return r, err
	}
	users, err := w.openUsers(s)
	defer func() {
		for _, u := range users {
			u.conn.Close()
		}
	}()
	if err != nil {
		return r, err
	}
	// At first the server does not know that they are where they say: they are
	// told whole groups when they have pinged where it told them to.
	askAll(users, oscMeetings, false)
	if r = askAll(users, 1, true); r.answered < s.users {
		return r, fmt.Errorf("of %d users %d were told of all the others", s.users, r.answered)
	}
	before, err := cpuTime(group)
	if err != nil {
		return r, err
	}
	r = askAll(users, s.asks, true)
	after, err := cpuTime(group)
	r.name, r.cpu = s.name, after-before
	return r, err
}

// openUsers makes the users.
func (w *world) openUsers(s oscSize) ([]oscAsker, error) {
	var all []oscAsker
	for i := range s.users {
		group := i / s.inEach
		u, err := newOSCAsker(w.lab.Host(oscEndsAt+i%oscHosts), w.lab.At(peer.GatewayHost, oscPort), fmt.Sprintf("g%d", group), fmt.Sprintf("user%d", i))
		if err != nil {
			return all, err
		}
		u.members = min(s.inEach, s.users-group*s.inEach)
		all = append(all, u)
	}
	return all, nil
}

// newOSCAsker makes one at host, who asks the address server.
func newOSCAsker(host, server, group, name string) (u oscAsker, err error) {
	to, err := net.ResolveUDPAddr("udp4", server)
	if err != nil {
		return u, fmt.Errorf("osc user: %w", err)
	}
	if u.conn, err = peer.ListenOSC(net.JoinHostPort(host, "0")); err != nil {
		return u, err
	}
	u.server = to.AddrPort()
	u.ping = peer.OSCBundle(peer.OSCMessage{Address: "/groupclient/ping", Args: []any{name}})
	u.word = oscAlive(group, name, netip.MustParseAddrPort(u.conn.LocalAddr().String()))
	return u, nil
}

// askAll has every user ask n times who is in its group, and wait, if whole is
// set, for all of them.
func askAll(users []oscAsker, n int, whole bool) (r registered) {
	var wg sync.WaitGroup
	var answered, size atomic.Int64
	begin := time.Now()
	for i := range oscAskers {
		wg.Go(func() {
			buf := make([]byte, 1<<16)
			for range n {
				for j := i; j < len(users); j += oscAskers {
					if bytes, ok := users[j].ask(buf, whole); ok {
						answered.Add(1)
						size.Add(int64(bytes))
					}
				}
			}
		})
	}
	wg.Wait()
	r.asked, r.answered, r.elapsed = n*len(users), int(answered.Load()), time.Since(begin)
	r.bytes = float64(size.Load()) / float64(max(r.answered, 1))
	return r
}

// ask asks, pings what it is told to if that is the server's own, and gives the
// size of what has come when it has been answered; whole, when it has been told
// of all members.
func (u oscAsker) ask(buf []byte, whole bool) (size int, ok bool) {
	if _, err := u.conn.WriteToUDPAddrPort(u.word, u.server); err != nil {
		return 0, false
	}
	if err := u.conn.SetReadDeadline(time.Now().Add(oscPatient)); err != nil {
		return 0, false
	}
	for told := 0; !ok || whole && told < u.members; {
		n, from, err := u.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return size, false
		}
		answer := buf[:n]
		size += n
		told += bytes.Count(answer, []byte("/groupclient/user_info\x00"))
		ok = ok || bytes.Contains(answer, []byte("/groupclient/user_alive_status\x00"))
		if !whole {
			u.pingServer(answer, from)
		}
	}
	return size, true
}

// pingServer pings the first endpoint in an answer of the server at from that is
// one of its own.
func (u oscAsker) pingServer(answer []byte, from netip.AddrPort) {
	messages, err := peer.ParseOSC(answer)
	if err != nil {
		return // the next answer may be one
	}
	for _, m := range messages {
		if info, ok := peer.ParseOSCUser(m); ok && info.Private.Addr() == from.Addr() {
			_, _ = u.conn.WriteToUDPAddrPort(u.ping, info.Private) // lost, as on the way
			return
		}
	}
}
