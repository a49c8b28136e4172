package mesh

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"

	"gateway/adapters/mesh/bulk"
	"gateway/adapters/mesh/wire"
	"gateway/bridge"
)

// files joins bulk transfer to the mesh and to the bridge: what peers offer, and what
// becomes of it, is told as texts of theirs to our own name.
type files struct {
	a     *Adapter
	h     bridge.Handler
	net   carrier
	mover *bulk.Mover
	crew  sync.WaitGroup

	mu     sync.Mutex           // guards titles
	titles map[wire.UUID]string // what those who send were called: they may be gone at the end
}

func newFiles(a *Adapter, h bridge.Handler, net carrier) *files {
	f := &files{a: a, h: h, net: net, titles: map[wire.UUID]string{}}
	f.mover = bulk.NewMover(bulk.Options{
		Net: meshNet{net}, Folder: a.set.folder, MaxFile: a.set.maxFile, MaxFolder: a.set.maxFolder, Log: a.log, News: f.announce, Guard: f.guard,
	})
	return f
}

// prepare makes the folder, so that one that can't be is told at once.
func (f *files) prepare() error {
	if f.a.set.folder == "" {
		return nil
	}
	if err := os.MkdirAll(f.a.set.folder, 0o750); err != nil {
		return fmt.Errorf("folder: %w", err)
	}
	return nil
}

func (f *files) serve(ctx context.Context) { f.crew.Go(func() { f.mover.Run(ctx) }) }

// close waits for what is under way to be noted; serve's ctx must be done.
func (f *files) close() { f.crew.Wait() }

// guard calls what deals with what peers have sent. A panic ends with that.
func (f *files) guard(do func()) {
	defer func() {
		if p := recover(); p != nil {
			f.a.metrics.drop(dropPanic)
			f.a.log.Error("a transfer made us panic", "panic", p, "stack", string(debug.Stack()))
		}
	}()
	do()
}

// take is the taker of bulk transfer.
func (f *files) take(from Remote, _, value []byte) { f.mover.Take(from.UUID, from.RTT, value) }

// meshNet is the mesh as a bulk.Net.
type meshNet struct{ carrier }

// Send implements bulk.Net.
func (n meshNet) Send(to wire.UUID, values ...[]byte) error { return n.send(to, nil, values...) }

// announce tells of an object. Whom, the maps say: it is addressed to our own name.
func (f *files) announce(n bulk.News) {
	from := f.title(n)
	f.a.log.Info("an object of a peer's", "peer", from, "name", n.Name, "size", n.Size, "path", n.Path, "err", n.Err)
	naming := f.a.set.naming
	m := bridge.Message{
		Kind: bridge.Text, Hops: maxHops, Bodies: []bridge.Body{{Text: newsText(n)}},
		From: bridge.Party{Address: bridge.Address{Name: naming.Text(bridge.Name{Main: from})}},
		To:   bridge.Party{Address: bridge.Address{Name: naming.Text(bridge.Name{Main: f.a.set.self})}},
	}
	f.h.Message(m, func(_ bridge.Outcome, err error) {
		if err != nil { // no map has our name, say
			f.a.log.Debug("news of an object are told nobody", "err", err)
		}
	})
}

// title is what the peer of news is called.
func (f *files) title(n bulk.News) string {
	f.mu.Lock()
	title := f.titles[n.From]
	delete(f.titles, n.From)
	f.mu.Unlock()
	if r, err := f.net.find(n.From.String()); err == nil {
		title = r.title()
	}
	if title == "" {
		title = n.From.String()
	}
	if n.Kind == bulk.Offered {
		f.mu.Lock()
		f.titles[n.From] = title
		f.mu.Unlock()
	}
	return title
}

// newsText is news for a person.
func newsText(n bulk.News) string {
	what := fmt.Sprintf("%q (%s)", n.Name, sizeText(n.Size))
	switch n.Kind {
	case bulk.Offered:
		return "sends " + what
	case bulk.Received:
		return "has sent " + what + ": it is there as " + filepath.Base(n.Path)
	case bulk.Refused:
		return "would have sent " + what + ": " + n.Err.Error()
	default:
		reason := n.Err
		if pathErr := (*os.PathError)(nil); errors.As(reason, &pathErr) {
			reason = pathErr.Err // where the folder is, is nobody's business
		}
		return "has begun to send " + what + ", which has not arrived: " + reason.Error()
	}
}
