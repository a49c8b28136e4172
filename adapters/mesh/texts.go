package mesh

import (
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"gateway/adapters/mesh/wire"
	"gateway/bridge"
)

// How much of what peers write is remembered.
const (
	maxHops     = 10
	maxPeers    = 2000             // who write
	maxRecent   = 64               // texts of each, whole or not
	partTime    = time.Minute      // after the last part of a text that is not whole: nobody sends more
	maxBegun    = 4096             // parts of all that wait for others
	rememberFor = 10 * time.Minute // after a peer's last text: a repeat is answered, and not delivered
	maxSent     = 4096             // texts of ours that may still be said to have failed
)

// texts joins the mesh to the bridge.
type texts struct {
	set    *settings
	log    *slog.Logger
	bridge bridge.Handler
	net    carrier
	now    func() time.Time

	mu       sync.Mutex // guards the rest; nobody else is called with it held
	sendings map[sendKey]*sending
	boxes    map[wire.UUID]*box
	begun    int                // parts that wait for others
	sent     map[sendKey]string // Message.ID of ours that peers have
	order    []sendKey          // of sent, the oldest first
	draws    bool               // what comes is refused: the end is near
}

// A box is what one peer has written of late.
type box struct {
	texts map[uint32]*said
	order []uint32 // the oldest first
	last  time.Time
}

// A said is one text of a peer's.
type said struct {
	parts []*string // nil: missing
	left  int
	at    time.Time // when the last part came
	whole bool      // the bridge has it, and will say, or has said,
	word  string
	known bool  // what became of it
	last  uint8 // the part that was missing last
}

func newTexts(set *settings, log *slog.Logger, h bridge.Handler, net carrier) *texts {
	return &texts{
		set: set, log: log, bridge: h, net: net, now: time.Now,
		sendings: map[sendKey]*sending{}, boxes: map[wire.UUID]*box{}, sent: map[sendKey]string{},
	}
}

// take is the taker of texts.
func (x *texts) take(from Remote, meta, value []byte) {
	t, ok := wire.ReadText(value)
	switch {
	case !ok:
	case t.Kind == wire.TextReceipt:
		x.receipt(from, t)
	case t.Kind == wire.TextSaid && t.Parts > 0 && t.Parts <= wire.MaxParts:
		x.part(from, meta, t)
	case t.Kind == wire.TextFailed && t.Parts == 1:
		x.failed(from, t)
	}
}

// part takes one part of a text. A receipt for the one that was missing last waits
// for the bridge.
func (x *texts) part(from Remote, meta []byte, t wire.Text) {
	x.mu.Lock()
	s, news := x.note(from.UUID, t)
	word := wire.TextPart
	var body string
	switch {
	case s == nil:
		word = refusal(&bridge.Error{Cause: bridge.Overloaded, Reason: "too many texts at once"})
	case !news && s.whole && !s.known:
		x.mu.Unlock()
		return // the bridge has not said yet
	case !news && s.whole:
		word = s.word
	case news && s.left == 0:
		s.whole, s.last = true, t.Part
		body = x.join(s)
	}
	whole := s != nil && news && s.whole
	draws := x.draws
	x.mu.Unlock()
	switch {
	case !whole:
		x.acknowledge(from, t.Message, t.Part, t.Parts, word)
	case draws:
		x.settle(from, s, t, 0, &bridge.Error{Cause: bridge.Unavailable, Reason: "the gateway is about to end"})
	case !utf8.ValidString(body):
		x.settle(from, s, t, 0, &bridge.Error{Cause: bridge.Malformed, Reason: "the text is not UTF-8"})
	default:
		x.hand(from, meta, s, t, body)
	}
}

// note keeps a part; news is false if it was there before. s is nil if there is no
// room. For callers that hold mu.
func (x *texts) note(peer wire.UUID, t wire.Text) (s *said, news bool) {
	b := x.box(peer)
	if b == nil {
		return nil, false
	}
	s = b.texts[t.Message]
	if s != nil && len(s.parts) != int(t.Parts) && !s.whole {
		x.drop(b, t.Message) // another text with the same number
		s = nil
	}
	if s == nil {
		if x.begun >= maxBegun || len(b.order) >= maxRecent && !x.forget(b) {
			return nil, false
		}
		s = &said{parts: make([]*string, t.Parts), left: int(t.Parts)}
		b.texts[t.Message] = s
		b.order = append(b.order, t.Message)
	}
	if s.whole || s.parts[t.Part] != nil {
		return s, false
	}
	if x.begun >= maxBegun {
		return nil, false
	}
	x.begun++
	s.parts[t.Part] = new(string(t.Body))
	s.left--
	s.at = x.now()
	return s, true
}

// forget drops the oldest text that is done with, if there is one: of what is not,
// its sender has receipts, or the bridge has it.
func (x *texts) forget(b *box) bool {
	now := x.now()
	for _, n := range b.order {
		if s := b.texts[n]; s.known || !s.whole && now.Sub(s.at) > partTime {
			x.drop(b, n)
			return true
		}
	}
	return false
}

