package bridge

import (
	"encoding/json"
	"fmt"
	"time"
)

// A job is one copy of a message on its way to one home. Its lane owns it.
type job struct {
	m     Message
	group *group // nil: nobody is told what becomes of it
	seq   uint64 // where it is on disk; 0: it is not
	mark  uint64 // where the disk says that it was relayed; 0: it does not
	tries int    // Message.Try of the next attempt
	slow  bool   // somebody must wait for it: Starter did not take it

	// after is when a message that bounced may be tried again, and bounces
	// the pace of that: the lane's own starts over with every hop that takes
	// the message, only to bounce it.
	after   time.Time
	bounces Backoff
	// verdict is why the message has failed, while its writer can't be told.
	verdict error
}

// transient reports whether the message is worth nothing later: it is never put
// on disk, and does not wait.
func (j *job) transient() bool { return j.m.Kind == Composing || j.m.Kind == Signal }

// deadline is when the message is no longer worth delivering; zero if never.
func (j *job) deadline(expire time.Duration) time.Time {
	if expire <= 0 {
		return time.Time{}
	}
	return j.m.At.Add(expire)
}

// A record is what the outbox keeps of a job, a mark upon another record, a watch, or
// what caps have counted.
type record struct {
	Message *Message   `json:"message,omitempty"`
	Group   *groupInfo `json:"group,omitempty"`
	Mark    *mark      `json:"mark,omitempty"`
	// Watch and Caps stand alone: they are no messages, but want the same disk.
	Watch *watchRecord `json:"watch,omitempty"`
	Caps  *capRecord   `json:"caps,omitempty"`
}

// groupInfo is what a copy must remember of the message that it is a copy of.
type groupInfo struct {
	ID     string `json:"id"`
	Origin Party  `json:"origin"` // who wrote, by the name in the own network
	Dest   Party  `json:"dest"`   // whom the message was addressed to there
	Ref    string `json:"ref,omitempty"`
	Want   Want   `json:"want,omitzero"`
	Copies int    `json:"copies,omitempty"`
	// Settled: another copy has arrived, so that this one may vanish.
	Settled bool `json:"settled,omitempty"`
}

// A mark says something that became true of a record after it was written:
// the log is appended to, never changed.
type mark struct {
	Relayed uint64    `json:"relayed,omitempty"` // the record with this number was handed to the next hop
	Settled string    `json:"settled,omitempty"` // a copy of the group with this ID has arrived
	At      time.Time `json:"at"`
}

func (r record) encode() ([]byte, error) {
	if r.packs() {
		m := r.Message
		b, err := r.pack(make([]byte, 0, 2*r.Group.size()+len(m.Thread)+m.size()))
		if err == nil {
			return b, nil
		}
	}
	b, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode outbox record: %w", err)
	}
	return b, nil
}

func decodeRecord(b []byte) (record, error) {
	if packed(b, packText) {
		r, err := unpackRecord(b)
		if err != nil {
			return r, fmt.Errorf("decode outbox record: %w", err)
		}
		return r, nil
	}
	var r record
	if err := json.Unmarshal(b, &r); err != nil {
		return r, fmt.Errorf("decode outbox record: %w", err)
	}
	return r, nil
}
