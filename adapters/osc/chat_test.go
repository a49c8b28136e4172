package osc

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"gateway/adapters/osc/wire"
	"gateway/bridge"
	"gateway/bridge/bridgetest"
)

// A talk is a chat whose two sides the test plays.
type talk struct {
	bridge.Handler
	t       *testing.T
	chat    *chat
	now     time.Time
	got     []string // messages to the bridge
	answer  func(m bridge.Message) (bridge.Outcome, error)
	replies []string // to members
	bounced []string
	kinds   []bridge.Kind // of got
	away    error         // why nobody can be told of a call
	refusal error         // of the next call that a member makes, or watch
	changed []string
	watched []bridge.Watch
	calls   []*bridgetest.Call // that members make
}

func newTalk(t *testing.T) *talk {
	t.Helper()
	c := NewConfig()
	c.Listen, c.Chat, c.Calls, c.Presence = []string{"udp:127.0.0.1:0"}, "/chat", "/call", "/presence"
	c.Check(func(key, msg string) { t.Errorf("%s: %s", key, msg) })
	set, err := newSettings(c)
	if err != nil {
		t.Fatal(err)
	}
	m, err := newMetrics(nil)
	if err != nil {
		t.Fatal(err)
	}
	k := &talk{t: t, now: time.Unix(1_000_000, 0)}
	log := slog.New(slog.DiscardHandler)
	reply := func(to bridge.Name, p []byte) {
		msg, err := wire.Parse(p)
		if err != nil {
			t.Error(err)
		}
		k.replies = append(k.replies, to.Lead+": "+wire.Line(msg))
	}
	calls := newCalls(set, log, k, newRoster(set.naming, k), func(to bridge.Name, p []byte) error {
		if k.away == nil {
			reply(to, p)
		}
		return k.away
	})
	k.chat = newChat(set, log, m, k, calls, reply)
	clock := func() time.Time { return k.now }
	k.chat.now, calls.now = clock, clock
	return k
}

func (k *talk) Changed(a bridge.Address) { k.changed = append(k.changed, a.Name) }

func (k *talk) Watch(w bridge.Watch, done func(error)) {
	k.watched = append(k.watched, w)
	done(k.refusal)
}

func (k *talk) Incoming(inv bridge.Invite, open func(bridge.Events) bridge.Leg) error {
	if k.refusal != nil {
		return k.refusal
	}
	c := bridgetest.NewCall(k.t)
	c.Invite = inv
	c.Leg = open(c)
	k.calls = append(k.calls, c)
	return nil
}

// told takes what members were told.
func (k *talk) told() []string {
	told := k.replies
	k.replies = nil
	return told
}

func (k *talk) Message(m bridge.Message, done func(bridge.Outcome, error)) {
	s := fmt.Sprintf("%s -> %s: %s", m.From.Name, m.To.Name, m.Body())
	if m.From.Display != "" {
		s += " (" + m.From.Display + ")"
	}
	k.got, k.kinds = append(k.got, s), append(k.kinds, m.Kind)
	if k.answer != nil {
		done(k.answer(m))
		return
	}
	done(bridge.Taken, nil)
}

func (k *talk) Bounced(id string, err *bridge.Error) {
	k.bounced = append(k.bounced, fmt.Sprint(id, " ", err.Cause, " ", err.Reason, " ", err.Retry))
}

func (k *talk) hear(text string) {
	k.t.Helper()
	k.chat.hear("tim", []string{"g"}, line(k.t, text))
}

// said takes what the bridge got.
func (k *talk) said() []string {
	got := k.got
	k.got = nil
	return got
}

func (k *talk) send(m bridge.Message) (line string, outcome bridge.Outcome, err error) {
	outcome, err = k.chat.send(m, func(to bridge.Name, p []byte) error {
		msg, perr := wire.Parse(p)
		line = to.Lead + "@" + to.Main + " " + wire.Line(msg)
		return perr
	})
	return line, outcome, err
}

func text(from, to, body string) bridge.Message {
	return bridge.Message{
		ID: "id1", From: bridge.Party{Address: bridge.Address{Name: from}}, To: bridge.Party{Address: bridge.Address{Name: to}},
		Bodies: []bridge.Body{{Text: body}},
	}
}

func TestTextsOfAGroupReachWhoIsInItsConversation(t *testing.T) {
	t.Parallel()
	k := newTalk(t)
	k.hear("/chat tim hello")
	same(t, "at first the group alone", k.said(), []string{"tim@g -> g: hello"})
	k.send(text("alice@g", "tim@g", "hi"))
	k.hear(`/chat "Tim Example" "and now?"`)
	same(t, "then who has written", k.said(), []string{"tim@g -> g: and now? (Tim Example)", "tim@g -> alice@g: and now? (Tim Example)"})
	k.hear("/chat/bob tim psst")
	same(t, "to one of them", k.said(), []string{"tim@g -> bob@g: psst"})
	k.hear("/ch* all")
	if got := k.said(); len(got) != 3 {
		t.Errorf("a pattern that matches: %q", got)
	}
	k.hear(`/chat "only one word"`)
	k.now = k.now.Add(2 * time.Hour)
	k.said()
	k.hear("/chat tim hello")
	same(t, "who has been silent for long is not in it", k.said(), []string{"tim@g -> g: hello"})
	for _, s := range []string{"/chat 1 2", "/chat", "/chat a b c", "/other tim x", "/groupclient/ping tim", "/chat/alice"} {
		k.hear(s)
	}
	same(t, "what is no text", k.said(), nil)
}

