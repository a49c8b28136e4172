// Package bulk moves objects (files) between peers of a mesh, in blocks that the
// receiver asks for.
//
//	sender                      receiver
//	  │── OFFER ───────────────────▶│  size, hash, name: do I want it, what have I of it?
//	  │◀───────────────── GET 0-3 ──│  as much as the flow allows (flow.go)
//	  │── DATA 0 ── DATA 1 ────────▶│  to disk (partial.go)
//	  │◀───────────────── GET 4-9 ──│
//	  │         …                   │  whole, its hash is right, synced:
//	  │◀──────────────────── DONE ──│
//
// One goroutine, the Mover's, owns all transfers; each file that comes has another
// for its disk. An object is known by its hash: several peers who offer one are
// asked side by side, and what was begun goes on where it was when somebody offers
// it again, whoever of both has been away.
//
// Names are labels. What comes lies under a safe name in one folder, and is never
// larger than it was said to be.
package bulk
