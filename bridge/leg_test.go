package bridge

import "testing"

func TestWays(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		ours, theirs, want Dir
	}{
		{SendReceive, SendReceive, SendReceive},
		{SendReceive, SendOnly, ReceiveOnly},
		{SendReceive, ReceiveOnly, SendOnly},
		{SendReceive, Inactive, Inactive},
		{SendOnly, SendReceive, SendOnly},
		{SendOnly, SendOnly, Inactive},
		{SendOnly, ReceiveOnly, SendOnly},
		{ReceiveOnly, SendReceive, ReceiveOnly},
		{ReceiveOnly, SendOnly, ReceiveOnly},
		{ReceiveOnly, ReceiveOnly, Inactive},
		{Inactive, SendReceive, Inactive},
		{Inactive, Inactive, Inactive},
	} {
		if got := row.ours.Within(row.theirs); got != row.want {
			t.Errorf("%v within %v: %v, want %v", row.ours, row.theirs, got, row.want)
		}
		if got := Way(row.want.Sends(), row.want.Hears()); got != row.want {
			t.Errorf("%v is made anew as %v", row.want, got)
		}
		// Who sees it from the other side comes to the same.
		if got := row.theirs.Within(row.ours); got != row.want.Reverse() {
			t.Errorf("%v within %v: %v, want %v", row.theirs, row.ours, got, row.want.Reverse())
		}
	}
}
