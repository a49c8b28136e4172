package sip

import (
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// Why something from the network came to nothing: the labels of refused.
const (
	refusedFlood     = "flood"     // too much from a stranger
	refusedMalformed = "malformed" // could not be read
	refusedStranger  = "stranger"  // neither the peer nor an account
	refusedSecret    = "secret"    // wrong credentials
	refusedTries     = "tries"     // too many wrong credentials
	refusedSender    = "sender"    // under another's name
	refusedConns     = "conns"     // too many connections
	refusedGreeting  = "greeting"  // a handshake of TLS or WebSocket that has failed
	refusedRoom      = "room"      // too many transactions
	refusedDraining  = "draining"  // about to end
	refusedUnasked   = "unasked"   // a response to nothing
	refusedPanic     = "panic"     // a fault of ours
	refusedLoop      = "loop"      // our own message, come back
	refusedReceipt   = "receipt"   // a notification of no message of ours to its sender
	refusedTyping    = "typing"    // more typing notices than are kept track of
	directionIn      = "received"  // responses to our requests
	directionOut     = "sent"      // our responses
	otherMethod      = "other"     // not in methods
	otherCode        = "other"     // no status
	metricResponses  = "gateway_sip_responses_total"
	metricRefused    = "gateway_sip_refused_total"
	metricReconnects = "gateway_sip_reconnects_total"
	reconnectPeer    = "peer"
	reconnectLine    = "line"
	reconnectOK      = "ok"
	reconnectFailed  = "failed"
)

// methods are those that may stand in a label.
var methods = map[string]bool{
	"INVITE": true, "ACK": true, "CANCEL": true, "BYE": true, "REGISTER": true, "OPTIONS": true, "SUBSCRIBE": true,
	"NOTIFY": true, "REFER": true, "INFO": true, "MESSAGE": true, "PRACK": true, "UPDATE": true, "PUBLISH": true,
}

// metrics count what the adapter says and hears.
type metrics struct {
	responses *prometheus.CounterVec // direction, method, code
	refused   *prometheus.CounterVec // reason

	reconnects *prometheus.CounterVec // what, result

	mu      sync.Mutex // guards counted: sockets, timers and the bridge count
	counted map[responseKey]prometheus.Counter
}

// A responseKey is what one counter of responses counts. There are as many as labels allow.
type responseKey struct {
	direction, method string
	code              int
}

// newMetrics registers with reg, which adds the label that tells adapters
// apart.
func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		counted: map[responseKey]prometheus.Counter{},
		responses: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: metricResponses,
			Help: "Final SIP responses that were sent, and received, by method and status.",
		}, []string{"direction", "method", "code"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: metricRefused,
			Help: "What came from the network and was refused or dropped, by reason.",
		}, []string{"reason"}),
		reconnects: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: metricReconnects,
			Help: "Tries to reach the SIP peer, or to register a line, that had been away, by result.",
		}, []string{"what", "result"}),
	}
	for _, what := range []string{reconnectPeer, reconnectLine} {
		for _, result := range []string{reconnectOK, reconnectFailed} {
			m.reconnects.WithLabelValues(what, result) // there from the beginning, as 0
		}
	}
	if reg == nil {
		return m, nil
	}
	if err := errors.Join(reg.Register(m.responses), reg.Register(m.refused), reg.Register(m.reconnects)); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	return m, nil
}

// reconnect counts a try to get something back, and what came of it.
func (m *metrics) reconnect(what string, err error) {
	result := reconnectOK
	if err != nil {
		result = reconnectFailed
	}
	m.reconnects.WithLabelValues(what, result).Inc()
}

func (m *metrics) response(direction, method string, code int) {
	if !methods[method] {
		method = otherMethod
	}
	text := otherCode
	if code < 100 || code > 699 {
		code = 0
	}
	key := responseKey{direction, method, code}
	m.mu.Lock()
	defer m.mu.Unlock()
	counter := m.counted[key]
	if counter == nil { // to look for it by its labels takes longer than all else
		if code != 0 {
			text = strconv.Itoa(code)
		}
		counter = m.responses.WithLabelValues(direction, method, text)
		m.counted[key] = counter
	}
	counter.Inc()
}
