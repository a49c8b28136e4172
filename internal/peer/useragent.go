package peer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// resendEvery is when a UserAgent sends again what is not answered.
const resendEvery = 500 * time.Millisecond

// A UserAgent is a SIP phone or server that does what no real one does when
// asked. It answers requests as it is told, and remembers them without their
// repeats.
type UserAgent struct {
	wire *Wire
	done sync.WaitGroup

	mu      sync.Mutex // guards what follows
	answer  func(SIPMessage) int
	sent    map[string]string // answers, by the branch of what they are for
	got     []SIPMessage
	grown   chan struct{}                // closed at the next request; nil while nobody waits
	waiting map[string]chan<- SIPMessage // who wants the answer, by Call-ID and CSeq
}

// NewUserAgent starts one at the address local (host:port, port 0 for any)
// that speaks to the address to alone. It answers everything with 200.
func NewUserAgent(local, to string) (*UserAgent, error) {
	w, err := NewWire(local, to)
	if err != nil {
		return nil, err
	}
	u := &UserAgent{
		wire: w, answer: func(SIPMessage) int { return 200 },
		sent: map[string]string{}, waiting: map[string]chan<- SIPMessage{},
	}
	u.done.Go(u.run)
	return u, nil
}

// Close ends it.
func (u *UserAgent) Close() {
	u.wire.Close()
	u.done.Wait()
}

// Local is its address, host:port.
func (u *UserAgent) Local() string { return u.wire.Local() }

// AnswerWith has it answer with what f says of a request; 0 is no answer. f is
// asked once for a request, however often that is repeated.
func (u *UserAgent) AnswerWith(f func(SIPMessage) int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.answer = f
}

// Forget has it take repeats of what it got so far for something new, and ask
// again how to answer.
func (u *UserAgent) Forget() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.sent = map[string]string{}
}

// run takes what comes until the socket is closed. A gateway that is not there
// is no end: it comes back.
func (u *UserAgent) run() {
	for {
		m, err := u.wire.Receive(context.Background())
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
		case m.Code() == 0:
			u.request(m)
		case m.Code() >= 200:
			u.response(m)
		}
	}
}

func (u *UserAgent) request(m SIPMessage) {
	if text := u.reply(m); text != "" {
		_ = u.wire.Send(text) // whoever misses it asks again
	}
}

// reply notes a request, unless it is a repeat, and gives its answer.
func (u *UserAgent) reply(m SIPMessage) string {
	key := m.Method() + " " + m.Header("Via")
	u.mu.Lock()
	defer u.mu.Unlock()
	text, repeat := u.sent[key]
	if repeat {
		return text
	}
	if code := u.answer(m); code != 0 {
		text = answerTo(m, code)
	}
	u.sent[key] = text
	u.got = append(u.got, m)
	if u.grown != nil {
		close(u.grown)
		u.grown = nil
	}
	return text
}

func (u *UserAgent) response(m SIPMessage) {
	u.mu.Lock()
	defer u.mu.Unlock()
	select {
	case u.waiting[m.Header("Call-ID")+" "+m.Header("CSeq")] <- m:
	default: // a repeat, or nobody's
	}
}

// Do sends the request, again and again, and gives its final answer.
func (u *UserAgent) Do(ctx context.Context, r SIPRequest) (SIPMessage, error) {
	u.wire.fill(&r)
	key := fmt.Sprintf("%s %d %s", r.CallID, r.CSeq, r.Method)
	answer := make(chan SIPMessage, 1)
	u.mu.Lock()
	u.waiting[key] = answer
	u.mu.Unlock()
	defer func() {
		u.mu.Lock()
		delete(u.waiting, key)
		u.mu.Unlock()
	}()
	text := u.wire.text(r)
	again := time.NewTicker(resendEvery)
	defer again.Stop()
	for {
		_ = u.wire.Send(text) // to a gateway that is not there it fails
		select {
		case m := <-answer:
			return m, nil
		case <-again.C:
		case <-ctx.Done():
			return SIPMessage{}, fmt.Errorf("%s %s: %w", r.Method, r.URI, context.Cause(ctx))
		}
	}
}

// DoAs is Do, and answers a challenge as user.
func (u *UserAgent) DoAs(ctx context.Context, r SIPRequest, user, password string) (SIPMessage, error) {
	u.wire.fill(&r)
	return authenticated(ctx, r, u.Do, user, password, "SHA-256")
}

// Register registers its address as user's at domain.
func (u *UserAgent) Register(ctx context.Context, user, password, domain string) error {
	aor := "<sip:" + user + "@" + domain + ">"
	m, err := u.DoAs(ctx, SIPRequest{
		Method: "REGISTER", URI: "sip:" + domain, From: aor, To: aor,
		Headers: []string{"Contact: <sip:" + user + "@" + u.Local() + ">", "Expires: 300"},
	}, user, password)
	if err == nil && m.Code() != 200 {
		err = fmt.Errorf("register %s: %s", user, m.Start)
	}
	return err
}

// Got is the MESSAGE requests so far, in order, without repeats.
func (u *UserAgent) Got() []SIPMessage {
	got, _ := u.watch()
	var all []SIPMessage
	for _, m := range got {
		if m.Method() == "MESSAGE" {
			all = append(all, m)
		}
	}
	return all
}

// Wait gives the first MESSAGE of all that match likes, as soon as there is
// one.
func (u *UserAgent) Wait(ctx context.Context, match func(SIPMessage) bool) (SIPMessage, error) {
	for seen := 0; ; {
		got, grown := u.watch()
		for ; seen < len(got); seen++ {
			if got[seen].Method() == "MESSAGE" && match(got[seen]) {
				return got[seen], nil
			}
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return SIPMessage{}, fmt.Errorf("the user agent at %s waits: %w", u.Local(), context.Cause(ctx))
		}
	}
}

// WaitText gives the first MESSAGE whose text is text.
func (u *UserAgent) WaitText(ctx context.Context, text string) (SIPMessage, error) {
	m, err := u.Wait(ctx, func(m SIPMessage) bool { return m.Text() == text })
	if err != nil {
		return m, fmt.Errorf("text %q: %w", text, err)
	}
	return m, nil
}

// watch gives the requests so far and a channel that closes when there are
// more.
func (u *UserAgent) watch() ([]SIPMessage, <-chan struct{}) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.grown == nil {
		u.grown = make(chan struct{})
	}
	return u.got[:len(u.got):len(u.got)], u.grown
}
