package main

import (
	"context"
	"fmt"
	"slices"
	"time"
)

const (
	rounds = 5
	rate   = 200 // texts a second when they come one by one
	paced  = 600
	window = 64 // texts under way when they come as fast as they can
	rushed = 3000
)

// The names of the programs beside the gateway.
const (
	kamailioName = "Kamailio"
	floorName    = "floor"
)

// A path is a program between the two sides.
type path struct {
	name      string
	group     int // its process group
	phones    *sipEnd
	component string // the domain that users see the phones in
}

// A direction is who writes to whom.
type direction struct {
	name    string
	answers bool // the sender hears of each text
	send    func(*world, path, mark) error
}

var directions = [2]direction{
	{"SIP to XMPP", true, func(_ *world, p path, m mark) error {
		return p.phones.send(m, phone(m.number), user(m.number))
	}},
	{"XMPP to SIP", false, func(w *world, p path, m mark) error {
		return w.clients[m.number%pairs].send(m, phone(m.number)+"@"+p.component)
	}},
}

// A style is how the texts come.
type style struct {
	name            string
	n, rate, window int
}

var styles = [2]style{
	{fmt.Sprintf("%d a second", rate), paced, rate, 0},
	{fmt.Sprintf("as fast as they go, %d under way", window), rushed, 0, window},
}

// A table is what was measured of one program, by style and direction.
type table [len(styles)][len(directions)]samples

// texts is what was measured. Of Kamailio and of the floor there may be nothing; failed then
// says why, if Kamailio was there.
type texts struct {
	gateway, kamailio, floor table
	failed                   error
}

// of is the table of a program.
func (t *texts) of(p path) *table {
	switch p.name {
	case kamailioName:
		return &t.kamailio
	case floorName:
		return &t.floor
	default:
		return &t.gateway
	}
}

// measureTexts runs the rounds. k and f may be nil; they are ended.
func (w *world) measureTexts(ctx context.Context, k *kamailio, f *floor) (*texts, error) {
	group, err := groupOf("gateway/mapping.toml")
	if err != nil {
		return nil, err
	}
	paths := []path{{name: "gateway", group: group, phones: w.phones, component: component}}
	if k != nil {
		defer k.close()
		paths = append(paths, k.path())
	}
	if f != nil {
		defer f.close()
		paths = append(paths, f.path())
	}
	var t texts
	for round := -1; round < rounds; round++ { // the first is to warm up
		if err := w.round(ctx, max(round, 0), paths, &t, round >= 0); err != nil {
			return nil, err
		}
		if t.failed != nil {
			paths = slices.DeleteFunc(paths, func(p path) bool { return p.name == kamailioName })
		}
	}
	return &t, w.errors()
}

// round runs every load once through every program. They take turns to begin.
func (w *world) round(ctx context.Context, n int, paths []path, t *texts, counts bool) error {
	for s := range styles {
		for d := range directions {
			for i := range paths {
				p := paths[(i+n)%len(paths)]
				if p.name == kamailioName && t.failed != nil {
					continue
				}
				one, err := w.measure(ctx, p, styles[s], directions[d])
				switch {
				case err != nil && (p.name != kamailioName || ctx.Err() != nil):
					return fmt.Errorf("%s, %s, %s: %w", p.name, directions[d].name, styles[s].name, err)
				case err != nil:
					t.failed = fmt.Errorf("it failed at texts from %s, %s: %w", directions[d].name, styles[s].name, err)
					t.kamailio = table{}
				case counts:
					own := &t.of(p)[s][d]
					*own = append(*own, one)
				}
			}
		}
	}
	return nil
}

// errors says whether a client was told of an error.
func (w *world) errors() error {
	n := 0
	for _, c := range w.clients {
		n += int(c.errors.Load())
	}
	if n > 0 {
		return fmt.Errorf("clients got %d errors", n)
	}
	return nil
}

// measure runs one load.
func (w *world) measure(ctx context.Context, p path, s style, d direction) (sample, error) {
	l := w.newLoad(s.n, s.window, d.answers)
	var before, after [2]time.Duration
	if err := w.clocks(p, &before); err != nil {
		return sample{}, err
	}
	if err := l.run(ctx, s.rate, func(m mark) error { return d.send(w, p, m) }); err != nil {
		return sample{}, err
	}
	if err := w.clocks(p, &after); err != nil {
		return sample{}, err
	}
	return sample{
		texts: s.n, cpu: after[0] - before[0], server: after[1] - before[1], elapsed: l.elapsed, times: l.times(),
	}, nil
}

func (w *world) clocks(p path, c *[2]time.Duration) (err error) {
	if c[0], err = cpuTime(p.group); err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	if c[1], err = cpuTime(w.prosody); err != nil {
		return fmt.Errorf("clock of prosody: %w", err)
	}
	return nil
}