// Groups come and go quicker than their conversations are forgotten.
func TestConversationsAreBounded(t *testing.T) {
	t.Parallel()
	k := newTalk(t)
	for i := range 2 * maxTalking {
		k.chat.stay(fmt.Sprint("group", i), "alice")
	}
	if n := len(k.chat.staying); n != maxTalking {
		t.Errorf("%d conversations, want %d", n, maxTalking)
	}
	if got := k.chat.present("group0"); !slices.Equal(got, []string{"alice"}) {
		t.Errorf("%q are in the first", got)
	}
	k.now = k.now.Add(staying + time.Second)
	k.chat.stay("late", "bob")
	if got := k.chat.present("late"); !slices.Equal(got, []string{"bob"}) || len(k.chat.staying) != 1 {
		t.Errorf("an hour later %q are in one of %d", got, len(k.chat.staying))
	}
}

func TestRefusalsAreTold(t *testing.T) {
	t.Parallel()
	k := newTalk(t)
	k.answer = func(m bridge.Message) (bridge.Outcome, error) {
		if m.To.Name == "g" {
			return 0, &bridge.Error{Op: "t", Cause: bridge.NotFound}
		}
		return 0, &bridge.Error{Op: "t", Cause: bridge.Forbidden, Reason: "you may\nnot"}
	}
	k.hear("/chat/alice tim hello")
	k.hear("/chat tim hello")
	same(t, "replies", k.replies, []string{
		`tim: /chat/failed alice forbidden "you may not"`, // for the first; then the group is nobody, and that is no news
		`tim: /chat/failed alice forbidden "you may not"`,
	})
	k.chat.drain()
	k.replies = nil
	k.hear("/chat/alice tim late")
	same(t, "at the end", k.replies, []string{`tim: /chat/failed alice unavailable "the gateway is about to end"`})
	// A member refuses.
	k.send(text("alice@g", "tim@g", "hi"))
	k.hear("/chat/failed bob gone")
	k.hear("/chat/failed bob gone x")
	k.hear("/chat/failed alice unavailable later")
	k.hear("/chat/failed alice unavailable later")
	same(t, "bounces", k.bounced, []string{"id1 unavailable later true"})
}

func TestOurOwnTextsDoNotComeBackByAnotherGateway(t *testing.T) {
	t.Parallel()
	k := newTalk(t)
	k.send(text("alice@g", "g", "round and round"))
	k.hear(`/chat alice "round and round"`)
	same(t, "our own", k.said(), nil)
	k.now = k.now.Add(time.Minute)
	k.hear(`/chat alice "round and round"`)
	if got := k.said(); len(got) != 2 {
		t.Errorf("later it is somebody's: %q", got)
	}
}

