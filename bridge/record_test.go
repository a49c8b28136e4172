package bridge

import (
	"testing"
	"time"
)

// TestAClockThatIsSetBendsNoDuration: the times of day in a record are what the
// clock said; how long things took is not.
func TestAClockThatIsSetBendsNoDuration(t *testing.T) {
	t.Parallel()
	r := newRecord("gw1", "x", Invite{})
	r.Start = r.Start.Add(time.Hour) // it is set back after that
	r.answered()
	r.Answer = r.Answer.Add(time.Hour)
	r.close(Normal, "caller")
	if r.Setup < 0 || r.Setup > 60 || r.Talk < 0 || r.Talk > 60 {
		t.Errorf("set up in %v s, %v s of talk", r.Setup, r.Talk)
	}
}
