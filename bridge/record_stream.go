package bridge

import (
	"math"
	"time"

	"gateway/bridge/media"
	"gateway/bridge/media/rtp"
	"gateway/codec"
)

// A StreamRecord is what is kept of the packets of one stream of a leg. In is
// what came from the party, Out what went to it. Loss is 0 to 1, times are
// milliseconds, MOS is 1 to 4.5 by the E-model (ITU-T G.107).
type StreamRecord struct {
	Stream string     `json:"stream"`
	In     FlowRecord `json:"in"`
	Out    FlowRecord `json:"out"`
	// Trip is there and back by RTCP; 0 if it is not known.
	Trip float64 `json:"trip_ms,omitempty"`
	// Dropped are packets that came and were thrown away.
	Dropped uint64 `json:"dropped,omitempty"`
	// Suite is "" for plain packets. Keys says whether its keys were in the signalling,
	// "sdes", or came by a handshake, "dtls".
	Suite string `json:"suite,omitempty"`
	Keys  string `json:"keys,omitempty"`
	// Pair is the way that ICE has chosen: each end's type and address; nil
	// without ICE.
	Pair *PairRecord `json:"pair,omitempty"`

	stats media.Stats
}

// A PairRecord is the two ends of a way: "host 192.0.2.1:4000".
type PairRecord struct {
	Local  string `json:"local"`
	Remote string `json:"remote"`
}

// A FlowRecord is what is kept of one direction. Of Out, loss, jitter and MOS
// are what the party has reported, and 0 if it has not.
type FlowRecord struct {
	Packets uint64  `json:"packets"`
	Octets  uint64  `json:"octets"`
	Lost    int64   `json:"lost"`
	Loss    float64 `json:"loss"`
	Jitter  float64 `json:"jitter_ms"`
	MOS     float64 `json:"mos,omitempty"`
}

// frame is how much sound a packet mostly has.
const frame = 20 * time.Millisecond

// measure fills in what the streams' counts come to.
func (r *LegRecord) measure() {
	f := codec.Format{Name: "pcmu"}
	if len(r.Formats) > 0 {
		f = r.format
	}
	for i := range r.Streams {
		r.Streams[i].measure(f)
	}
}

func (s *StreamRecord) measure(f codec.Format) {
	st := s.stats
	s.Trip, s.Suite, s.Keys = milliseconds(st.Reported.Trip), string(st.Suite), string(st.Keys)
	if p := st.Pair; p.Remote.Address.IsValid() {
		s.Pair = &PairRecord{Local: end(p.Local), Remote: end(p.Remote)}
	}
	for _, n := range st.Dropped {
		s.Dropped += n
	}
	s.In = FlowRecord{Packets: st.In.Packets, Octets: st.In.Octets, Lost: int64(min(st.In.Lost, math.MaxInt64))}
	s.Out = FlowRecord{Packets: st.Out.Packets, Octets: st.Out.Octets}
	if st.In.Packets > 0 {
		s.In.judge(f, s.In.Packets+uint64(s.In.Lost), st.In.Jitter, st.Reported.Trip)
	}
	if !st.Reported.At.IsZero() && st.Out.Packets > 0 {
		s.Out.Lost = max(st.Reported.Lost, 0)
		s.Out.judge(f, s.Out.Packets, st.Reported.Jitter, st.Reported.Trip)
	}
}

// judge says how a flow sounds, of which sent packets were sent.
func (f *FlowRecord) judge(format codec.Format, sent uint64, jitter, trip time.Duration) {
	f.Loss = round(min(1, float64(f.Lost)/float64(sent)), 4)
	f.Jitter = milliseconds(jitter)
	path := rtp.Path{Format: format, Loss: f.Loss, Delay: trip / 2, Jitter: jitter, Frame: frame}
	f.MOS = round(path.MOS(), 2)
}

// end is one end of a way.
func end(c media.Candidate) string { return string(c.Type) + " " + c.Address.String() }

func milliseconds(d time.Duration) float64 { return round(float64(d)/float64(time.Millisecond), 2) }

func round(x float64, digits int) float64 {
	p := math.Pow10(digits)
	return math.Round(x*p) / p
}
