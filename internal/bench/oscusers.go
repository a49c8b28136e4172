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

	"golang.org/x/sys/unix"

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
	// oscMeetings is how often users ask until they can be told all: who is there
	// first is told of others, and of a port to ping, when those have come. All of them have
	// asked before one asks again, or somebody quick would be done while nobody else is there.
	oscMeetings = 3
	// What the server gives one address: so much at once, then so many bytes a
	// second. A client asks once in 6 s, which is less; we ask more often.
	oscBurst = 256 << 10
	oscRate  = 32 << 10
	oscInfo  = 80 // bytes that a member takes in an answer, at most
)

// answers is how many a user is given in all: when it has proved where it is, when
// it meets the others, once to see that it is told of all, and what is measured.
func (s oscSize) answers() int { return 1 + oscMeetings + 1 + s.asks }

// refill is how long the server needs to give each user n answers, where it does
// not give all of them at once.
func (s oscSize) refill(n int) time.Duration {
	if s.answers()*s.inEach*oscInfo <= oscBurst {
		return 0
	}
	return time.Duration(n*s.inEach*oscInfo) * time.Second / oscRate
}

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
	if err = meetAll(ctx, users); err != nil {
		return r, err
	}
	if err = pause(ctx, s.refill(oscMeetings+1)); err != nil {
		return r, err
	}
	if r, err = askAll(ctx, users, 1, true); err == nil && r.answered < s.users {
		err = fmt.Errorf("of %d users %d were told of all the others", s.users, r.answered)
	}
	if err != nil {
		return r, err
	}
	if err = pause(ctx, s.refill(s.asks)); err != nil {
		return r, err
	}
	before, err := cpuTime(group)
	if err != nil {
		return r, err
	}
	if r, err = askAll(ctx, users, s.asks, true); err != nil {
		return r, err
	}
	after, err := cpuTime(group)
	r.name, r.cpu = s.name, after-before
	return r, err
}

// meetAll has the users meet. At first the server does not know that they are where they
// say: they are told whole groups when they have pinged where it told them to. Nobody
// asks again before all have asked: who had asked for the last time before others came
// would never hear of a port, and what it had saved by then would do for a few whole
// answers and no more.
func meetAll(ctx context.Context, users []oscAsker) error {
	for range oscMeetings {
		if _, err := askAll(ctx, users, 1, false); err != nil {
			return err
		}
	}
	return nil
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
	if err = holdMuch(u.conn); err != nil {
		u.conn.Close()
		return u, err
	}
	u.server = to.AddrPort()
	u.ping = peer.OSCBundle(peer.OSCMessage{Address: "/groupclient/ping", Args: []any{name}})
	u.word = oscAlive(group, name, netip.MustParseAddrPort(u.conn.LocalAddr().String()))
	return u, nil
}

// askAll has every user ask n times who is in its group, and wait, if whole is
// set, for all of them.
func askAll(ctx context.Context, users []oscAsker, n int, whole bool) (r registered, err error) {
	var wg sync.WaitGroup
	var answered, size atomic.Int64
	begin := time.Now()
	for i := range oscAskers {
		wg.Go(func() {
			buf := make([]byte, 1<<16)
			for range n {
				for j := i; j < len(users) && ctx.Err() == nil; j += oscAskers {
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
	return r, context.Cause(ctx)
}

// ask asks, pings what it is told to if that is the server's own, and gives the
// size of what has come when it has been answered; whole, when it has been told
// of all members.
func (u oscAsker) ask(buf []byte, whole bool) (size int, ok bool) {
	if whole {
		u.drain(buf)
	}
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

// drain forgets what has come before: the rest of another answer, and news of those
// who came later.
func (u oscAsker) drain(buf []byte) {
	raw, err := u.conn.SyscallConn()
	if err != nil {
		return // reading tells
	}
	_ = raw.Control(func(fd uintptr) {
		for err := error(nil); err == nil; {
			_, _, err = unix.Recvfrom(int(fd), buf, unix.MSG_DONTWAIT)
		}
	})
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
