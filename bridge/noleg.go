package bridge

import "time"

// NoLeg is a Leg that has ended before it began: its identity, which may be "". Who gives it
// out posts the Ended; it does nothing.
type NoLeg string

var _ Leg = NoLeg("")

// ID implements Leg.
func (l NoLeg) ID() string { return string(l) }

// Ring implements Leg.
func (NoLeg) Ring(bool) {}

// Accept implements Leg.
func (NoLeg) Accept() {}

// Offer implements Leg.
func (NoLeg) Offer(Offer) {}

// Answer implements Leg.
func (NoLeg) Answer(uint32, Description) {}

// Refuse implements Leg.
func (NoLeg) Refuse(uint32, Cause) {}

// Digit implements Leg.
func (NoLeg) Digit(rune, time.Duration) {}

// Transfer implements Leg.
func (NoLeg) Transfer(string, Cause) {}

// Hangup implements Leg.
func (NoLeg) Hangup(Cause) {}
