package peer

import (
	"fmt"
	"slices"
	"strings"
)

// cue is the method of what Trunk.Cue sends. It never comes from a gateway.
const cue = "CUE"

// Cue has a side wait until the test says so, by Trunk.Cue. What the test does
// meanwhile may take as long as it takes, where a Pause had to be long enough. It has no
// place between a request that is no INVITE and the answer.
func Cue() CallStep {
	return func(s *callScript) {
		taken := s.taken
		ExpectRequest(cue)(s)
		s.taken = taken // nobody answers that one
	}
}

// Cue has the side go on that waits in the last call from or to a user. It comes
// behind all that has passed the trunk until now.
func (t *Trunk) Cue(user string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, m := range slices.Backward(t.all) {
		if m.Method() != "INVITE" || !strings.Contains(m.Header("To")+m.Header("From"), "sip:"+user+"@") {
			continue
		}
		theirs, ours := m.Header("To"), m.Header("From")
		if m.ToGateway == (m.Code() == 0) { // the side behind the trunk is who has called
			theirs, ours = ours, theirs
		}
		text := fmt.Sprintf("%s sip:tester@%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK-cue-%d\r\nFrom: %s\r\nTo: %s\r\n"+
			"Call-ID: %s\r\nCSeq: 1 %s\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
			cue, t.Addr(), t.Addr(), len(t.all), ours, theirs, m.Header("Call-ID"), cue)
		_, err := t.inner.WriteToUDPAddrPort([]byte(text), t.calls[m.Header("Call-ID")])
		return err
	}
	return fmt.Errorf("trunk %s: no call of %s to give a cue in", t.Addr(), user)
}
