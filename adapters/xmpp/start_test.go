package xmpp

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gateway/bridge"
)

func TestTextsThatWaitForOneAnswerDontHoldItUp(t *testing.T) {
	t.Parallel()
	inRig(t, nil, func(r *rig) {
		r.setHold(true)
		const most = 2 * queueHigh / 50_000
		heard := make(chan error, most)
		started := 0
		var first node
		for i := range most {
			m := message("a@local.example", strings.Repeat("x", 50_000))
			m.ID = fmt.Sprintf("%s%03d", testID[:len(testID)-3], i)
			if !r.a.StartMessage(m, func(_ bridge.Outcome, err error) { heard <- err }) {
				break // the others would have to wait
			}
			started++
			if i == 0 {
				<-r.got
				first = <-r.asked
				synctest.Wait() // nobody writes any more
			}
		}
		r.send("<presence from='a@local.example' to='gw.example' type='unavailable'/>")
		synctest.Wait() // what comes in between has been looked at
		r.setHold(false)
		r.giveBack(first)
		late := time.After(10 * time.Second)
		for range started {
			select {
			case err := <-heard:
				if err != nil {
					r.t.Fatal(err)
				}
			case <-late:
				r.t.Fatal("the answer is not read")
			}
		}
	})
}
