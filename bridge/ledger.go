package bridge

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// How long the ledger remembers, and how much.
const (
	repeatTime  = 10 * time.Minute   // for a repeat of a message to be known as one
	receiptTime = 7 * 24 * time.Hour // for a receipt to find its way back
	maxEntries  = 100_000
)

// A passed is what the ledger keeps of a copy that has been handed on: enough
// to know a repeat of the message, and whom a receipt goes to.
type passed struct {
	ID    string    `json:"id"` // Message.ID of the copy
	Group groupInfo `json:"group"`
	Home  Address   `json:"home"`
	At    time.Time `json:"at"`
	// Outcome is that of a copy that is over; 0 for one that was relayed and
	// may still bounce.
	Outcome Outcome `json:"outcome,omitempty"`
}

// A told is the record that a receipt has gone back.
type told struct {
	Group string    `json:"group"`
	Kind  Kind      `json:"kind"`
	At    time.Time `json:"at"`
}

// A page is one record of the ledger on disk: one or the other.
type page struct {
	Copy *passed `json:"copy,omitempty"`
	Told *told   `json:"told,omitempty"`
}

func (p page) encode() ([]byte, error) {
	if p.Copy != nil && p.Told == nil {
		b, err := p.Copy.pack(make([]byte, 0, p.Copy.Group.size()))
		if err == nil {
			return b, nil
		}
	}
	return json.Marshal(p)
}

func decodePage(b []byte) (page, error) {
	if packed(b, packCopy) {
		return unpackPage(b)
	}
	var p page
	err := json.Unmarshal(b, &p)
	return p, err
}

// A ledger remembers what was handed on. It is in memory, and on disk for the
// next start.
type ledger struct {
	log  *slog.Logger
	disk Log
	bare func(Address) (Address, error) // the party that an address is one device of

	mu     sync.Mutex // guards what follows: lanes and adapters ask
	copies map[string]*passed
	order  []string // IDs of copies, the oldest first
	groups map[string]*group
	told   map[string]map[Kind]bool
	// arrived are the groups of which a copy is known to be with its recipient.
	arrived map[string]bool
	size    map[string]int // how many copies of a group there are
}

func newLedger(log *slog.Logger, disk Log, bare func(Address) (Address, error)) *ledger {
	return &ledger{
		log: log, disk: disk, bare: bare, copies: map[string]*passed{}, groups: map[string]*group{}, told: map[string]map[Kind]bool{},
		arrived: map[string]bool{}, size: map[string]int{},
	}
}

// restore reads what the disk remembers.
func (l *ledger) restore(ctx context.Context) error {
	now := time.Now()
	return l.disk.Replay(ctx, func(seq uint64, data []byte) error {
		p, err := decodePage(data)
		if err != nil {
			l.log.Error("ledger record dropped: it can't be read", "seq", seq, "err", err)
			return l.disk.Delete(seq)
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if p.Told != nil {
			l.tell(p.Told.Group, p.Told.Kind)
			l.arrived[p.Told.Group] = l.arrived[p.Told.Group] || p.Told.Kind != Failed
		}
		if p.Copy != nil {
			l.recall(p.Copy, now)
		}
		return nil
	})
}

// recall takes a copy from the disk. For callers that hold mu.
func (l *ledger) recall(e *passed, now time.Time) {
	if e.At.After(now) {
		e.At = now // the clock was set back: it must not be kept until then
	}
	l.add(e)
	if now.Sub(e.At) < repeatTime && l.groups[e.Group.ID] == nil {
		g := restoredGroup(e.Group)
		g.outcome, g.at = Taken, e.At
		l.groups[e.Group.ID] = g
	}
}

// add is for callers that hold mu.
func (l *ledger) add(e *passed) {
	if l.copies[e.ID] == nil {
		l.order = append(l.order, e.ID)
		l.size[e.Group.ID]++
	}
	l.copies[e.ID] = e
	for len(l.order) > maxEntries {
		l.forgetOldest()
	}
}

// forgetOldest is for callers that hold mu.
func (l *ledger) forgetOldest() {
	id := l.order[0]
	l.order = l.order[1:]
	if e := l.copies[id]; e != nil {
		delete(l.copies, id)
		if l.size[e.Group.ID]--; l.size[e.Group.ID] <= 0 {
			delete(l.size, e.Group.ID)
			delete(l.told, e.Group.ID)
			delete(l.arrived, e.Group.ID)
		}
	}
}

// expect makes receipts for the copies of a message find their way from now
// on: one can be quicker than the answer to the message.
func (l *ledger) expect(g *group, jobs []*job) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, j := range jobs {
		if l.copies[j.m.ID] != nil {
			continue // what the disk says of it, says more
		}
		l.add(&passed{ID: j.m.ID, Group: g.info, Home: j.m.To.Address, At: j.m.At})
	}
}

