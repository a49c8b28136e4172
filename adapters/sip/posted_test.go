package sip

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gateway/adapters/sip/wire"
)

// A mouth is a carrier by UDP that notes when something was sent.
type mouth struct {
	began time.Time
	fails error
	slow  time.Duration // how long it takes to send

	mu sync.Mutex // guards at: whoever starts sends, and whoever repeats
	at []time.Duration
}

func (m *mouth) network() string        { return "udp" }
func (m *mouth) local() netip.AddrPort  { return netip.AddrPort{} }
func (m *mouth) ended() <-chan struct{} { return nil }
func (m *mouth) send(netip.AddrPort, []byte) error {
	m.mu.Lock()
	m.at = append(m.at, time.Since(m.began))
	m.mu.Unlock()
	time.Sleep(m.slow)
	return m.fails
}

// sent is when something was.
func (m *mouth) sent() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return fmt.Sprint(m.at)
}

// inPosted runs f with transactions that nobody waits in, in time of their own.
func inPosted(t *testing.T, f func(p *posted, m *mouth, end func())) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, m := newPosted(), &mouth{began: time.Now()}
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			p.run(ctx)
		}()
		f(p, m, cancel)
		cancel()
		<-ended
		if len(p.all) > 0 {
			t.Errorf("%d stayed", len(p.all))
		}
	})
}

func answerTo(t *testing.T, branch string, status int) *wire.Message {
	t.Helper()
	m, err := wire.Parse(fmt.Appendf(nil, "SIP/2.0 %d So\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=%s\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: x\r\nCSeq: 1 MESSAGE\r\nContent-Length: 0\r\n\r\n",
		status, branch))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestWhatIsNotAnsweredIsRepeatedAndGivenUp(t *testing.T) {
	inPosted(t, func(p *posted, m *mouth, _ func()) {
		var end error
		took := time.Duration(0)
		note := func(_ *wire.Message, err error) { end, took = err, time.Since(m.began) }
		if err := p.start(flow{carrier: m}, magic+"1", "MESSAGE", []byte("x"), note); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		want := "[0s 500ms 1.5s 3.5s 7.5s 11.5s 15.5s 19.5s 23.5s 27.5s 31.5s]" // RFC 3261 section 17.1.2.2, timer E
		if got := m.sent(); got != want {
			t.Errorf("sent at %s, want %s", got, want)
		}
		if !errors.Is(end, errNoAnswer) || took != timerF {
			t.Errorf("%v after %v", end, took)
		}
	})
}

func TestAnAnswerEndsTheRepeats(t *testing.T) {
	inPosted(t, func(p *posted, m *mouth, _ func()) {
		heard := 0
		note := func(res *wire.Message, err error) {
			if err == nil && res.Response.StatusCode == 200 {
				heard++
			}
		}
		for i := range 3 {
			if err := p.start(flow{carrier: m}, fmt.Sprint(magic, i), "MESSAGE", []byte("x"), note); err != nil {
				t.Fatal(err)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if !p.deliver(answerTo(t, magic+"0", 100)) || !p.deliver(answerTo(t, magic+"1", 200)) {
			t.Error("an answer is for nobody")
		}
		if p.deliver(answerTo(t, magic+"1", 200)) || p.deliver(answerTo(t, "other", 200)) {
			t.Error("an answer for nobody is taken")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		// The one that has a provisional response is repeated once, and then every four seconds (timer E).
		if got, want := m.sent(), "[0s 100ms 200ms 500ms 700ms 1.7s]"; got != want {
			t.Errorf("sent at %s, want %s", got, want)
		}
		p.deliver(answerTo(t, magic+"0", 200))
		p.deliver(answerTo(t, magic+"2", 200))
		if heard != 3 {
			t.Errorf("%d were heard of", heard)
		}
	})
}

func TestTheEndIsToldToWhoWaits(t *testing.T) {
	inPosted(t, func(p *posted, m *mouth, end func()) {
		var got error
		if err := p.start(flow{carrier: m}, magic+"1", "MESSAGE", []byte("x"), func(_ *wire.Message, err error) { got = err }); err != nil {
			t.Fatal(err)
		}
		end()
		synctest.Wait()
		if !errors.Is(got, errClosed) {
			t.Error(got)
		}
		never := func(*wire.Message, error) { t.Error("something was heard of what did not start") }
		if err := p.start(flow{carrier: m}, magic+"2", "MESSAGE", []byte("x"), never); !errors.Is(err, errClosed) {
			t.Error(err)
		}
	})
}

func TestWhatCantBeSentDoesNotStart(t *testing.T) {
	inPosted(t, func(p *posted, m *mouth, _ func()) {
		m.fails = errNoSocket
		never := func(*wire.Message, error) { t.Error("something was heard of what did not start") }
		if err := p.start(flow{carrier: m}, magic+"1", "MESSAGE", []byte("x"), never); !errors.Is(err, errNoSocket) {
			t.Error(err)
		}
		time.Sleep(time.Minute)
	})
}

func TestWhatEndsWhileItIsBeingSentIsToldOnce(t *testing.T) {
	inPosted(t, func(p *posted, m *mouth, end func()) {
		m.fails, m.slow = errNoSocket, 100*time.Millisecond
		heard := make(chan error, 2)
		go func() {
			time.Sleep(50 * time.Millisecond)
			end()
		}()
		err := p.start(flow{carrier: m}, magic+"1", "MESSAGE", []byte("x"), func(_ *wire.Message, err error) { heard <- err })
		if err != nil || len(heard) != 1 || !errors.Is(<-heard, errClosed) {
			t.Errorf("it started with %v, and its end was not told once", err)
		}
	})
}
