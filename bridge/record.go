package bridge

import (
	"encoding/json"
	"slices"
	"time"

	"gateway/codec"
)

// A Record is what is kept of one call: a line of the file that [gateway]
// records names. Times are in UTC.
type Record struct {
	ID     string `json:"id"`               // the bridge's own
	Origin string `json:"origin,omitempty"` // what the caller's network calls it
	Node   string `json:"node"`

	From    string `json:"from"` // who called, at home: ADAPTER:NAME
	Display string `json:"from_name,omitempty"`
	To      string `json:"to"` // what was dialled
	// Diverted are those who had it forwarded before it came here, the last first: as the
	// caller's network says.
	Diverted []string `json:"diverted,omitempty"`

	Start  time.Time `json:"start"`
	Answer time.Time `json:"answer,omitzero"` // when somebody took it
	End    time.Time `json:"end"`
	Setup  float64   `json:"setup,omitempty"` // seconds from Start to Answer
	Talk   float64   `json:"talk"`            // seconds from Answer to End; 0 if nobody took it

	Cause string `json:"cause"` // why it ended
	By    string `json:"by"`    // who ended it: "caller", "callee" or "gateway"
	// Media is how it crossed; "" if it never did.
	Media     string `json:"media,omitempty"`
	Transfers int    `json:"transfers,omitempty"`
	// Legs are the caller's first; none if the call was refused at once.
	Legs []*LegRecord `json:"legs"`

	// began and taken are Start and Answer by a clock that nobody sets.
	began, taken time.Time
}

// A LegRecord is what is kept of one leg of a call.
type LegRecord struct {
	ID        string `json:"id"` // as Leg.ID
	Adapter   string `json:"adapter"`
	Direction string `json:"direction"` // "in" or "out"
	Party     string `json:"party"`     // who it is, at home
	// Other is what the party sees the other side called.
	Other   string    `json:"other"`
	Start   time.Time `json:"start"`
	Ringing time.Time `json:"ringing,omitzero"`
	Answer  time.Time `json:"answer,omitzero"`
	End     time.Time `json:"end"`
	Cause   string    `json:"cause"`            // why it ended: the leg's word
	Told    string    `json:"told,omitempty"`   // why it was told to end, if it was
	Reason  string    `json:"reason,omitempty"` // what its network said
	// Formats are those of sound that were agreed on last.
	Formats []string       `json:"formats,omitempty"`
	Streams []StreamRecord `json:"streams,omitempty"`

	who    Party        // Party, and how it is displayed
	format codec.Format // the first of Formats
}

// maxStreams bounds what is kept of a leg whose streams come and go.
const maxStreams = 16

// newRecord begins the record of a call.
func newRecord(node, id string, inv Invite) *Record {
	r := &Record{
		ID: id, Origin: inv.ID, Node: node, From: inv.From.Address.String(), Display: inv.From.Display,
		To: inv.To.Address.String(), Start: stamp(), Legs: []*LegRecord{}, began: time.Now(),
	}
	for _, a := range inv.Forwarders {
		r.Diverted = append(r.Diverted, a.String())
	}
	return r
}

// newLegRecord begins the record of a leg of who, which sees the other side as
// other.
func newLegRecord(direction string, who Party, other Address) *LegRecord {
	return &LegRecord{
		Adapter: who.Adapter, Direction: direction, Party: who.Address.String(), Other: other.Name,
		Start: stamp(), who: who,
	}
}

// stamp is the time for a record.
func stamp() time.Time { return time.Now().UTC().Round(time.Millisecond) }

// seconds are those of d, to the millisecond.
func seconds(d time.Duration) float64 { return d.Round(time.Millisecond).Seconds() }

// over reports whether the leg has ended.
func (r *LegRecord) over() bool { return !r.End.IsZero() }

// note takes in what a leg says.
func (r *LegRecord) note(ev Event) {
	switch ev := ev.(type) {
	case Ringing:
		if r.Ringing.IsZero() {
			r.Ringing = stamp()
		}
	case MediaLost:
		if len(r.Streams) < maxStreams {
			r.Streams = append(r.Streams, StreamRecord{Stream: ev.Stream, stats: ev.Stats})
		}
	case Ended:
		r.End, r.Cause, r.Reason = stamp(), ev.Cause.String(), ev.Reason
	}
}

func (r *LegRecord) answered() {
	if r.Answer.IsZero() {
		r.Answer = stamp()
	}
}

func (r *LegRecord) hung(c Cause) {
	if !r.over() && r.Told == "" {
		r.Told = c.String()
	}
}

// agreed notes the formats of a stream that were agreed on.
func (r *LegRecord) agreed(d Description) {
	r.Formats = nil
	for _, s := range d {
		for _, f := range s.Formats {
			if isSound(f) {
				if r.Formats == nil {
					r.format = f
				}
				r.Formats = append(r.Formats, f.String())
			}
		}
	}
}

// answered notes that the call is taken; false if it was before.
func (r *Record) answered() bool {
	if !r.Answer.IsZero() {
		return false
	}
	r.Answer, r.taken = stamp(), time.Now()
	r.Setup = seconds(r.taken.Sub(r.began))
	return true
}

// handed leaves a copy of a leg that goes on in another call.
func (r *Record) handed(leg *LegRecord) {
	for i, l := range r.Legs {
		if l == leg {
			c := *leg
			c.End, c.Cause, c.Streams = stamp(), Replaced.String(), slices.Clone(leg.Streams)
			r.Legs[i] = &c
		}
	}
}

// close completes the record of a call that has ended.
func (r *Record) close(c Cause, by string) {
	r.End = stamp()
	r.Cause, r.By = c.String(), by
	if !r.Answer.IsZero() {
		r.Talk = seconds(time.Since(r.taken))
	}
	for _, l := range r.Legs {
		if !l.over() {
			l.End, l.Cause = r.End, Timeout.String()
		}
		l.measure()
	}
	r.Media = string(r.crossed())
	if r.Media == string(mediaUntouched) && r.Transfers == 0 && slices.ContainsFunc(r.Legs, (*LegRecord).deaf) {
		r.Media = string(mediaNone) // it was agreed on, and nobody was there for it
	}
}

// crossed is how sound crossed in truth: what was agreed on only says how it could, and a
// party may send the one of its formats that has to be converted.
func (r *Record) crossed() mediaMode {
	mode := mediaMode(r.Media)
	if !mode.dearer(mediaNone) {
		return mode // nothing was agreed on
	}
	for _, l := range r.Legs {
		for _, s := range l.Streams {
			if m := mediaMode(s.stats.Crossing.String()); s.stats.In.Packets > 0 && m.dearer(mode) {
				mode = m
			}
		}
	}
	return mode
}

// deaf reports whether the leg was in the call and never had a port: whoever takes
// keys only.
func (r *LegRecord) deaf() bool {
	return !r.Answer.IsZero() && len(r.Streams) == 0 && r.Cause != Timeout.String() && r.Cause != Replaced.String()
}

// line is the record as the file has it.
func (r *Record) line() ([]byte, error) {
	b, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	return append(b, '\n'), nil
}
