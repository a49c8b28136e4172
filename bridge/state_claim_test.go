package bridge

import (
	"slices"
	"testing"
)

// does lists what a machine has a leg do, by verb.
func does(todo []action, do verb) (legs []int, causes []Cause) {
	for _, a := range todo {
		if a.do == do {
			legs, causes = append(legs, a.leg), append(causes, a.cause)
		}
	}
	return legs, causes
}

func TestAClaimedHomeHasTheCallToItself(t *testing.T) {
	t.Parallel()
	m := begin(false)
	m.step(input{1, Ringing{}})
	todo := m.step(input{2, Claimed{}})
	if legs, causes := does(todo, doHangup); !slices.Equal(legs, []int{1}) || causes[0] != Elsewhere {
		t.Errorf("hung up %v for %v", legs, causes)
	}
	timer := slices.IndexFunc(todo, func(a action) bool { return a.do == doTimer && a.timer == timerRing && a.d == claimBound })
	if timer < 0 {
		t.Errorf("no time is set: %+v", todo)
	}
	if accepted, _ := does(todo, doAccept); accepted != nil || m.state != ringing {
		t.Errorf("it is %v already", m.state)
	}
	m.step(input{1, Ended{Cause: Elsewhere}})
	m.step(input{2, Answered{1, sound("0", SendReceive, "pcmu")}})
	if admits, _ := does(m.step(input{2, Accepted{}}), doAdmit); !slices.Equal(admits, []int{0}) {
		t.Errorf("lets in %v", admits)
	}
	if accepted, _ := does(m.step(input{0, admitted{}}), doAccept); !slices.Equal(accepted, []int{0}) || m.state != talking {
		t.Errorf("accepted %v, and is %v", accepted, m.state)
	}
}

func TestAClaimThatComesToNothingEndsTheCall(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		in   input
		want Cause
	}{
		{"the time is over", input{nobody, rangOut{}}, Unavailable},
		{"the home ends", input{2, Ended{Cause: Insecure}}, Insecure},
	} {
		m := begin(false)
		m.step(input{2, Claimed{}})
		m.step(row.in)
		if m.state != ending || m.cause != row.want {
			t.Errorf("%s: %v for %v", row.name, m.state, m.cause)
		}
	}
}

func TestWhatIsHeardEarlyEndsWithAClaimElsewhere(t *testing.T) {
	t.Parallel()
	m := begin(false)
	m.step(input{1, Answered{1, sound("0", SendReceive, "pcmu")}})
	m.step(input{1, Ringing{Early: true}})
	m.step(input{2, Claimed{}})
	if m.pair[1] != nobody {
		t.Errorf("the caller still hears %d", m.pair[1])
	}
}

// TestEarlySoundPromptsWhereTheMapSaysSo: a caller whose network has no sound before
// a call is taken is not put through without the map's word.
func TestEarlySoundPromptsWhereTheMapSaysSo(t *testing.T) {
	t.Parallel()
	for _, early := range []bool{false, true} {
		m := begin(false)
		m.search.terms.Early = early
		m.step(input{1, Answered{1, sound("0", SendReceive, "pcmu")}})
		todo := m.step(input{1, Ringing{Early: true}})
		i := slices.IndexFunc(todo, func(a action) bool { return a.do == doRing })
		if i < 0 || !todo[i].early || todo[i].prompt != early {
			t.Errorf("early = %v: %+v", early, todo)
		}
	}
}