// repeat finds the message that g is a repeat of, or else makes g known.
func (l *ledger) repeat(g *group) *group {
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.groups[g.info.ID]
	if old != nil && !old.stale(time.Now()) {
		return old
	}
	l.groups[g.info.ID] = g
	return nil
}

// known makes a restored group one that repeats are held against.
func (l *ledger) known(g *group) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.groups[g.info.ID] = g
}

// handed writes down that a copy has been handed on. From then on a repeat of
// it is known, also after a restart.
// outcome is what became of it, 0 if it may still bounce.
func (l *ledger) handed(ctx context.Context, j *job, outcome Outcome) {
	e := passed{ID: j.m.ID, Group: j.group.snapshot(), Home: j.m.To.Address, At: time.Now(), Outcome: outcome}
	l.write(ctx, page{Copy: &e})
}

// handedSoon is handed, and then calls done; nobody waits. It reports false, and has
// done nothing, where that is not possible.
func (l *ledger) handedSoon(j *job, outcome Outcome, done func()) bool {
	k, ok := l.disk.(Keeper)
	if !ok {
		return false
	}
	e := passed{ID: j.m.ID, Group: j.group.snapshot(), Home: j.m.To.Address, At: time.Now(), Outcome: outcome}
	b, err := page{Copy: &e}.encode()
	return err == nil && k.Keep(b, func(_ uint64, err error) {
		l.missed(err)
		done()
	})
}

// outcome says what became of a copy, by what the disk has of it; 0 if that is
// not known.
func (l *ledger) outcome(id string) Outcome {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.copies[id]; e != nil {
		return e.Outcome
	}
	return 0
}

func (l *ledger) write(ctx context.Context, p page) {
	b, err := p.encode()
	if err == nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		_, err = l.disk.Append(ctx, b)
	}
	l.missed(err)
}

// missed tells that something could not be written down.
func (l *ledger) missed(err error) {
	if err != nil {
		l.log.Error("a restart will not know a repeat or a receipt", "err", err)
	}
}

// claim says whom news of the given kind about a copy goes to, if it is the
// first of that kind about its message and its writer asked for it. from is
// who says so: only the recipient can. What has arrived has not failed.
func (l *ledger) claim(id string, kind Kind, from *Address) (groupInfo, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.copies[id]
	if e == nil || from != nil && !l.same(*from, e.Home) {
		return groupInfo{}, false
	}
	if kind == Delivered || kind == Displayed {
		l.arrived[e.Group.ID] = true
	}
	return e.Group, l.first(e.Group, kind)
}

// claimFailed is claim for the failure of a message, whose copies may be
// forgotten.
func (l *ledger) claimFailed(g groupInfo) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.first(g, Failed)
}

// first is for callers that hold mu.
func (l *ledger) first(g groupInfo, kind Kind) bool {
	if !g.Want.asks(kind) || l.told[g.ID][kind] || kind == Failed && l.arrived[g.ID] {
		return false
	}
	l.tell(g.ID, kind)
	return true
}

// disclaim takes a claim back: nobody has been told.
func (l *ledger) disclaim(group string, kind Kind) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.told[group], kind)
}

// wroteNews writes down that a claim has been made good.
func (l *ledger) wroteNews(ctx context.Context, group string, kind Kind) {
	l.write(ctx, page{Told: &told{Group: group, Kind: kind, At: time.Now()}})
}

// same reports whether two addresses are devices of one party.
func (l *ledger) same(a, b Address) bool {
	a, err1 := l.bare(a)
	b, err2 := l.bare(b)
	return err1 == nil && err2 == nil && a == b
}

// tell is for callers that hold mu.
func (l *ledger) tell(group string, kind Kind) {
	if l.told[group] == nil {
		l.told[group] = map[Kind]bool{}
	}
	l.told[group][kind] = true
}

// sweep forgets what is too old.
func (l *ledger) sweep(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.order) > 0 && now.Sub(l.copies[l.order[0]].At) > receiptTime {
		l.forgetOldest()
	}
	for id, g := range l.groups {
		if g.stale(now) {
			delete(l.groups, id)
		}
	}
}

func (w Want) asks(k Kind) bool {
	switch k {
	case Delivered:
		return w.Delivered
	case Displayed:
		return w.Displayed
	default:
		return k == Failed // never asked for, always told
	}
}

// String is the word for logs and metrics.
func (k Kind) String() string {
	switch k {
	case Text:
		return "text"
	case Failed:
		return "failed"
	case Delivered:
		return "delivered"
	case Displayed:
		return "displayed"
	case Composing:
		return "composing"
	case Signal:
		return "signal"
	default:
		return fmt.Sprintf("kind%d", uint8(k))
	}
}
