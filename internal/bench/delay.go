package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"gateway/internal/peer"
)

const (
	delayCalls = 100
	delayHost  = 8 // of the lab: the gateway between the two kinds of ends
	// delayWarm is until the jitter buffers have come down from what they begin with to what
	// the arrivals ask for; they do so by a hundredth of a packet with each.
	delayWarm = 8 * time.Second
	delayTime = 6 * time.Second
	// delayFrame and delayBuffer are the floor: a packet's sound, and the least that a jitter
	// buffer holds back (bridge/media/convert).
	delayFrame  = 20 * time.Millisecond
	delayBuffer = 10 * time.Millisecond
	aimDelay    = 5 * time.Millisecond // above it, of all but one in a hundred
	levelDelay  = 2 * time.Millisecond
	delayLeast  = 0.95 // part of what was sent that has to arrive
)

// A delayed is one way: how long after its sending each arrived.
type delayed struct {
	sent  int
	times []time.Duration
}

// delayCosts are both ways, what is not the gateway's in them, and whether the gateway and the ends
// ran before other processes.
type delayCosts struct {
	in, back  delayed
	ends      lateness
	preferred bool
}

// A delayLog is what two ends tell of one way. It is for any goroutine.
type delayLog struct {
	mu   sync.Mutex // guards what follows
	from time.Time  // what is sent earlier does not count
	way  byte       // which of the two it is: what comes back to its sender is none of it
	sent [delayCalls]map[uint16]time.Time
	all  delayed
}

func newDelayLog(from time.Time, way byte) *delayLog {
	l := &delayLog{from: from, way: way}
	for i := range l.sent {
		l.sent[i] = map[uint16]time.Time{}
	}
	return l
}

func (l *delayLog) sends(call int, n uint16, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.After(l.from) {
		l.sent[call][n] = now
		l.all.sent++
	}
}

func (l *delayLog) arrives(call int, payload []byte, now time.Time) {
	n, ok := numberIn(payload, l.way)
	if !ok {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if at, ok := l.sent[call][n]; ok {
		delete(l.sent[call], n)
		l.all.times = append(l.all.times, now.Sub(at))
	}
}

func (l *delayLog) result() (delayed, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.all.times); n == 0 || float64(n) < delayLeast*float64(l.all.sent) {
		return l.all, fmt.Errorf("%d of %d arrived", n, l.all.sent)
	}
	return l.all, nil
}

// The two ways.
const (
	wayIn   = 0x5a
	wayBack = 0x5b
)

// numbered is 20 ms of G.711 with a number in it.
func numbered(n uint16, way byte) []byte {
	b := make([]byte, 160)
	for i := range b {
		b[i] = 0xff
	}
	copy(b, []byte{0xd5, way, byte(n >> 8), byte(n)})
	return b
}

func numberIn(b []byte, way byte) (uint16, bool) {
	if len(b) < 4 || b[0] != 0xd5 || b[1] != way {
		return 0, false
	}
	return uint16(b[2])<<8 | uint16(b[3]), true
}

// startDelayGateway starts a gateway between phones and accounts that publish and play.
func (w *world) startDelayGateway(ctx context.Context) (end func(), err error) {
	var accounts []string
	for i := range delayCalls {
		accounts = append(accounts, fmt.Sprintf("%s = { password = %q }", account(i), secret))
	}
	mapping := fmt.Sprintf(callsTable+`[sip.pbx]
listen = ["udp:%s"]
domain = "gw.example"
peer   = "sip:%s"

[rtmp.flash]
listen   = ["rtmp:%s"]
max_per_address = 1000
accounts = { %s }

[[map]]
home = "pbx:{ext:1[0-9]{3}}"
as   = { flash = "{ext}" }

[[map]]
home = "flash:{user:a[0-9]+}"
as   = { pbx = "{user}" }
`,
		w.lab.At(delayHost, peer.HTTPPort), w.lab.At(delayHost, peer.SIPPort), w.lab.At(delayHost, calledPort),
		w.lab.At(delayHost, peer.RTMPPort), strings.Join(accounts, ", "))
	g, err := peer.StartGateway(ctx, w.lab, w.binary, "delay", w.lab.At(delayHost, peer.HTTPPort), mapping)
	if err != nil {
		return nil, err
	}
	if _, err := g.WaitHealth(ctx, 200); err != nil {
		g.Kill()
		return nil, err
	}
	return g.Stop, nil
}

func account(i int) string { return fmt.Sprintf("a%03d", i) }

