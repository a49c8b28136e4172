package sip

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"gateway/adapters/sip/wire"
)

// The timers of RFC 3261 section 17.1.2.2.
const (
	timerT1 = 500 * time.Millisecond
	timerT2 = 4 * time.Second
	timerF  = 64 * timerT1
)

var errNoAnswer = errors.New("no answer")

// clients are the non-INVITE client transactions that wait for an answer.
type clients struct {
	mu      sync.Mutex // guards waiting: whoever sends writes, sockets read
	waiting map[answerKey]chan *wire.Message
}

// An answerKey is what responses have in common with their request (RFC 3261 section
// 17.1.3).
type answerKey struct{ branch, method string }

// branchText has letters only that no element changes.
var branchText = base32.NewEncoding("0123456789abcdefghijklmnopqrstuv").WithPadding(base32.NoPadding)

func newToken() string { return newName("") }

// newName is a token behind what it begins with.
func newName(begin string) string {
	var b [15]byte
	rand.Read(b[:]) // never fails, by its documentation
	var room [32]byte
	return string(branchText.AppendEncode(append(room[:0], begin...), b[:]))
}

// magic begins the branches of RFC 3261 section 8.1.1.7.
const magic = "z9hG4bK"

func newBranch() string { return newName(magic) }

// do runs one transaction over f and gives the final response. build makes
// the request for a branch.
func (c *clients) do(ctx context.Context, f flow, method string, build func(branch string) []byte) (*wire.Message, error) {
	branch := newBranch()
	key := answerKey{branch, method}
	answers := make(chan *wire.Message, 4)
	c.mu.Lock()
	if c.waiting == nil {
		c.waiting = map[answerKey]chan *wire.Message{}
	}
	c.waiting[key] = answers
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.waiting, key)
		c.mu.Unlock()
	}()
	data := build(branch)
	if err := f.write(data); err != nil {
		return nil, err
	}
	giveUp := time.NewTimer(timerF)
	defer giveUp.Stop()
	wait := timerT1
	resend := time.NewTimer(wait)
	defer resend.Stop()
	if f.reliable() {
		resend.Stop()
	}
	for {
		select {
		case m := <-answers:
			if m.Response.StatusCode >= 200 {
				return m, nil
			}
			wait = timerT2
		case <-resend.C:
			if err := f.write(data); err != nil {
				return nil, err
			}
			wait = min(2*wait, timerT2)
			resend.Reset(wait)
		case <-giveUp.C:
			return nil, errNoAnswer
		case <-f.ended():
			return nil, errClosed
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", errNoAnswer, ctx.Err())
		}
	}
}

// deliver hands a response to the transaction it is for. One for none is late,
// repeated or forged.
func (c *clients) deliver(m *wire.Message) bool {
	branch, _ := m.Response.Via().Params.Get("branch")
	method := string(m.Response.CSeq().MethodName)
	if !strings.HasPrefix(branch, magic) {
		return false
	}
	c.mu.Lock()
	answers := c.waiting[answerKey{branch, method}]
	c.mu.Unlock()
	select {
	case answers <- m: // nil, if there is no such transaction: never ready
		return true
	default:
		return false
	}
}
