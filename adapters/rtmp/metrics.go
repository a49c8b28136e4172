package rtmp

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// Which way a call went: the label of calls.
const (
	directionIn  = "in"  // a client, or a stream elsewhere, was called
	directionOut = "out" // a client has called
)

// Why a client was refused: the label of refused.
const (
	refusedRoom     = "room"     // too many connections
	refusedApp      = "app"      // an application that there is not
	refusedSecret   = "secret"   // wrong credentials
	refusedTries    = "tries"    // too many of them
	refusedDomain   = "domain"   // none of ours
	refusedEnroll   = "enroll"   // the peer did not take the registration
	refusedDraining = "draining" // the end is near
)

// Why a message came to nothing: the label of dropped.
const (
	dropFormat = "format"    // sound that nothing is known to be made of
	dropGone   = "gone"      // to a client that takes nothing any more
	dropAsked  = "asked"     // more commands than can be looked at
	dropForm   = "malformed" // no command
	dropPanic  = "panic"     // a fault of ours
	dropMixed  = "mixed"     // sound of one of three, who says more than is heard
)

// metrics count what the adapter sees.
type metrics struct {
	clients prometheus.Gauge
	logins  prometheus.Counter
	refused *prometheus.CounterVec
	calls   *prometheus.CounterVec
	dropped *prometheus.CounterVec
	slow    prometheus.Counter
	remotes *prometheus.CounterVec
}

// newMetrics registers with reg, which adds the label that tells adapters
// apart. With a nil reg nobody looks.
func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	counters := func(name, help, label string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{label})
	}
	m := &metrics{
		clients: prometheus.NewGauge(prometheus.GaugeOpts{Name: "gateway_rtmp_clients", Help: "RTMP connections that are served."}),
		logins:  prometheus.NewCounter(prometheus.CounterOpts{Name: "gateway_rtmp_logins_total", Help: "RTMP clients that have shown who they are."}),
		refused: counters("gateway_rtmp_refused_total", "RTMP clients that were refused, by reason.", "reason"),
		calls:   counters("gateway_rtmp_calls_total", "Calls of RTMP clients that were taken, by who was called.", "direction"),
		dropped: counters("gateway_rtmp_dropped_total", "RTMP messages that came to nothing, by reason.", "reason"),
		slow: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "gateway_rtmp_slow_messages_total", Help: "RTMP messages of sound that a client was too slow for.",
		}),
		remotes: counters("gateway_rtmp_connects_total", "Connections to RTMP servers elsewhere, by what came of them.", "result"),
	}
	if reg == nil {
		return m, nil
	}
	var errs []error
	for _, c := range []prometheus.Collector{m.clients, m.logins, m.refused, m.calls, m.dropped, m.slow, m.remotes} {
		errs = append(errs, reg.Register(c))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	return m, nil
}

func (m *metrics) refuse(reason string) { m.refused.WithLabelValues(reason).Inc() }

func (m *metrics) drop(reason string) { m.dropped.WithLabelValues(reason).Inc() }

func (m *metrics) call(direction string) { m.calls.WithLabelValues(direction).Inc() }

func (m *metrics) remote(err error) {
	if err != nil {
		m.remotes.WithLabelValues("failed").Inc()
		return
	}
	m.remotes.WithLabelValues("ok").Inc()
}
