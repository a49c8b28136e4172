package sip

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/netip"
	"sync"
	"time"
)

const (
	nonceLife = time.Minute
	nonceHead = 16 // bytes: when it ends, and random ones
	nonceMAC  = 12
	maxSpent  = 8192
	// ncWindow is how far behind the highest nonce-count one may come, for UDP
	// changes the order.
	ncWindow = 64
)

// nonces makes nonces that only we can have made, and keeps nothing of them
// until one has been used with a right password. They are bound to the source
// that asked.
type nonces struct {
	key []byte

	mu    sync.Mutex // guards spent
	spent map[[nonceHead]byte]*window
}

// A window is what has been used of one nonce.
type window struct {
	ends time.Time
	high uint32
	bits uint64 // bit i: high-i has been used
}

// make gives a nonce for a source.
func (n *nonces) make(a netip.Addr, now time.Time) string {
	var b [nonceHead]byte
	binary.BigEndian.PutUint64(b[:8], uint64(now.Add(nonceLife).UnixMilli()))
	rand.Read(b[8:]) // never fails, by its documentation
	return base64.RawURLEncoding.EncodeToString(append(b[:], n.mac(b[:], a)...))
}

func (n *nonces) mac(head []byte, a netip.Addr) []byte {
	h := hmac.New(sha256.New, n.key)
	h.Write([]byte("sip nonce\x00"))
	h.Write(head)
	ip := source(a).As16()
	h.Write(ip[:])
	return h.Sum(nil)[:nonceMAC]
}

// good says whether a nonce is ours, for that source, and has not ended.
func (n *nonces) good(nonce string, a netip.Addr, now time.Time) (head [nonceHead]byte, ok bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(nonce)
	if err != nil || len(b) != nonceHead+nonceMAC || !hmac.Equal(b[nonceHead:], n.mac(b[:nonceHead], a)) {
		return head, false
	}
	copy(head[:], b)
	return head, now.Before(nonceEnd(head))
}

func nonceEnd(head [nonceHead]byte) time.Time {
	return time.UnixMilli(int64(binary.BigEndian.Uint64(head[:8])))
}

// spend uses a nonce with a count, 0 for a client that knows no counts, which
// may use it once. false: it has been used so before.
func (n *nonces) spend(head [nonceHead]byte, count uint32, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	w := n.spent[head]
	if w == nil {
		if len(n.spent) >= maxSpent {
			n.sweep(now)
		}
		if len(n.spent) >= maxSpent {
			return false // the client is asked again, with a new nonce
		}
		if n.spent == nil {
			n.spent = map[[nonceHead]byte]*window{}
		}
		n.spent[head] = &window{ends: nonceEnd(head), high: count, bits: 1}
		return true
	}
	switch {
	case count == 0 || w.high == 0:
		return false
	case count > w.high:
		w.bits = w.bits<<min(count-w.high, ncWindow) | 1
		w.high = count
		return true
	case w.high-count >= ncWindow || w.bits>>(w.high-count)&1 == 1:
		return false
	}
	w.bits |= 1 << (w.high - count)
	return true
}

// sweep forgets the nonces that have ended. The lock is held.
func (n *nonces) sweep(now time.Time) {
	for head, w := range n.spent {
		if !now.Before(w.ends) {
			delete(n.spent, head)
		}
	}
}