// measureDelay has a hundred calls between RTMP and SIP, both ways at once.
func (w *world) measureDelay(ctx context.Context) (c delayCosts, err error) {
	start := time.Now().Add(delayWarm)
	toPhones, toClients := newDelayLog(start, wayIn), newDelayLog(start, wayBack)
	phones, err := newAnswering(w.lab.At(delayHost, calledPort), toPhones)
	if err != nil {
		return c, err
	}
	defer phones.close()
	end, err := w.startDelayGateway(ctx)
	if err != nil {
		return c, err
	}
	defer end()
	var clients []*publisher
	defer func() {
		for _, c := range clients {
			c.close()
		}
	}()
	for i := range delayCalls {
		p, err := newPublisher(ctx, w.lab.At(delayHost, peer.RTMPPort), i, toClients)
		if err != nil {
			return c, fmt.Errorf("client %d: %w", i, err)
		}
		clients = append(clients, p)
		if err := phones.talks(ctx, i); err != nil {
			return c, err
		}
		if err := p.hear(ctx); err != nil {
			return c, fmt.Errorf("client %d: %w", i, err)
		}
	}
	// The time to set all of them up does not count as time to warm up.
	start = time.Now().Add(delayWarm)
	for _, l := range []*delayLog{toPhones, toClients} {
		l.mu.Lock()
		l.from = start
		l.mu.Unlock()
	}
	if c.preferred, err = preferDelay(); err != nil {
		return c, err
	}
	defer unprefer(os.Getpid())
	if err := talk(ctx, clients, phones, toPhones, toClients, &c.ends); err != nil {
		return c, err
	}
	c.ends.read = phones.late.times()
	if c.in, err = toPhones.result(); err != nil {
		return c, fmt.Errorf("messages to packets: %w", err)
	}
	if c.back, err = toClients.result(); err != nil {
		return c, fmt.Errorf("packets to messages: %w", err)
	}
	return c, nil
}

// preferDelay has the gateway and both ends, which are us, run before other processes, if we may:
// what else the machine does would be jitter, and the buffers would hold back for that.
func preferDelay() (preferred bool, err error) {
	group, err := groupOf("delay/mapping.toml")
	if err != nil {
		return false, err
	}
	all, err := members(group)
	if err != nil {
		return false, err
	}
	preferred = true
	for _, pid := range append(all, os.Getpid()) {
		preferred = prefer(pid) && preferred
	}
	return preferred, nil
}

// talk has both ends of all calls talk, spread over the time of a packet, and notes how late they do.
func talk(ctx context.Context, clients []*publisher, phones *answering, toPhones, toClients *delayLog, late *lateness) error {
	var wg sync.WaitGroup
	failed := make([]error, len(clients))
	var said lateLog
	taken, err := stolen()
	if err != nil {
		return err
	}
	for i, c := range clients {
		wg.Go(func() {
			next := time.Now().Add(delayFrame * time.Duration(i) / delayCalls)
			for n := range uint16((delayWarm + delayTime) / delayFrame) {
				if failed[i] = pause(ctx, time.Until(next)); failed[i] != nil {
					return
				}
				if time.Duration(n)*delayFrame >= delayWarm {
					said.add(time.Since(next))
				}
				next = next.Add(delayFrame)
				toPhones.sends(i, n, time.Now())
				err := c.say(n)
				toClients.sends(i, n, time.Now())
				if failed[i] = errors.Join(err, phones.say(i, n)); failed[i] != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	if err := errors.Join(failed...); err != nil {
		return err
	}
	late.said = said.times()
	now, err := stolen()
	if err != nil {
		return err
	}
	late.stolen = now - taken
	return pause(ctx, 10*delayFrame) // for the last to arrive
}

func printDelay(out io.Writer, c delayCosts) {
	fmt.Fprintf(out, `
Delay: %d calls between RTMP and SIP at once, messages and packets of %d ms, in G.711, from the
beginning of a message's sound until its packet arrives, and back; the floor is the
frame of %d ms and the least jitter buffer of %d ms

`, delayCalls, delayFrame.Milliseconds(), delayFrame.Milliseconds(), delayBuffer.Milliseconds())
	floor := delayFrame + delayBuffer
	for _, row := range []struct {
		name string
		d    delayed
	}{{"RTMP in, RTP out", c.in}, {"RTP in, RTMP out", c.back}} {
		p50, p99 := quantile(row.d.times, 0.5)+delayFrame, quantile(row.d.times, 0.99)+delayFrame
		verdict := "missed"
		switch above := p99 - floor; {
		case above <= levelDelay:
			verdict = "level"
		case above <= aimDelay:
			verdict = "met"
		}
		fmt.Fprintf(out, "  %-18s p50 %5.1f ms  p99 %5.1f ms  above the floor %4.1f and %4.1f ms  %s\n", row.name,
			1e3*p50.Seconds(), 1e3*p99.Seconds(), 1e3*(p50-floor).Seconds(), 1e3*(p99-floor).Seconds(), verdict)
	}
	c.ends.print(out)
	if !c.preferred {
		fmt.Fprintln(out, "\nThe gateway and the ends could not run before other processes: what these did is jitter, which the buffers follow.")
	}
	fmt.Fprintf(out, "\nThe aim: p99 at most %d ms above the floor.\n", aimDelay.Milliseconds())
}

// delays measures how late sound comes between RTMP and SIP.
func delays(ctx context.Context, w *world, out io.Writer) error {
	c, err := w.measureDelay(ctx)
	if err != nil {
		return fmt.Errorf("delay: %w", err)
	}
	printDelay(out, c)
	return nil
}
