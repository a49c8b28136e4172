package sip

import (
	"errors"
	"maps"
	"strconv"
	"strings"
	"sync"
	"time"

	"gateway/adapters/sip/dialog"
	"gateway/adapters/sip/wire"

	gosip "github.com/emiago/sipgo/sip"
)

// maxTransactions bounds the server transactions that are kept, finished ones
// among them: over UDP each waits 32 s for repeats (RFC 3261 section 17.2.2).
const maxTransactions = 32768

// timerJ is how long a finished transaction takes repeats (RFC 3261 section
// 17.2.2; of INVITE timers H and L, RFC 6026 section 7.1).
const timerJ = 64 * timerT1

// transactions are the server transactions of those who have passed the gate.
type transactions struct {
	mu       sync.Mutex // guards the rest, and what is in it: sockets, timers and the bridge's answers
	all      map[string]*transaction
	finished []*transaction // in the order of their ends
}

// A transaction is the server transaction of one request (RFC 3261 section
// 17.2): it says to a repeat what it has said last. An INVITE's Call repeats
// final responses by itself.
type transaction struct {
	of      *transactions
	metrics *metrics
	key     string
	method  string
	path    flow         // back to whoever asked
	call    *dialog.Call // of an INVITE
	began   time.Time
	last    []byte    // nil: nothing has been said, or repeats are none of ours
	ends    time.Time // zero: it has had no final response
}

var _ dialog.Server = (*transaction)(nil)

var errNoTransaction = errors.New("tell the transaction: no Via, Call-ID or CSeq")

// txKey is what a repeat has in common with its original (RFC 3261 section
// 17.2.3). An ACK and a CANCEL have the key of their INVITE. The source is a part of
// it, for branches are the senders' own choice.
func txKey(f flow, req *gosip.Request, method string) (string, error) {
	via, cseq, id := req.Via(), req.CSeq(), req.CallID()
	if via == nil || cseq == nil || id == nil {
		return "", errNoTransaction
	}
	var room [192]byte // for nearly all
	b := append(f.remote.AppendTo(room[:0]), ' ')
	b = append(append(b, f.network()...), ' ')
	b = append(append(b, method...), ' ')
	if branch, _ := via.Params.Get("branch"); len(branch) > len(magic) && strings.HasPrefix(branch, magic) {
		b = append(append(b, branch...), ' ')
		b = append(append(b, via.Host...), ' ')
		return string(strconv.AppendInt(b, int64(via.Port), 10)), nil
	}
	// An element of RFC 2543 has no branches that could be relied on.
	tag, _ := req.From().Params.Get("tag")
	return string(b) + strconv.FormatUint(uint64(cseq.SeqNo), 10) + " " + tag + " " + id.Value() + " " + via.Value(), nil
}

func (t *transactions) get(key string) *transaction {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sweep(time.Now())
	return t.all[key]
}

// begin makes a transaction that answers over f; nil if there are too many.
func (t *transactions) begin(key string, m *wire.Message, f flow, counts *metrics) *transaction {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sweep(time.Now())
	if len(t.all) >= maxTransactions {
		return nil
	}
	if t.all == nil {
		t.all = map[string]*transaction{}
	}
	tx := &transaction{of: t, metrics: counts, key: key, method: string(m.Request.Method), path: f, began: time.Now()}
	t.all[key] = tx
	return tx
}

// sweep forgets those that have ended. The lock is held.
func (t *transactions) sweep(now time.Time) {
	n := 0
	for n < len(t.finished) && now.After(t.finished[n].ends) {
		delete(t.all, t.finished[n].key)
		t.finished[n] = nil
		n++
	}
	t.finished = t.finished[n:]
}

// forsaken is how long a request may be without a final response: longer than
// anything rings.
const forsaken = time.Hour

// purge forgets requests that a fault of ours has left without an answer.
func (t *transactions) purge(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sweep(now)
	maps.DeleteFunc(t.all, func(_ string, tx *transaction) bool { return tx.ends.IsZero() && now.Sub(tx.began) > forsaken })
}

// Reply sends a response and keeps it for repeats. That it can't be sent
// shows in nothing but the sender's trying again.
func (tx *transaction) Reply(status int, data []byte) {
	t := tx.of
	t.mu.Lock()
	first := status >= 200 && tx.ends.IsZero()
	tx.last = data
	if first {
		if tx.method == methodInvite && status < 300 {
			tx.last = nil // RFC 6026 section 7.1: repeats are absorbed
		}
		if tx.path.reliable() && tx.method != methodInvite {
			delete(t.all, tx.key) // timer J is 0
			tx.ends = time.Now()
		} else {
			tx.ends = time.Now().Add(timerJ)
			t.finished = append(t.finished, tx)
		}
	}
	t.mu.Unlock()
	if first {
		tx.metrics.response(directionOut, tx.method, status)
	}
	_ = tx.path.write(data)
}

// repeat takes the request once more.
func (tx *transaction) repeat() {
	tx.of.mu.Lock()
	last := tx.last
	tx.of.mu.Unlock()
	if last != nil {
		_ = tx.path.write(last)
	}
}

// own says whose INVITE it is.
func (tx *transaction) own(c *dialog.Call) {
	tx.of.mu.Lock()
	defer tx.of.mu.Unlock()
	tx.call = c
}

// owner is the Call of an INVITE; nil if it was refused before it had one.
func (tx *transaction) owner() *dialog.Call {
	tx.of.mu.Lock()
	defer tx.of.mu.Unlock()
	return tx.call
}
