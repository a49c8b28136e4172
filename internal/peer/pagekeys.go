package peer

// The frequencies of keys (ITU-T Q.23), in Hz, and the keys where they cross.
var (
	dtmfRows    = [4]float64{697, 770, 852, 941}
	dtmfColumns = [4]float64{1209, 1336, 1477, 1633}
	dtmfKeys    = [4]string{"123A", "456B", "789C", "*0#D"}
)

// A keyEar finds the keys in a sound that comes in pieces: a browser plays what
// it is sent as telephone-events, and tells the page nothing else of them.
type keyEar struct {
	rate int // Hz
	keys string

	rest  []int16 // not looked at yet
	last  byte    // the key in the last window, 0 for none
	steps int     // windows that had it, one behind the other
	pause int     // windows since a key
	held  byte    // the key that has been written down and has not ended
}

const (
	dtmfWindow = 40  // ms
	dtmfStep   = 10  // ms
	dtmfOn     = 3   // windows that make a key
	dtmfOff    = 3   // windows without it that end it
	dtmfShare  = 0.2 // of the energy, in a row and in a column
)

// hear takes the next piece.
func (k *keyEar) hear(samples []int16) {
	k.rest = append(k.rest, samples...)
	window, step := k.rate*dtmfWindow/1000, k.rate*dtmfStep/1000
	for len(k.rest) >= window {
		k.window(k.keyIn(k.rest[:window]))
		k.rest = k.rest[step:]
	}
}

// window takes the key that the next window has in it, 0 for none.
func (k *keyEar) window(key byte) {
	if key == k.last {
		k.steps++
	} else {
		k.last, k.steps = key, 1
	}
	switch {
	case key == k.held:
		k.pause = 0
	case k.held != 0:
		if k.pause++; k.pause >= dtmfOff {
			k.held, k.pause = 0, 0
		}
	}
	if key != 0 && key != k.held && k.steps >= dtmfOn {
		k.keys += string(key)
		k.held, k.pause = key, 0
	}
}

// keyIn is the key that w sounds like, 0 for none.
func (k *keyEar) keyIn(w []int16) byte {
	all := energy(w)
	if all <= hush*float64(len(w)) {
		return 0
	}
	loudest := func(of [4]float64) (at int, share float64) {
		for i, hz := range of {
			if e := goertzel(w, hz/float64(k.rate)) / all; e > share {
				at, share = i, e
			}
		}
		return at, share
	}
	row, r := loudest(dtmfRows)
	column, c := loudest(dtmfColumns)
	if r < dtmfShare || c < dtmfShare {
		return 0
	}
	return dtmfKeys[row][column]
}
