package bridge

import (
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics counts what crosses the bridge, and looks at the outbox and the
// adapters when it is asked.
type metrics struct {
	adapters []string
	outbox   *outbox
	health   *health

	messages *prometheus.CounterVec
	length   *prometheus.Desc
	age      *prometheus.Desc
	up       *prometheus.Desc
}

var _ prometheus.Collector = (*metrics)(nil)

func newMetrics(adapters map[string]Adapter) *metrics {
	label := []string{"adapter"}
	return &metrics{
		adapters: slices.Sorted(maps.Keys(adapters)),
		messages: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gateway_messages_total",
			Help: "Messages by the adapter that brought them (in) or took them (out), and what came of it: taken, relayed, stored, retry, or the cause of a refusal.",
		}, []string{"adapter", "direction", "outcome"}),
		length: prometheus.NewDesc("gateway_queue_length", "Messages on disk on their way to this adapter.", label, nil),
		age:    prometheus.NewDesc("gateway_queue_age_seconds", "Age of the oldest of them; 0 if there is none.", label, nil),
		up:     prometheus.NewDesc("gateway_adapter_up", "1 if the adapter reaches its network, else 0.", label, nil),
	}
}

// watch says where the gauges come from, once those are made.
func (m *metrics) watch(o *outbox, h *health) { m.outbox, m.health = o, h }

// in counts an answer to a message that an adapter brought.
func (m *metrics) in(adapter string, o Outcome, err error) {
	m.messages.WithLabelValues(adapter, "in", word(o, err)).Inc()
}

// out counts an attempt to hand a message to an adapter.
func (m *metrics) out(msg Message, r attempt) {
	outcome := word(r.outcome, r.err)
	if r.err != nil && mayRetry(r.err) {
		outcome = "retry"
	}
	m.messages.WithLabelValues(msg.To.Adapter, "out", outcome).Inc()
}

func word(o Outcome, err error) string {
	if err == nil {
		return o.String()
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Cause.String()
	}
	return Internal.String()
}

// mayRetry reports whether what has failed is tried again.
func mayRetry(err error) bool {
	var e *Error
	return !errors.As(err, &e) || e.Retry
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) {
	m.messages.Describe(ch)
	ch <- m.length
	ch <- m.age
	ch <- m.up
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	m.messages.Collect(ch)
	length, oldest := m.outbox.gauges()
	for _, a := range m.adapters {
		age := 0.0
		if at, ok := oldest[a]; ok {
			age = max(time.Since(at).Seconds(), 0)
		}
		ch <- prometheus.MustNewConstMetric(m.length, prometheus.GaugeValue, float64(length[a]), a)
		ch <- prometheus.MustNewConstMetric(m.age, prometheus.GaugeValue, age, a)
	}
	for _, s := range m.health.list() {
		up := 0.0
		if s.Up {
			up = 1
		}
		ch <- prometheus.MustNewConstMetric(m.up, prometheus.GaugeValue, up, s.Adapter)
	}
}

// gauges counts what is on disk by adapter, and finds the oldest of each.
func (o *outbox) gauges() (length map[string]int, oldest map[string]time.Time) {
	length, oldest = map[string]int{}, map[string]time.Time{}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, w := range o.stored {
		length[w.adapter]++
		if at, ok := oldest[w.adapter]; !ok || w.at.Before(at) {
			oldest[w.adapter] = w.at
		}
	}
	return length, oldest
}
