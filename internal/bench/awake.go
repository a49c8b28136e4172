package main

import (
	"context"
	_ "embed" // for the program beside us
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"
)

//go:embed files/awake.c
var awakeSource string

// keepAwake keeps the CPUs from going to sleep until end is called. A virtual CPU
// that sleeps is woken by its host, now and then milliseconds late: more than anything that is
// to be measured.
func (w *world) keepAwake(ctx context.Context) (end func(), err error) {
	var stops []func()
	end = func() {
		for _, stop := range stops {
			stop()
		}
	}
	var may unix.CPUSet
	if err := unix.SchedGetaffinity(0, &may); err != nil {
		return nil, fmt.Errorf("our CPUs: %w", err)
	}
	for cpu, left := 0, may.Count(); left > 0; cpu++ {
		if !may.IsSet(cpu) {
			continue
		}
		left--
		stop, _, err := w.startC(ctx, "awake"+strconv.Itoa(cpu), awakeSource, strconv.Itoa(cpu))
		if err != nil {
			end()
			return nil, err
		}
		stops = append(stops, stop)
	}
	return end, nil
}