// box is the peer's; nil, if there are too many.
func (x *texts) box(peer wire.UUID) *box {
	now := x.now()
	b := x.boxes[peer]
	if b == nil {
		if len(x.boxes) >= maxPeers {
			for id, o := range x.boxes {
				if now.Sub(o.last) > rememberFor {
					x.empty(o)
					delete(x.boxes, id)
				}
			}
		}
		if len(x.boxes) >= maxPeers {
			return nil
		}
		b = &box{texts: map[uint32]*said{}}
		x.boxes[peer] = b
	}
	if now.Sub(b.last) > rememberFor {
		x.empty(b)
	}
	b.last = now
	return b
}

func (x *texts) empty(b *box) {
	for len(b.order) > 0 {
		x.drop(b, b.order[0])
	}
}

// drop forgets a text.
func (x *texts) drop(b *box, message uint32) {
	for i, n := range b.order {
		if n == message {
			b.order = append(b.order[:i], b.order[i+1:]...)
			break
		}
	}
	if s := b.texts[message]; s != nil && !s.whole {
		x.begun -= len(s.parts) - s.left
	}
	delete(b.texts, message)
}

// join gives the whole text, and forgets its parts.
func (x *texts) join(s *said) string {
	var b strings.Builder
	for i, p := range s.parts {
		b.WriteString(*p)
		s.parts[i] = nil
	}
	x.begun -= len(s.parts)
	return b.String()
}

// hand gives the bridge a text. What the peer wrote as is told by META: somebody
// behind it, and somebody behind us; else it is the peer's own, and for us.
func (x *texts) hand(from Remote, meta []byte, s *said, t wire.Text, body string) {
	sender, to := bridge.Name{Main: from.title()}, bridge.Name{Main: x.set.self}
	if name, ok := wire.Field(meta, wire.KeyFrom); ok && wire.IsName(name) {
		sender.Lead = string(name)
	}
	if name, ok := wire.Field(meta, wire.KeyTo); ok && wire.IsName(name) {
		to.Main = string(name)
	}
	m := bridge.Message{
		Kind: bridge.Text, Ref: ref(from.UUID, t.Message), Bodies: []bridge.Body{{Text: body}}, Hops: maxHops, At: x.now(),
		From: bridge.Party{Address: bridge.Address{Name: x.set.naming.Text(sender)}},
		To:   bridge.Party{Address: bridge.Address{Name: x.set.naming.Text(to)}},
	}
	t.Body = nil // it is not ours to keep
	x.bridge.Message(m, func(o bridge.Outcome, err error) { x.settle(from, s, t, o, err) })
}

// settle sends the receipt of a whole text, and remembers it for its repeats.
func (x *texts) settle(from Remote, s *said, t wire.Text, o bridge.Outcome, err error) {
	word := o.String()
	if err != nil {
		e := &bridge.Error{Cause: bridge.Internal}
		errors.As(err, &e)
		word = refusal(e)
		x.log.Debug("a text was refused", "from", from.title(), "cause", e.Cause, "err", err)
	}
	x.mu.Lock()
	s.word, s.known = word, true
	if err != nil {
		if e, ok := readRefusal(word); ok && e.Retry { // it may be said again
			if b := x.boxes[from.UUID]; b != nil && b.texts[t.Message] == s {
				x.drop(b, t.Message)
			}
		}
	}
	x.mu.Unlock()
	x.acknowledge(from, t.Message, t.Part, t.Parts, word)
}

// acknowledge sends a receipt. One that is lost is sent again when the text is.
func (x *texts) acknowledge(to Remote, message uint32, part, parts uint8, word string) {
	t := wire.Text{Kind: wire.TextReceipt, Message: message, Part: part, Parts: parts, Body: []byte(word)}
	if err := x.net.send(to.UUID, nil, t.Append(nil)); err != nil {
		x.log.Debug("a receipt has not been sent", "to", to.title(), "err", err)
	}
}

// failed takes the news that a text of ours could not be delivered after all.
func (x *texts) failed(from Remote, t wire.Text) {
	key := sendKey{peer: from.UUID, message: t.Message}
	x.mu.Lock()
	id, ok := x.sent[key]
	delete(x.sent, key)
	x.mu.Unlock()
	if e, refused := readRefusal(string(t.Body)); ok && refused {
		e.Retry = false
		x.bridge.Bounced(id, e)
	}
	x.acknowledge(from, t.Message, 0, 0, "")
}

// remember notes a text that a peer's gateway has.
func (x *texts) remember(peer wire.UUID, number uint32, id string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.order) >= maxSent {
		delete(x.sent, x.order[0])
		x.order = append(x.order[:0], x.order[1:]...)
	}
	key := sendKey{peer: peer, message: number}
	x.sent[key] = id
	x.order = append(x.order, key)
}

// drain refuses what comes from now on.
func (x *texts) drain() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.draws = true
}

// ref is the identity of a peer's text: its UUID and the text's number.
func ref(peer wire.UUID, number uint32) string { return fmt.Sprintf("%s/%08x", peer, number) }

func parseRef(s string) (peer wire.UUID, number uint32, ok bool) {
	id, hex, _ := strings.Cut(s, "/")
	n, err := strconv.ParseUint(hex, 16, 32)
	peer, ok = wire.ParseUUID(id)
	return peer, uint32(n), ok && err == nil
}
