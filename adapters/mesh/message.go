package mesh

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"gateway/adapters/mesh/wire"
	"gateway/bridge"
)

// maxRepeat is the longest time between two repeats of what was not answered.
const maxRepeat = 2 * time.Second

// A sending is a text of ours that waits for its receipts.
type sending struct {
	missing map[uint8]bool // parts without a receipt
	word    string         // what a receipt has said of it all, when
	done    bool           // one has
	news    chan struct{}  // holds one: something has come
}

// A sendKey is a peer and the number of a text to it.
type sendKey struct {
	peer    wire.UUID
	message uint32
	failed  bool // the news that one has failed, not a text
}

// send hands a message from another network to a peer, and waits until that has it.
func (x *texts) send(ctx context.Context, m bridge.Message) (bridge.Outcome, error) {
	from, err := x.set.naming.Parse(m.From.Name)
	if err != nil {
		return 0, &bridge.Error{Op: "send", Cause: bridge.BadAddress, Reason: "the sender has no address here", Err: err}
	}
	to, err := x.set.naming.Parse(m.To.Name)
	if err != nil {
		return 0, &bridge.Error{Op: "send", Cause: bridge.BadAddress, Reason: "the recipient has no address here", Err: err}
	}
	peer, err := x.net.find(to.Main)
	switch {
	case err != nil:
		return 0, err
	case !peer.extended():
		return 0, errNoTexts
	}
	kind, number, parts, err := x.compose(m)
	if err != nil {
		return 0, err
	}
	var who [][2]string
	if name := x.set.naming.Text(from); name != x.set.self {
		who = append(who, [2]string{wire.KeyFrom, name})
	}
	if to.Lead != "" {
		who = append(who, [2]string{wire.KeyTo, to.Lead})
	}
	meta := wire.AppendNames(nil, append(who, [2]string{wire.KeyPeer, x.set.self})...)
	word, err := x.exchange(ctx, peer, kind, number, meta, parts)
	if err != nil {
		return 0, err
	}
	if refused, ok := readRefusal(word); ok {
		return 0, refused
	}
	if word == "" {
		return bridge.Arrived, nil
	}
	if kind == wire.TextSaid {
		x.remember(peer.UUID, number, m.ID)
	}
	return bridge.Relayed, nil // the peer's gateway may be refused it still
}

var errTooLong = &bridge.Error{Op: "send", Cause: bridge.TooLarge, Reason: "the text is too long"}

// compose gives what kind of text a message becomes, its number, and its parts.
func (x *texts) compose(m bridge.Message) (kind uint8, number uint32, parts []string, err error) {
	switch m.Kind {
	case bridge.Text, bridge.Signal:
		// The same message has the same number at every try.
		sum := sha256.Sum256([]byte(m.ID))
		parts, ok := wire.SplitText(m.Body())
		if !ok {
			return 0, 0, nil, errTooLong
		}
		return wire.TextSaid, binary.BigEndian.Uint32(sum[:]), parts, nil
	case bridge.Failed:
		if _, number, ok := parseRef(m.Of); ok {
			return wire.TextFailed, number, []string{refusal(&bridge.Error{Cause: m.Cause, Reason: m.Reason})}, nil
		}
		return 0, 0, nil, &bridge.Error{Op: "send", Cause: bridge.Unsupported, Err: fmt.Errorf("%q is no text of a peer's", m.Of)}
	default:
		return 0, 0, nil, &bridge.Error{Op: "send", Cause: bridge.Unsupported, Err: fmt.Errorf("a message of kind %d", m.Kind)}
	}
}

// exchange sends a text until a receipt says what has become of it all, and gives
// that.
func (x *texts) exchange(ctx context.Context, peer Remote, kind uint8, number uint32, meta []byte, parts []string) (string, error) {
	key := sendKey{peer.UUID, number, kind == wire.TextFailed}
	s := &sending{missing: map[uint8]bool{}, news: make(chan struct{}, 1)}
	if !x.start(key, s) {
		return "", &bridge.Error{Op: "send", Cause: bridge.Conflict, Retry: true, Err: errors.New("a text with that number is on its way")}
	}
	defer x.stop(key)
	deadline := time.NewTimer(x.set.pace.patient)
	defer deadline.Stop()
	wait := max(x.set.pace.repeat, 2*peer.RTT+4*peer.RTTVar)
	for {
		var values [][]byte
		for _, i := range x.missing(s, len(parts)) {
			t := wire.Text{Kind: kind, Message: number, Part: i, Parts: uint8(len(parts)), Body: []byte(parts[i])}
			values = append(values, t.Append(nil))
		}
		if err := x.net.send(peer.UUID, meta, values...); err != nil {
			return "", err
		}
		word, done, err := x.await(ctx, s, wait, deadline.C)
		if done || err != nil {
			return word, err
		}
		wait = min(2*wait, max(maxRepeat, x.set.pace.repeat))
	}
}

// await waits until a text is done with, or the time to repeat has come.
func (x *texts) await(ctx context.Context, s *sending, wait time.Duration, deadline <-chan time.Time) (word string, done bool, err error) {
	again := time.NewTimer(wait)
	defer again.Stop()
	for {
		select {
		case <-s.news:
			x.mu.Lock()
			word, done = s.word, s.done
			x.mu.Unlock()
			if done {
				return word, true, nil
			}
		case <-again.C:
			return "", false, nil
		case <-deadline:
			return "", false, &bridge.Error{Op: "send", Cause: bridge.Timeout, Reason: "the peer does not answer", Retry: true}
		case <-ctx.Done():
			return "", false, &bridge.Error{Op: "send", Cause: bridge.Timeout, Retry: true, Err: ctx.Err()}
		}
	}
}

func (x *texts) start(key sendKey, s *sending) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.sendings[key] != nil {
		return false
	}
	x.sendings[key] = s
	return true
}

func (x *texts) stop(key sendKey) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.sendings, key)
}

// missing are the parts to be sent: those without a receipt, and all when there is
// none. Whoever has said that it had them all, and not what became of the text, has
// forgotten some since.
func (x *texts) missing(s *sending, parts int) []uint8 {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(s.missing) == 0 {
		for i := range parts {
			s.missing[uint8(i)] = true
		}
	}
	return slices.Sorted(maps.Keys(s.missing))
}

// receipt takes one.
func (x *texts) receipt(from Remote, t wire.Text) {
	x.mu.Lock()
	defer x.mu.Unlock()
	s := x.sendings[sendKey{from.UUID, t.Message, t.Parts == 0}]
	if s == nil {
		return
	}
	if string(t.Body) == wire.TextPart {
		delete(s.missing, t.Part)
		return
	}
	s.word, s.done = string(t.Body), true
	select {
	case s.news <- struct{}{}:
	default: // it is told already
	}
}
