package xmpp

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics counts what one adapter sees.
type metrics struct {
	errors     *prometheus.CounterVec
	dropped    *prometheus.CounterVec
	late       prometheus.Counter
	reconnects prometheus.Counter
	connects   *prometheus.CounterVec
}

// newMetrics registers with reg, which adds the label that tells adapters
// apart. With a nil reg nobody looks.
func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gateway_xmpp_stanza_errors_total",
			Help: "Stanza errors, to us (in) and by us (out).",
		}, []string{"direction", "condition"}),
		dropped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gateway_xmpp_stanzas_dropped_total",
			Help: "Stanzas that were not handed on, by reason.",
		}, []string{"reason"}),
		late: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "gateway_xmpp_late_errors_total",
			Help: "Errors from the server's own domains for messages that had counted as taken.",
		}),
		reconnects: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "gateway_xmpp_reconnects_total",
			Help: "Sessions with the server that ended before we did.",
		}),
		connects: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gateway_xmpp_connects_total",
			Help: "Tries to get a session with the server, by result: ok or failed.",
		}, []string{"result"}),
	}
	for _, result := range []string{"ok", "failed"} {
		m.connects.WithLabelValues(result)
	}
	if reg == nil {
		return m, nil
	}
	err := errors.Join(reg.Register(m.errors), reg.Register(m.dropped), reg.Register(m.late), reg.Register(m.reconnects), reg.Register(m.connects))
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	return m, nil
}

// stanzaError counts an error; a condition that no RFC knows counts as other.
func (m *metrics) stanzaError(direction, condition string) {
	if _, known := fromCondition(condition); !known {
		condition = "other"
	}
	m.errors.WithLabelValues(direction, condition).Inc()
}

func (m *metrics) drop(reason string) { m.dropped.WithLabelValues(reason).Inc() }

func (m *metrics) reconnect() { m.reconnects.Inc() }

// tried counts a try to get a session, which err was the end of, or nil.
func (m *metrics) tried(err error) {
	result := "ok"
	if err != nil {
		result = "failed"
	}
	m.connects.WithLabelValues(result).Inc()
}
