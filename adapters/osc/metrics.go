package osc

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// By which way packets were handed on: the label of forwarded.
const (
	pathRelay = "relay" // between two members who can't meet
	pathDoor  = "door"  // from or to a member by TCP or WebSocket
	pathGroup = "group" // from an app of ours to the group
	pathApp   = "app"   // from the group to an app of ours
)

// Why packets came to nothing: the label of dropped.
const (
	dropMalformed = "malformed" // no OSC, or not as whole as all members need it
	dropTooLong   = "too_long"  // longer than all members take
	dropStranger  = "stranger"  // from somebody who is none of the group
	dropForged    = "forged"    // a ping from another address than its member's, or what only a server says
	dropUnasked   = "unasked"   // no request that there is
	dropCredit    = "credit"    // an answer that was too much for its address
	dropAway      = "away"      // to a member who has not been heard there yet
	dropSlow      = "slow"      // to a connection that does not take it
	dropLoop      = "loop"      // our own text, come back
	dropRefused   = "refused"   // by our own system
	dropPanic     = "panic"     // a fault of ours
)

// metrics count what the adapter sees.
type metrics struct {
	users, groups, pairs prometheus.Gauge
	statuses             *prometheus.CounterVec
	dropped              *prometheus.CounterVec
	relay, door          prometheus.Counter // of forwarded
	group, app           prometheus.Counter // of forwarded
	moved                *prometheus.CounterVec
	rtt                  prometheus.Histogram
}

// newMetrics registers with reg, which adds the label that tells adapters
// apart. With a nil reg nobody looks.
func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
	}
	counters := func(name, help, label string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{label})
	}
	forwarded := counters("gateway_osc_forwarded_packets_total", "OSC packets that were handed on, by the way that they took.", "path")
	m := &metrics{
		users:    gauge("gateway_osc_users", "Users of the OSC groups: a server's, or the other members of the group that was joined."),
		groups:   gauge("gateway_osc_groups", "Groups of a server."),
		pairs:    gauge("gateway_osc_relayed_pairs", "Pairs of members who meet by our ports."),
		statuses: counters("gateway_osc_registrations_total", "Registrations of users, by the status that was the answer.", "status"),
		dropped:  counters("gateway_osc_dropped_packets_total", "Packets that were not handed on, or not answered, by reason.", "reason"),
		moved:    counters("gateway_osc_pairs_moved_total", "Pairs of members that began to meet another way, by that.", "to"),
		relay:    forwarded.WithLabelValues(pathRelay), door: forwarded.WithLabelValues(pathDoor),
		group: forwarded.WithLabelValues(pathGroup), app: forwarded.WithLabelValues(pathApp),
		rtt: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "gateway_osc_peer_rtt_seconds", Help: "Time of a ping to another member and back.",
			Buckets: []float64{.001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2},
		}),
	}
	if reg == nil {
		return m, nil
	}
	var errs []error
	for _, c := range []prometheus.Collector{m.users, m.groups, m.pairs, m.statuses, m.dropped, m.moved, forwarded, m.rtt} {
		errs = append(errs, reg.Register(c))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	return m, nil
}

func (m *metrics) drop(reason string) { m.dropped.WithLabelValues(reason).Inc() }

func (m *metrics) status(text string) { m.statuses.WithLabelValues(text).Inc() }