func TestTextsAndTypedLinesBecomeMessages(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		m    bridge.Message
		want string
	}{
		{"a text", text("alice@g", "tim@g", "hello there"), `tim@g /chat alice "hello there"`},
		{"a text to all", text("alice@g", "g", "hi"), `@g /chat alice hi`},
		{"of a party of another group", text("alice@h", "tim@g", "hi"), `tim@g /chat alice@h hi`},
		{"of a group", text("h", "tim@g", "hi"), `tim@g /chat h hi`},
		{"a typed line", text("alice@g", "g", "/fader/1 0.75 on"), `@g /fader/1 0.75 on`},
		{"a typed line with its types", text("alice@g", "g", " /x"), `@g /chat alice " /x"`},
		{"a typed line to much of what there is", text("alice@g", "g", "/*/volume 0.5"), `@g /*/volume 0.5`},
		{"a typed line that is called nearly like texts", text("alice@g", "g", "/chatter 1"), `@g /chatter 1`},
		{"a slash that is text", text("alice@g", "g", "//x"), `@g /chat alice /x`},
		{"what chats know", text("alice@g", "g", "/me waves"), `@g /chat alice "/me waves"`},
		{"two lines", text("alice@g", "g", "/a\n/b"), `@g /chat alice "/a\n/b"`},
		{"news", bridge.Message{
			Kind: bridge.Failed, From: bridge.Party{Address: bridge.Address{Name: "alice@g"}}, To: bridge.Party{Address: bridge.Address{Name: "tim@g"}},
			Cause: bridge.Gone, Reason: "no more",
		}, `tim@g /chat/failed alice gone "no more"`},
	} {
		k := newTalk(t)
		if got, _, err := k.send(tt.m); got != tt.want || err != nil {
			t.Errorf("%s: %s, %v; want %s", tt.name, got, err, tt.want)
		}
	}
	for _, tt := range []struct {
		name string
		m    bridge.Message
		want bridge.Cause
	}{
		{"a line that is none", text("alice@g", "g", `/a "open`), bridge.NotAcceptable},
		{"a line that would speak for the protocol", text("alice@g", "g", "/groupclient/ping tim"), bridge.NotAcceptable},
		{"a line that would be another's text", text("alice@g", "g", "/chat tim hello"), bridge.NotAcceptable},
		{"a pattern that would be", text("alice@g", "g", "/{ch,c}a[t] tim hello"), bridge.NotAcceptable},
		{"a line that would be news of another's text", text("alice@g", "tim@g", "/chat/failed bob gone"), bridge.NotAcceptable},
		{"a line that would be news of a call", text("alice@g", "tim@g", "/call/incoming 1 bob tim bob"), bridge.NotAcceptable},
		{"a pattern that would be news of presence", text("alice@g", "tim@g", "/presenc* bob away"), bridge.NotAcceptable},
		{"a pattern that would be news of many a thing", text("alice@g", "tim@g", "/*/failed bob gone why"), bridge.NotAcceptable},
		{"a long text", text("alice@g", "g", strings.Repeat("x", 4096)), bridge.TooLarge},
		{"from nowhere", text("", "g", "x"), bridge.BadAddress},
		{"to nowhere", text("alice@g", "a\nb", "x"), bridge.BadAddress},
		{"somebody writes", bridge.Message{Kind: bridge.Composing, From: text("a@g", "g", "").From, To: text("a@g", "g", "").To}, bridge.Unsupported},
	} {
		k := newTalk(t)
		_, _, err := k.send(tt.m)
		if e := asError(err); e == nil || e.Cause != tt.want || e.Retry {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}

func TestATypedLineIsNeverStored(t *testing.T) {
	t.Parallel()
	k := newTalk(t)
	away := func(bridge.Name, []byte) error { return errAway("not there") }
	if _, err := k.chat.send(text("alice@g", "tim@g", "/cue 1"), away); asError(err).Retry {
		t.Error("a line waits")
	}
	if _, err := k.chat.send(text("alice@g", "tim@g", "cue 1"), away); !asError(err).Retry {
		t.Error("a text does not wait")
	}
	again, late, soon := text("alice@g", "tim@g", "/cue 1"), text("alice@g", "tim@g", "/cue 1"), text("alice@g", "tim@g", "/cue 1")
	again.Try = -1
	late.At, soon.At = k.now.Add(-time.Minute), k.now.Add(-time.Second)
	for _, m := range []bridge.Message{again, late} {
		if _, _, err := k.send(m); asError(err) == nil || asError(err).Cause != bridge.Timeout || asError(err).Retry {
			t.Errorf("an old line: %v", err)
		}
	}
	if line, o, err := k.send(soon); err != nil || o != bridge.Taken || line != "tim@g /cue 1" {
		t.Errorf("%q, %v, %v", line, o, err)
	}
}

// A fader that moves a thousand times a second for 20 seconds.
func TestAFaderBecomesALineNowAndThen(t *testing.T) {
	t.Parallel()
	k := newTalk(t)
	k.send(text("alice@g", "tim@g", "hi"))
	shown := map[string]int{}
	last := ""
	tick := func() {
		for from, text := range k.chat.lines.due(k.now) {
			k.chat.show(from, text, k.now)
		}
		for _, s := range k.said() {
			to, body, _ := strings.Cut(s, ": ")
			shown[to]++
			last = body
		}
	}
	for i := range 20_000 {
		k.hear(fmt.Sprintf("/fader/1 %d", i))
		if k.now = k.now.Add(time.Millisecond); i%1000 == 999 {
			tick()
		}
	}
	for to, n := range shown {
		if n < 4 || n > 5 {
			t.Errorf("%s: %d texts in 20 s", to, n)
		}
	}
	if len(shown) != 2 || !strings.HasPrefix(last, "/fader/1 1") {
		t.Errorf("%v, at last %q", shown, last)
	}
	for i := range 100 {
		k.hear(fmt.Sprintf("/many/%d %d", i, i))
	}
	k.now = k.now.Add(10 * time.Second)
	tick()
	if lines := strings.Split(last, "\n"); len(lines) != maxShown+1 || !strings.HasPrefix(lines[maxShown], "… and ") {
		t.Errorf("%d lines, at last %q", len(lines), lines[len(lines)-1])
	}
}

func TestLinesAreSignals(t *testing.T) {
	t.Parallel()
	k := newTalk(t)
	k.hear("/fader 1")
	k.hear("/chat tim hello")
	k.now = k.now.Add(5 * time.Second)
	for from, text := range k.chat.lines.due(k.now) {
		k.chat.show(from, text, k.now)
	}
	if !slices.Equal(k.kinds, []bridge.Kind{bridge.Text, bridge.Signal}) {
		t.Errorf("%v: %q", k.kinds, k.got)
	}
}

func TestASignalFromElsewhereIsShownLikeAText(t *testing.T) {
	t.Parallel()
	k := newTalk(t)
	m := text("alice@g", "tim@g", "a note")
	m.Kind = bridge.Signal
	if line, _, err := k.send(m); line != `tim@g /chat alice "a note"` || err != nil {
		t.Errorf("%q, %v", line, err)
	}
}
