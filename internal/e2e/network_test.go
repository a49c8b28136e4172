//go:build e2e && !dino

package e2e

import "gateway/internal/peer"

// onNetwork calls run where the tests' traffic can't leave the machine.
func onNetwork(run func() int) int { return peer.OnLoopback(run) }
