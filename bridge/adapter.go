package bridge

import (
	"context"
	"log/slog"

	"gateway/bridge/media"

	"github.com/prometheus/client_golang/prometheus"
)

// An Adapter speaks one protocol with the outside world.
type Adapter interface {
	// Run serves until ctx is done, then returns nil; or returns an error
	// when the adapter can never work (its port is taken, say). A peer that
	// is away is no such error: it is looked for again. Run returns only
	// after everything it started has ended.
	Run(ctx context.Context, h Handler) error
}

// What an adapter can do besides, found once at start by type assertion.
type (
	// A Messenger can deliver messages.
	Messenger interface {
		// SendMessage hands m to m.To, whose name is one of this adapter's,
		// as m.From, whose name is one of this adapter's too. It returns
		// Taken, Relayed or Arrived when the next hop has answered for m,
		// else an *Error. It is called by many goroutines, but by one at a time for
		// a pair of parties. It gives up when ctx is done.
		SendMessage(ctx context.Context, m Message) (Outcome, error)
	}
	// A Starter is a Messenger that needs nobody to wait for most of its messages.
	Starter interface {
		// StartMessage is SendMessage but does not wait: done hears, exactly once and
		// maybe before it returns, what SendMessage would have returned. done does not wait
		// for anything either. StartMessage reports false, and has done nothing, where
		// SendMessage must be asked.
		StartMessage(m Message, done func(Outcome, error)) bool
	}
	// A Reentrant adapter may be called back by the bridge before its own call of
	// Handler.Incoming or of Events.Post has returned: it holds no lock then that a
	// command of its legs, or Dial, needs. What such a call leads to is done in its
	// goroutine; of other adapters it is done in one of the bridge's.
	Reentrant interface{ Reentrant() }
	// A Drainer has something to say before the end.
	Drainer interface {
		// Drain stops taking new work: it unregisters, and refuses what
		// comes. SendMessage goes on working until Run's context is done.
		// It returns when ctx is done at the latest.
		Drain(ctx context.Context)
	}
)

// Handler is the bridge as one adapter sees it. Every method may be called
// from any goroutine and returns at once.
type Handler interface {
	// Message takes m, of any kind but Failed, whose From and To are names of this adapter's, and
	// calls done exactly once when its fate is known: Taken, Stored (it is
	// on disk; a Failed comes if it can't be delivered after all), or an
	// *Error. That is within seconds. Messages from one party to another
	// are handed on in the order of the calls. done must not block.
	Message(m Message, done func(Outcome, error))
	// Incoming offers the call of a party of this adapter's to a name of this
	// adapter's. open is called at most once, before Incoming returns, to make
	// the caller's leg; never when the call is refused, which an *Error says. It
	// does not wait for the callee.
	Incoming(inv Invite, open func(Events) Leg) error
	// Bounced says that a message that was Relayed was refused after all.
	// id is Message.ID.
	Bounced(id string, err *Error)
	// Reachable says that a party who was away is back: what waits for it
	// is tried at once. The zero Address stands for everybody on this
	// adapter.
	Reachable(a Address)
	// Changed says that the presence of a party of this adapter's may be
	// another now; with no name, that of everybody here.
	Changed(a Address)
	// Watch takes the wish of a party of this adapter's. done hears, exactly
	// once and maybe from another goroutine, that it is on disk, or an *Error:
	// then the watch is over, if there was one. It must not block.
	Watch(w Watch, done func(error))
	// Enroll is Enroller.Enroll of the adapter e.At; told hears Unsupported if it
	// is none.
	Enroll(e Enrolment, told func(error)) (leave func())
	// EnrollsFor is Enroller.EnrollsFor of an adapter; false if it is none.
	EnrollsFor(at, domain string) bool
	// MayTranscode reports whether there is room to decode and encode the sound of the calls that have
	// these legs of the adapter's (Limits.Transcoded); those for which that is done already need none.
	MayTranscode(legs ...string) bool
	// State says whether the adapter can reach its network now, and if not,
	// why; or what does not work all the same. Until the first call it is
	// taken to be down.
	State(up bool, err error)
}

// A Batcher is a Handler that does together what is asked of it at once.
type Batcher interface {
	// Batch calls f. What adapters say within it of messages that were started
	// (Starter) is written to disk when it returns, by one write.
	Batch(f func())
}

// Env is what an adapter is given to live with.
type Env struct {
	Name    string                // the adapter's name in the mapping file
	Node    string                // the gateway's name: fit for ids and host names
	Version string                // of the gateway
	Log     *slog.Logger          // with the adapter's name set
	Metrics prometheus.Registerer // which adds the label "adapter"
	// Key is 32 random bytes that outlive a restart, for marks that only
	// this gateway can have made.
	Key []byte
	// Media carries the packets of calls.
	Media media.Plane
}

// A Log keeps the outbox on disk. Every method may be called from any
// goroutine.
type Log interface {
	// Append returns when data is on disk. Sequence numbers grow. data is not
	// changed after that.
	Append(ctx context.Context, data []byte) (seq uint64, err error)
	// Delete forgets seq. One that is gone already is no error.
	Delete(seq uint64) error
	// Replay calls f for everything that is there, in order.
	Replay(ctx context.Context, f func(seq uint64, data []byte) error) error
}

// A Keeper is a Log that does most without making anybody wait.
type Keeper interface {
	// Keep is Append, but done hears, exactly once and maybe before Keep returns, what
	// Append would have returned. It reports false, and has done nothing, where Append must
	// be asked.
	Keep(data []byte, done func(seq uint64, err error)) bool
	// Drop is Delete of what does no harm if a crash brings it back. It reports
	// false, and has done nothing, where Delete must be asked.
	Drop(seq uint64) bool
}
