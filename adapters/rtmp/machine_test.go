package rtmp

import "testing"

// TestEveryInputInEveryStage holds the whole machine: what is not in the table
// changes nothing.
func TestEveryInputInEveryStage(t *testing.T) {
	t.Parallel()
	table := map[stage]map[input]move{
		placing: {
			inRing: {ringing, tellRinging}, inTaken: {talking, tellAccepted}, inEnded: {over, tellOver},
			inReject: {over, endCall}, inBye: {over, endCall}, inGone: {over, endCall},
		},
		ringing: {
			inRing: {ringing, tellRinging}, inTaken: {talking, tellAccepted}, inEnded: {over, tellOver},
			inReject: {over, endCall}, inBye: {over, endCall}, inGone: {over, endCall},
		},
		invited: {
			inEnded: {over, tellOver}, inAccept: {talking, takeCall | tellAccepted},
			inReject: {over, endCall}, inBye: {over, endCall}, inGone: {over, endCall},
		},
		talking: {
			inEnded: {over, tellOver}, inReject: {over, endCall}, inBye: {over, endCall}, inGone: {over, endCall},
			inDigit: {talking, passDigit}, inHold: {talking, passHold}, inHeld: {talking, tellHeld}, inKey: {talking, tellKey},
		},
		over: {},
	}
	for s := range stageCount {
		for in := range inputCount {
			want, ok := table[s][in]
			if !ok {
				want = move{to: s}
			}
			if got := next(s, in); got != want {
				t.Errorf("input %d in stage %d: %+v, want %+v", in, s, got, want)
			}
		}
	}
}
