package sip

import "time"

const (
	maxOffers = 4096
	offerTime = 15 * time.Minute // longer than a phone that failed waits to try again
)

// offers remembers who has been offered which algorithms. There are phones
// (baresip 1.0 is one) that give up when they see an algorithm they do not
// know, though one they know stands beside it. Who was offered both and comes
// again without credentials is offered the older one alone; unless it has
// answered by the newer one, for many phones begin every refresh without
// credentials. Both are accepted at any time, so nothing is gained by making us
// think that somebody is such a phone.
type offers struct{ made map[attempt]*offer }

type offer struct {
	at     time.Time
	strong bool // it has answered by SHA-256
	alone  bool // MD5 was offered alone
}

// algorithms are what somebody is offered now. Only a REGISTER teaches us: who
// fails at anything else does not try again.
func (a *authenticator) algorithms(t attempt, register bool, now time.Time) []string {
	both := []string{"SHA-256", "MD5"}
	if _, known := a.passwords[t.name]; !known {
		return both
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	o := a.offers.made[t]
	if o != nil && !o.strong && (register || o.alone) && now.Sub(o.at) < offerTime {
		o.at, o.alone = now, true
		return both[1:]
	}
	if !register {
		return both
	}
	if o == nil {
		o = a.offers.add(t, now)
	}
	o.at, o.alone = now, false
	return both
}

// add remembers somebody new.
func (o *offers) add(t attempt, now time.Time) *offer {
	if o.made == nil {
		o.made = map[attempt]*offer{}
	}
	for old, was := range o.made {
		if len(o.made) < maxOffers {
			break
		}
		if now.Sub(was.at) >= offerTime || len(o.made) == maxOffers {
			delete(o.made, old)
		}
	}
	n := &offer{}
	o.made[t] = n
	return n
}

// canSHA256 notes that somebody has answered a challenge by SHA-256.
func (a *authenticator) canSHA256(t attempt) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if o := a.offers.made[t]; o != nil {
		o.strong = true
	}
}
