package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"gateway/internal/peer"
)

const (
	firstQueued = 1000 // not counted: the machinery itself
	moreQueued  = 5000
)

// queued is what waiting texts cost.
type queued struct {
	perThousand float64 // bytes of memory, of the whole process
}

// measureQueue takes the phones away and lets texts for them wait, in a
// gateway that has nothing else behind it.
func (w *world) measureQueue(ctx context.Context) (q queued, err error) {
	w.gateway.Stop()
	w.phones.close()
	w.phones = nil
	if err := w.openPhones(); err != nil { // it looks for them once
		return q, err
	}
	if err := w.startGateway(ctx, "waiting"); err != nil {
		return q, err
	}
	pid, err := groupOf("waiting/mapping.toml")
	if err != nil {
		return q, err
	}
	w.phones.close()
	w.phones = nil
	before, err := w.fill(ctx, pid, firstQueued, firstQueued)
	if err != nil {
		return q, err
	}
	after, err := w.fill(ctx, pid, moreQueued, firstQueued+moreQueued)
	if err != nil {
		return q, err
	}
	q.perThousand = float64(after-before) / (moreQueued / 1000)
	return q, nil
}

// fill sends n texts to phones that are away, waits until the queue holds
// total, and gives the gateway's size then, in bytes.
func (w *world) fill(ctx context.Context, pid, n, total int) (int, error) {
	l := w.newLoad(n, 0, false)
	for i := range n {
		if err := directions[1].send(w, path{component: component}, mark{l.id, i}); err != nil {
			return 0, err
		}
	}
	have := 0
	err := peer.Poll(ctx, func(ctx context.Context) bool {
		_, page, err := w.gateway.Get(ctx, "/metrics")
		if err != nil {
			return false
		}
		have = gauge(page, `gateway_queue_length{adapter="pbx"}`)
		return have >= total
	})
	if err != nil {
		return 0, fmt.Errorf("%d of %d texts wait: %w", have, total, err)
	}
	if err := w.errors(); err != nil {
		return 0, err
	}
	if err := pause(ctx, settle); err != nil {
		return 0, err
	}
	return resident(pid)
}

// gauge is a whole number on a page of metrics, 0 if it is not there.
func gauge(page, series string) int {
	for line := range strings.Lines(page) {
		if rest, ok := strings.CutPrefix(line, series+" "); ok {
			f, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			if err == nil {
				return int(f)
			}
		}
	}
	return 0
}
