package rtmp

import (
	"gateway/bridge"
)

// switchTongue is that of the clients of FreeSWITCH's mod_rtmp, whose application
// is "phone". A call is known by its leg's identity; a client has several, and speaks in
// one: the others are held.
type switchTongue struct{}

// The states of a call, as callState tells them.
const (
	stateRinging = "RINGING"
	stateEarly   = "EARLY"
	stateActive  = "ACTIVE"
	stateHeld    = "HELD"
	loseRace     = "LOSE_RACE"
)

func (t switchTongue) placed(s *session, p *phone, number string) {
	s.call("onMakeCall", p.leg.id, number, p.name)
	t.turned(s, p.leg.id)
}

func (switchTongue) turned(s *session, id string) { s.call("onAttach", id) }

func (switchTongue) invited(s *session, p *phone) {
	inv := p.leg.inv
	name, number := oneLine(inv.From.Display, maxDisplay), inv.From.Name
	if inv.Private {
		name, number = "anonymous", "anonymous"
	}
	s.call("incomingCall", p.leg.id, name, number, p.name, nil)
}

func (switchTongue) cancelled(s *session, p *phone) { s.call("onHangup", p.leg.id, loseRace) }

func (switchTongue) ringing(s *session, p *phone, early bool) {
	state := stateRinging
	if early {
		state = stateEarly
	}
	s.call("callState", p.leg.id, state)
}

func (t switchTongue) accepted(s *session, p *phone, front bool) {
	s.call("callState", p.leg.id, stateActive)
	if front && p.leg.out { // else it was told when it called
		t.turned(s, p.leg.id)
	}
}

func (switchTongue) held(s *session, p *phone, on bool) {
	state := stateActive
	if on {
		state = stateHeld
	}
	s.call("callState", p.leg.id, state)
}

func (switchTongue) pressed(s *session, _ *phone, r rune) { s.call("receivedDTMF", string(r)) }

func (switchTongue) untransferred(s *session, p *phone, c bridge.Cause) {
	s.log.Info("transfer refused", "leg", p.leg.id, "cause", c)
}

func (t switchTongue) over(s *session, p *phone, _ stage, c bridge.Cause, _ string) {
	t.hungUp(s, p, c)
}

func (switchTongue) hungUp(s *session, p *phone, c bridge.Cause) {
	s.call("onHangup", p.leg.id, releaseOf(c))
}

// releases are the names that FreeSWITCH has for causes (ITU-T Q.850 table 1).
var releases = map[bridge.Cause]string{
	bridge.NotFound: "UNALLOCATED_NUMBER", bridge.NoRoute: "NO_ROUTE_DESTINATION", bridge.Normal: "NORMAL_CLEARING",
	bridge.Busy: "USER_BUSY", bridge.Timeout: "NO_ANSWER", bridge.Unavailable: "SUBSCRIBER_ABSENT", bridge.Declined: "CALL_REJECTED",
	bridge.Moved: "NUMBER_CHANGED", bridge.Elsewhere: loseRace, bridge.BadAddress: "INVALID_NUMBER_FORMAT",
	bridge.Cancelled: "ORIGINATOR_CANCEL", bridge.Internal: "NORMAL_TEMPORARY_FAILURE", bridge.Overloaded: "SWITCH_CONGESTION",
	bridge.Constrained: "NORMAL_CIRCUIT_CONGESTION", bridge.Forbidden: "OUTGOING_CALL_BARRED", bridge.NotAcceptable: "INCOMPATIBLE_DESTINATION",
	bridge.Unsupported: "FACILITY_NOT_IMPLEMENTED", bridge.GatewayTimeout: "RECOVERY_ON_TIMER_EXPIRE", bridge.NoMedia: "MEDIA_TIMEOUT",
	bridge.Replaced: "ATTENDED_TRANSFER",
}

func releaseOf(c bridge.Cause) string {
	if name, ok := releases[c]; ok {
		return name
	}
	return "NORMAL_UNSPECIFIED"
}

// causeOfRelease is the inverse, for what a client gives as a reason. One that it
// does not give is that it does not want to.
func causeOfRelease(name string) bridge.Cause {
	for c, n := range releases {
		if n == name {
			return c
		}
	}
	return bridge.Declined
}
