package main

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

const (
	relayWarm = 500 * time.Millisecond
	relayTime = time.Second
	// relayTurn is how often calls come and go meanwhile, and relayShare which
	// part of them each time: three in a hundred every second.
	relayTurn  = 100 * time.Millisecond
	relayShare = 333
)

// A relaySize is how many calls there are at once, and how often that is measured: few calls more
// often, for few packets say less of the longest times.
type relaySize struct{ calls, rounds int }

var relaySizes = []relaySize{{50, 15}, {500, 9}, {1000, 9}}

// relayed is what one size cost ours and theirs, round by round.
type relayed struct {
	calls        int
	ours, theirs []passage
}

// relayCosts is what relaying RTP costs.
type relayCosts struct {
	sizes []relayed
	note  string // why there is no rtpengine
}

// measureRelay has calls relayed by our media process and by rtpengine. The two
// take turns.
func (w *world) measureRelay(ctx context.Context) (c relayCosts, err error) {
	dir, err := w.lab.Dir("relay")
	if err != nil {
		return c, err
	}
	awake, err := w.keepAwake(ctx)
	if err != nil {
		return c, err
	}
	defer awake()
	for _, size := range relaySizes {
		c.sizes = append(c.sizes, relayed{calls: size.calls})
	}
	for round := range relaySizes[0].rounds {
		for i, size := range relaySizes {
			if round >= size.rounds {
				continue
			}
			s := &c.sizes[i]
			turns := []func() error{
				func() error { return s.roundOfOurs(ctx, dir) },
				func() (err error) { c.note, err = s.roundOfTheirs(ctx, dir); return err },
			}
			if round%2 != 0 { // each is first as often as the other
				slices.Reverse(turns)
			}
			for _, turn := range turns {
				if err := turn(); err != nil {
					return c, err
				}
			}
		}
	}
	return c, nil
}

func (s *relayed) roundOfOurs(ctx context.Context, dir string) error {
	o, err := newOurs()
	if err != nil {
		return fmt.Errorf("media process: %w", err)
	}
	p, err := relayRound(ctx, dir, o, s.calls)
	if err != nil {
		return fmt.Errorf("relay of %d calls: %w", s.calls, err)
	}
	s.ours = append(s.ours, p)
	return nil
}

// roundOfTheirs does nothing where there is no rtpengine, and says why.
func (s *relayed) roundOfTheirs(ctx context.Context, dir string) (note string, err error) {
	r, note, err := startRTPEngine(ctx, dir)
	if r == nil {
		return note, err
	}
	p, err := relayRound(ctx, dir, r, s.calls)
	if err != nil {
		return "", fmt.Errorf("rtpengine with %d calls: %w", s.calls, err)
	}
	s.theirs = append(s.theirs, p)
	return "", nil
}

// relayRound relays so many calls, and closes the carrier.
func relayRound(ctx context.Context, dir string, c carrier, calls int) (p passage, err error) {
	defer c.close()
	g, err := newGenerator(ctx, dir)
	if err != nil {
		return p, err
	}
	defer g.close()
	atOnce := prefer(c.pid()) && preferMost(g.cmd.Process.Pid)
	s := &switchboard{carrier: c, generator: g}
	// The first call makes the relay get what it needs once.
	if err := s.begin(0); err != nil {
		return p, err
	}
	before, err := resident(c.pid())
	if err != nil {
		return p, err
	}
	for slot := 1; slot < calls; slot++ {
		if err := s.begin(slot); err != nil {
			return p, err
		}
	}
	if err := s.turn(ctx, relayWarm); err != nil {
		return p, err
	}
	after, err := resident(c.pid())
	if err != nil {
		return p, err
	}
	start, err := threadTime(c.pid())
	if err != nil {
		return p, err
	}
	if err := g.do("measure"); err != nil {
		return p, err
	}
	if err := s.turn(ctx, relayTime); err != nil {
		return p, err
	}
	end, err := threadTime(c.pid())
	if err != nil {
		return p, err
	}
	if p, err = g.report(); err != nil {
		return p, err
	}
	if p.received == 0 {
		return p, fmt.Errorf("of %d packets none has come through", p.sent)
	}
	p.cpu, p.memory, p.memoryCalls, p.preferred = end-start, after-before, calls-1, atOnce
	return p, nil
}

// prefer has the threads of a process run before those of others, if we may:
// what else the machine does would else be in all times. It says whether we may.
func prefer(pid int) bool { return schedule(pid, unix.SCHED_RR, 1) }

// preferMost has a process run before all of those, and on one CPU: a relay that has to do
// with it is then never waited for by it, and does not count what it waits.
func preferMost(pid int) bool {
	if runtime.NumCPU() > 1 {
		var one unix.CPUSet
		one.Set(0)
		if unix.SchedSetaffinity(pid, &one) != nil {
			return false
		}
	}
	return schedule(pid, unix.SCHED_RR, 2)
}

// unprefer takes that back.
func unprefer(pid int) bool { return schedule(pid, unix.SCHED_NORMAL, 0) }

func schedule(pid int, policy, priority uint32) bool {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
	if err != nil || len(files) == 0 {
		return false
	}
	attr := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: policy, Priority: priority}
	for _, f := range files {
		thread, err := strconv.Atoi(filepath.Base(f))
		if err != nil || unix.SchedSetAttr(thread, &attr, 0) != nil {
			return false
		}
	}
	return true
}

// A switchboard has calls come and go: each has a slot at the generator.
type switchboard struct {
	carrier   carrier
	generator *generator
	ids       []int // of the calls in the slots
	next      int   // id
	oldest    int   // slot
}

func (s *switchboard) begin(slot int) error {
	id := s.next
	s.next++
	var at [2]netip.AddrPort
	for side := range at {
		at[side] = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), s.generator.ports[side][slot%generatorSockets])
	}
	a, b, err := s.carrier.begin(id, at[0], at[1])
	if err != nil {
		return err
	}
	if slot == len(s.ids) {
		s.ids = append(s.ids, id)
	}
	s.ids[slot] = id
	return s.generator.do("+ %d %d %d", slot, a, b)
}

// turn has the oldest calls end and others begin in their place for d. What of them is
// under way when they end is given a moment.
func (s *switchboard) turn(ctx context.Context, d time.Duration) error {
	each := max(1, len(s.ids)/relayShare)
	for range d / relayTurn {
		first := s.oldest
		for i := range each {
			if err := s.generator.do("- %d", (first+i)%len(s.ids)); err != nil {
				return err
			}
		}
		if err := pause(ctx, relayTurn); err != nil {
			return err
		}
		for i := range each {
			slot := (first + i) % len(s.ids)
			if err := s.carrier.end(s.ids[slot]); err != nil {
				return err
			}
			if err := s.begin(slot); err != nil {
				return err
			}
		}
		s.oldest = (first + each) % len(s.ids)
	}
	return nil
}
