package sip

import (
	"fmt"
	"log/slog"
	"sync"

	"gateway/adapters/sip/wire"

	gosip "github.com/emiago/sipgo/sip"
)

// maxTransactions bounds the server transactions that are kept, finished ones
// among them: over UDP each waits 32 s for repeats (RFC 3261 section 17.2.2).
const maxTransactions = 32768

// transactions are the server transactions of those who have passed the gate.
type transactions struct {
	mu  sync.Mutex // guards all: sockets, timers and the bridge's answers
	all map[string]*gosip.ServerTx
}

// txKey is what a repeat has in common with its original. The source is a part
// of it, for branches are the senders' own choice.
func txKey(f flow, req *gosip.Request) (string, error) {
	key, err := gosip.ServerTxKeyMake(req)
	if err != nil {
		return "", fmt.Errorf("tell the transaction: %w", err)
	}
	return f.remote.String() + " " + f.network() + " " + key, nil
}

func (t *transactions) get(key string) *gosip.ServerTx {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.all[key]
}

// begin makes a transaction that answers over f; nil if there are too many.
func (t *transactions) begin(key string, m *wire.Message, f flow) *gosip.ServerTx {
	m.Request.SetTransport(gosip.NetworkToUpper(f.network()))
	m.Request.SetSource(f.remote.String())
	tx := gosip.NewServerTx(key, m.Request, txFlow{f}, slog.New(slog.DiscardHandler))
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.all) >= maxTransactions || tx.Init() != nil {
		return nil
	}
	if t.all == nil {
		t.all = map[string]*gosip.ServerTx{}
	}
	t.all[key] = tx
	tx.OnTerminate(func(string, error) {
		t.mu.Lock()
		defer t.mu.Unlock()
		if t.all[key] == tx {
			delete(t.all, key)
		}
	})
	return tx
}

// terminate ends them all.
func (t *transactions) terminate() {
	t.mu.Lock()
	var all []*gosip.ServerTx
	for _, tx := range t.all {
		all = append(all, tx)
	}
	t.mu.Unlock()
	for _, tx := range all {
		tx.Terminate()
	}
}
