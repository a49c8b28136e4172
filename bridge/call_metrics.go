package bridge

import (
	"github.com/prometheus/client_golang/prometheus"
)

// callMetrics count calls, legs and what was heard of them.
type callMetrics struct {
	legs      *prometheus.CounterVec
	active    *prometheus.GaugeVec
	modes     *prometheus.CounterVec
	transfers *prometheus.CounterVec
	oneWay    prometheus.Counter
	zero      *prometheus.CounterVec
	dropped   *prometheus.CounterVec
	setup     *prometheus.HistogramVec
	talk      *prometheus.HistogramVec
	mos       *prometheus.HistogramVec
	loss      *prometheus.HistogramVec
	jitter    *prometheus.HistogramVec
	under     prometheus.GaugeFunc
	ports     prometheus.GaugeFunc
	converted prometheus.GaugeFunc

	ended *tally[prometheus.Counter] // of legs
	mute  *tally[prometheus.Counter] // of zero
	there *tally[prometheus.Gauge]   // of active
}

// newCallMetrics makes them; underWay counts calls, ports those of media, and
// transcoded the calls that are.
func newCallMetrics(underWay, ports, transcoded func() int) *callMetrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
	}
	m := &callMetrics{
		legs: counter("gateway_call_legs_total",
			"Legs of calls that have ended, and callers that were refused, by the adapter that brought them (in) or was asked to call (out), and the cause.",
			"adapter", "direction", "cause"),
		active: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "gateway_call_legs_active", Help: "Legs of calls."},
			[]string{"adapter", "direction"}),
		modes:     counter("gateway_call_media_total", "How media came to cross, once for each time it was decided.", "mode"),
		transfers: counter("gateway_call_transfers_total", "Transfers that were asked for, by what came of them: done, or the cause of a refusal.", "result"),
		oneWay: prometheus.NewCounter(prometheus.CounterOpts{Name: "gateway_call_one_way_total",
			Help: "Calls that were taken and in which only one side was ever heard."}),
		zero: counter("gateway_call_zero_packet_streams_total", "Streams of legs in calls that were taken, from which no packet came.", "adapter"),
		dropped: counter("gateway_media_dropped_packets_total",
			"Packets that came for streams of calls that have ended, and were thrown away, by why: \"ceiling\" are more than any stream has.",
			"adapter", "reason"),
		setup: histogram("gateway_call_setup_seconds", "Time until a call was taken, by the caller's adapter.", []float64{.1, .25, .5, 1, 2, 5, 10, 20, 30, 60}, "adapter"),
		talk:  histogram("gateway_call_talk_seconds", "Time from there to the end.", []float64{1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200}, "adapter"),
		mos:   histogram("gateway_call_mos", "Mean opinion score of what came from a leg's party, by the E-model.", []float64{1.5, 2, 2.5, 3, 3.25, 3.5, 3.75, 4, 4.2, 4.4}, "adapter"),
		loss:  histogram("gateway_call_loss_ratio", "Part of a leg party's packets that were lost on their way to us.", []float64{0, .001, .005, .01, .02, .05, .1, .2, .5}, "adapter"),
		jitter: histogram("gateway_call_jitter_seconds", "Jitter of what came from a leg's party.",
			[]float64{.001, .002, .005, .01, .02, .03, .05, .1, .2}, "adapter"),
		under: prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "gateway_calls_active", Help: "Calls under way."},
			func() float64 { return float64(underWay()) }),
		ports: prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "gateway_media_ports",
			Help: "Streams of legs that ports are open for: a pair each, or a place on those that are shared."},
			func() float64 { return float64(ports()) }),
		converted: prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "gateway_calls_transcoded", Help: "Calls whose sound is decoded and encoded."},
			func() float64 { return float64(transcoded()) }),
	}
	m.ended, m.there = newTally(3, m.legs.WithLabelValues), newTally(2, m.active.WithLabelValues)
	m.mute = newTally(1, m.zero.WithLabelValues)
	return m
}

func (m *callMetrics) all() []prometheus.Collector {
	return []prometheus.Collector{
		m.legs, m.active, m.modes, m.transfers, m.oneWay, m.zero, m.dropped, m.setup, m.talk, m.mos, m.loss, m.jitter, m.under, m.ports,
		m.converted,
	}
}

// refused counts a caller that was not let in.
func (m *callMetrics) refused(adapter string, err error) {
	m.ended.at(adapter, "in", causeOf(err).String()).Inc()
}

// leg counts the legs that are there.
func (m *callMetrics) leg(r *LegRecord, by float64) {
	m.there.at(r.Adapter, r.Direction, "").Add(by)
}

func (m *callMetrics) mode(mode mediaMode) { m.modes.WithLabelValues(string(mode)).Inc() }

func (m *callMetrics) transfer(c Cause) {
	result := "done"
	if c != 0 {
		result = c.String()
	}
	m.transfers.WithLabelValues(result).Inc()
}

// up counts a call that is taken.
func (m *callMetrics) up(adapter string, r *Record) {
	m.setup.WithLabelValues(adapter).Observe(r.Setup)
}

// end counts a call that has ended.
func (m *callMetrics) end(r *Record) {
	taken, heard, mute := !r.Answer.IsZero(), 0, 0
	for _, l := range r.Legs {
		m.ended.at(l.Adapter, l.Direction, l.Cause).Inc()
		m.drops(l)
		if !taken || l.Answer.IsZero() || len(l.Streams) == 0 {
			continue
		}
		came := uint64(0)
		for _, s := range l.Streams {
			came += s.In.Packets
			m.stream(l.Adapter, s)
		}
		if came > 0 {
			heard++
		} else {
			mute++
		}
	}
	if !taken {
		return
	}
	if heard > 0 && mute > 0 {
		m.oneWay.Inc()
	}
	m.talk.WithLabelValues(r.Legs[0].Adapter).Observe(r.Talk)
}

// drops counts what was thrown away of a leg's streams.
func (m *callMetrics) drops(l *LegRecord) {
	for _, s := range l.Streams {
		for why, n := range s.stats.Dropped {
			if n > 0 {
				m.dropped.WithLabelValues(l.Adapter, why.String()).Add(float64(n))
			}
		}
	}
}

func (m *callMetrics) stream(adapter string, s StreamRecord) {
	if s.In.Packets == 0 {
		m.mute.at(adapter, "", "").Inc()
		return
	}
	m.mos.WithLabelValues(adapter).Observe(s.In.MOS)
	m.loss.WithLabelValues(adapter).Observe(s.In.Loss)
	m.jitter.WithLabelValues(adapter).Observe(s.In.Jitter / 1000)
}
