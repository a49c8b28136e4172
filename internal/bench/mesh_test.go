package main

import (
	"strings"
	"testing"
	"time"
)

func TestCostsOfAMeshAreToldByTheirRatio(t *testing.T) {
	t.Parallel()
	r := beaconed{
		clients: 100,
		gateway: []fanSample{{sent: 10_000, cpu: 80 * time.Millisecond, lost: 0.01}},
		echo:    []fanSample{{sent: 10_000, cpu: 50 * time.Millisecond}},
	}
	var b strings.Builder
	printMesh(&b, []beaconed{r})
	told := strings.Join(strings.Fields(b.String()), " ")
	for _, want := range []string{"100 clients", "100,000, gateway 0.81", "100,000, plain echo 0.50", "gateway / plain echo 1.62", "percent, gateway 1.00"} {
		if !strings.Contains(told, want) {
			t.Errorf("%q is not in %q", want, told)
		}
	}
}
