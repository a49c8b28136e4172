// Package mix has several parties hear each other: each hears the sum of the others, and not
// itself.
//
// A Mixer has no goroutine and no clock: somebody asks it for the next frame in the time that a
// frame takes. What it keeps is bounded.
package mix

import (
	"math"
	"slices"
)

const (
	// cushion is how many frames a party has to have said before it is heard, at the beginning and
	// whenever nothing was left: who says a frame in each frame's time, not exactly, has none missing then.
	cushion = 3
	// most is how many may wait. A clock that is faster than ours fills that up; then the oldest go, but for a
	// cushion.
	most = 10
)

// A Mixer mixes linear sound of one rate, in one channel. It belongs to one goroutine, or
// to whoever holds a lock.
type Mixer struct {
	frame  int
	voices []voice
	sum    []int32
	spoke  int // voices that said something of the frame
}

type voice struct {
	waiting []int16
	heard   bool // there was a cushion
	spoke   bool // it says something of now
	now     []int16
}

// New makes a mixer for so many parties, whose frames have so many samples.
func New(parties, frame int) *Mixer {
	m := &Mixer{frame: frame, voices: make([]voice, parties), sum: make([]int32, frame)}
	for i := range m.voices {
		m.voices[i].now = make([]int16, frame)
	}
	return m
}

// Put takes what a party says, of any length, and gives how many samples are left out, because more came than
// was heard.
func (m *Mixer) Put(party int, pcm []int16) (dropped int) {
	v := &m.voices[party]
	v.waiting = append(v.waiting, pcm...)
	if len(v.waiting) <= most*m.frame {
		return 0
	}
	dropped = len(v.waiting) - cushion*m.frame
	v.waiting = slices.Delete(v.waiting, 0, dropped)
	return dropped
}

// Next mixes a frame. Whoever has nothing to say is silent. Give is called for each party, with what it
// hears, good during the call; spoken: one of the others has said something.
func (m *Mixer) Next(give func(party int, pcm []int16, spoken bool)) {
	clear(m.sum)
	m.spoke = 0
	for i := range m.voices {
		v := &m.voices[i]
		v.next(m.frame)
		if v.spoke {
			m.spoke++
		}
		for k, s := range v.now {
			m.sum[k] += int32(s)
		}
	}
	for i := range m.voices {
		v := &m.voices[i]
		for k, s := range v.now {
			v.now[k] = clip(m.sum[k] - int32(s))
		}
		give(i, v.now, m.spoke > 1 || m.spoke == 1 && !v.spoke)
	}
}

// next takes a frame of what waits; one that is not whole ends in silence.
func (v *voice) next(frame int) {
	clear(v.now)
	v.spoke = false
	if !v.heard && len(v.waiting) < cushion*frame {
		return
	}
	n := copy(v.now, v.waiting)
	v.heard, v.spoke = n == frame, n > 0
	v.waiting = slices.Delete(v.waiting, 0, n)
}

func clip(s int32) int16 { return int16(min(max(s, math.MinInt16), math.MaxInt16)) }
