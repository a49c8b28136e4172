package sip

import (
	"gateway/adapters/sip/dialog"
	"gateway/adapters/sip/wire"
	"gateway/bridge"
)

const completedElsewhere = "Call completed elsewhere"

// reason is why a call ends, for BYE, CANCEL and refusals (RFC 3326, RFC 6432).
func reason(c bridge.Cause) wire.Field {
	if c == bridge.Elsewhere {
		// What phones look for, so as to show no missed call (RFC 3326 section 2).
		return dialog.Reason{Protocol: "SIP", Cause: 200, Text: completedElsewhere}.Field()
	}
	if c == bridge.BusyEverywhere { // Q.850 does not tell it from Busy
		return dialog.Reason{Protocol: "SIP", Cause: callStatusOf(c), Text: c.String()}.Field()
	}
	return dialog.Reason{Protocol: "Q.850", Cause: releaseOf(c), Text: c.String()}.Field()
}

// endOf is what the end of a call means, and what was said of it for people.
// ours is what we had hung up for.
func endOf(ev dialog.Ended, ours bridge.Cause) (c bridge.Cause, text string) {
	switch ev.Why {
	case dialog.Ours:
		return ours, ""
	case dialog.Failed:
		return failureOf(ev), ev.Phrase
	case dialog.Cancelled:
		c, text = reasonOf(ev.Reasons)
		if c != bridge.Elsewhere {
			c = bridge.Cancelled
		}
		return c, text
	case dialog.HungUp:
		if c, text = reasonOf(ev.Reasons); c == 0 {
			c = bridge.Normal
		}
		return c, text
	case dialog.Closed:
		return bridge.Unavailable, ""
	default: // nobody is there any more
		return bridge.Timeout, ""
	}
}

// failureOf is why an INVITE was refused. A Q.850 cause says more than a status
// that can mean anything.
func failureOf(ev dialog.Ended) bridge.Cause {
	switch ev.Status {
	case 0:
		return bridge.Timeout
	case 480, 487, 500, 503:
		if c, _ := reasonOf(ev.Reasons); c != 0 && c != bridge.Normal {
			return c
		}
	}
	return causeOf(ev.Status)
}

// reasonOf is the first of the reasons that means something; 0 for none.
func reasonOf(all []dialog.Reason) (bridge.Cause, string) {
	for _, r := range all {
		var c bridge.Cause
		switch {
		case r.Protocol == "SIP" && r.Cause == 200:
			c = bridge.Elsewhere
		case r.Protocol == "SIP" && r.Cause >= 300 && r.Cause < 700:
			c = causeOf(r.Cause)
		case r.Protocol == "Q.850":
			c = causeOfRelease(r.Cause)
		}
		if c != 0 {
			return c, r.Text
		}
	}
	return 0, ""
}
